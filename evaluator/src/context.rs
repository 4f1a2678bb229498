//! The condition context of a request: keys without regard to case, values exactly as they came.

use std::borrow::Cow;

/// Keys that there is room for from the start: as many as most requests have.
const USUAL_KEYS: usize = 16;

/// Condition keys and values of one request, kept sorted by lower-case key.
///
/// Keys that follow from the principal (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:userid`,
/// `aws:username`) are always taken from it: an entry of that name is never read.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    entries: Vec<(Cow<'a, str>, Values<'a>)>,
}

#[derive(Debug, Clone)]
enum Values<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'a> Context<'a> {
    /// An empty context.
    pub fn new() -> Self {
        Self { entries: Vec::with_capacity(USUAL_KEYS) }
    }

    /// Gives a key its one value, in place of what it had.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> &mut Self {
        self.put(key.into(), Values::One(value.into()))
    }

    /// Gives a multivalued key its values, in place of what it had; none at all counts as absent.
    pub fn set_all<V: Into<Cow<'a, str>>>(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        self.put(key.into(), Values::Many(values.into_iter().map(Into::into).collect()))
    }

    /// The values of a key, in the order given; empty where it is absent. The key is taken without regard to case.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = lower(Cow::Borrowed(key));
        let seen = self.seen(&key);
        seen.iter()
    }

    /// Every key with its values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.entries.iter().map(|(key, values)| (&**key, values.seen().iter()))
    }

    fn put(&mut self, key: Cow<'a, str>, values: Values<'a>) -> &mut Self {
        let key = lower(key);
        match self.entries.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(found) => {
                if let Some(entry) = self.entries.get_mut(found) {
                    entry.1 = values;
                }
            }
            Err(place) => self.entries.insert(place, (key, values)),
        }
        self
    }

    /// What a lower-case key holds.
    pub(crate) fn seen(&self, key: &str) -> Seen<'_> {
        // Among a few, most are told apart by their length, and their text stays out of the processor's cache.
        let found = if self.entries.len() <= USUAL_KEYS {
            self.entries.iter().find(|(known, _)| **known == *key)
        } else {
            let at = self.entries.binary_search_by(|(known, _)| (**known).cmp(key)).ok();
            at.and_then(|at| self.entries.get(at))
        };
        found.map_or(Seen::Absent, |(_, values)| values.seen())
    }
}

impl Values<'_> {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::One(value) => Seen::One(value),
            Self::Many(values) => match values.as_slice() {
                [] => Seen::Absent,
                [only] => Seen::One(only),
                several => Seen::Many(several),
            },
        }
    }
}

/// What a request holds under a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'r> {
    Absent,
    One(&'r str),
    Many(&'r [Cow<'r, str>]),
}

impl<'r> Seen<'r> {
    pub(crate) fn of(value: Option<&'r str>) -> Self {
        value.map_or(Self::Absent, Self::One)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'r str> {
        let (one, many) = match self {
            Self::Absent => (None, [].as_slice()),
            Self::One(value) => (Some(value), [].as_slice()),
            Self::Many(values) => (None, values),
        };
        one.into_iter().chain(many.iter().map(|value| &**value))
    }
}

fn lower(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.bytes().any(|b| b.is_ascii_uppercase()) { Cow::Owned(key.to_ascii_lowercase()) } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_and_the_last_value_stands() {
        let mut context = Context::new();
        context.set("aws:SourceIp", "10.0.0.1").set("AWS:sourceip", "10.0.0.2");
        context.set_all("aws:TagKeys", ["a", "b"]).set_all("aws:Empty", [""; 0]);
        assert_eq!(context.values("aws:SOURCEIP").collect::<Vec<_>>(), ["10.0.0.2"]);
        assert_eq!(context.values("aws:tagkeys").count(), 2);
        assert_eq!(context.values("aws:empty").count(), 0);
    }

    #[test]
    fn every_key_is_found_among_few_and_among_many() {
        for count in [0, 1, USUAL_KEYS, USUAL_KEYS + 1, 200] {
            let mut context = Context::new();
            for number in 0..count {
                context.set(format!("Key{number}"), number.to_string());
            }
            for number in 0..count {
                assert_eq!(context.values(&format!("kEY{number}")).collect::<Vec<_>>(), [number.to_string()]);
            }
            assert_eq!(context.values(&format!("key{count}")).count(), 0);
        }
    }
}
