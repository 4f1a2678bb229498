//! The canonical query: every pair decoded, encoded again and sorted, once.

use std::borrow::Cow;

use crate::canonical::Sink;
use crate::encoding::{self, EncodingError};
use crate::refusal::Refusal;

/// A query in canonical order; pairs that already were canonical are borrowed.
#[derive(Clone, Default)]
pub struct CanonicalQuery<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> CanonicalQuery<'a> {
    /// Parses a raw query (without `?`) of at most `max_parameters` pairs.
    ///
    /// A pair without `=` has an empty value; empty pairs (`a&&b`) are left out. Sorted by encoded name, then
    /// encoded value, both as bytes.
    pub fn parse(raw: &'a str, max_parameters: usize) -> Result<Self, Refusal> {
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == max_parameters {
                return Err(Refusal::TooLarge { what: "query parameters", limit: max_parameters });
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let malformed = |cause: EncodingError| Refusal::QueryMalformed { cause };
            let name = encoding::canonical(name).map_err(malformed)?;
            pairs.push((name, encoding::canonical(value).map_err(malformed)?));
        }
        pairs.sort_unstable();
        Ok(Self { pairs })
    }

    /// Adds a decoded pair at its place.
    pub(crate) fn insert(&mut self, name: &'static str, value: &str) {
        let mut encoded = String::with_capacity(value.len());
        value.bytes().for_each(|byte| encoding::push_encoded(byte, &mut encoded));
        self.pairs.push((Cow::Borrowed(name), Cow::Owned(encoded)));
        self.pairs.sort_unstable();
    }

    /// The pairs in canonical order, encoded.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The decoded value of the first pair named exactly `name`.
    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.pairs().find(|(candidate, _)| *candidate == name)?;
        encoding::decode(value).ok()
    }

    /// Writes the canonical query, without the signature; a token's value goes through `shown`.
    pub(crate) fn write<S: Sink>(&self, sink: &mut S, shown: impl Fn(&str, &mut S)) {
        let signed = self.pairs().filter(|(name, _)| *name != crate::presigned::SIGNATURE);
        for (index, (name, value)) in signed.enumerate() {
            if index > 0 {
                sink.put(b"&");
            }
            sink.put(name.as_bytes());
            sink.put(b"=");
            if name == crate::presigned::SECURITY_TOKEN {
                shown(value, sink);
            } else {
                sink.put(value.as_bytes());
            }
        }
    }
}

// Hides values: a presigned query carries a session token.
impl std::fmt::Debug for CanonicalQuery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(raw: &str) -> String {
        let mut text = Vec::new();
        CanonicalQuery::parse(raw, 9).unwrap().write(&mut text, |value, sink| sink.put(value.as_bytes()));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn pairs_are_sorted_by_name_then_value_after_encoding() {
        for (raw, want) in [
            ("", ""),
            ("b&a", "a=&b="),
            ("k=2&k=10&k=1", "k=1&k=10&k=2"),
            ("Param-3=3&Param=2", "Param=2&Param-3=3"),
            ("&&a=b=c&&", "a=b%3Dc"),
            ("%61=%2f", "a=%2F"),
            ("z=1&X-Amz-Signature=ff&A=0", "A=0&z=1"),
            ("z=1&X-Amz-Signatur%65=ff", "z=1"),
        ] {
            assert_eq!(canonical(raw), want, "{raw}");
        }
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        assert!(CanonicalQuery::parse("1&2&3", 3).is_ok());
        let refusal = CanonicalQuery::parse("1&2&3&4", 3).unwrap_err();
        assert_eq!(refusal, Refusal::TooLarge { what: "query parameters", limit: 3 });
    }
}
