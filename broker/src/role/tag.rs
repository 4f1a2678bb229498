//! Tags of roles and sessions.

use std::{collections::BTreeMap, sync::Arc};

use super::{Invalid, name::text_type};

/// The most tags a role or a session carries.
pub const TAGS_AT_MOST: usize = 50;

text_type! {
    /// A tag's key: 1 to 128 letters, digits, spaces or `_.:/=+-@`, not starting with `aws:`.
    TagKey
}
text_type! {
    /// A tag's value: 0 to 256 of the same characters.
    TagValue
}

impl TagKey {
    /// Checks length, characters and the reserved prefix.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let reserved = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        let sound = !text.is_empty() && within(text, 128) && !reserved;
        if sound { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    /// The key as comparisons use it: keys that differ in case only are the same key.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    const INVALID: Invalid = Invalid::new(
        "a tag's key is 1 to 128 letters, digits, spaces or _.:/=+-@ and doesn't start with aws:",
    );
}

impl TagValue {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if within(text, 256) { Ok(Self(Arc::from(text))) } else { Err(Self::INVALID) }
    }

    const INVALID: Invalid = Invalid::new("a tag's value is up to 256 letters, digits, spaces or _.:/=+-@");
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, counted in Unicode scalar values.
fn within(text: &str, most: usize) -> bool {
    text.chars().count() <= most
        && text
            .chars()
            .all(|c| c.is_alphabetic() || c.is_numeric() || is_separator(c) || "_.:/=+-@".contains(c))
}

/// `\p{Z}`: white space without the control characters.
fn is_separator(character: char) -> bool {
    character.is_whitespace() && !character.is_control()
}

/// Tags of one role or session: at most 50, keys unique whatever their case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, (TagKey, TagValue)>);

impl Tags {
    /// Adds a tag; a key that is already there in any case is refused, and so is the 51st.
    pub fn insert(&mut self, key: TagKey, value: TagValue) -> Result<(), Invalid> {
        let folded = key.folded();
        if self.0.contains_key(&folded) {
            return Err(Invalid::new("two tags have the same key, which ignores case"));
        }
        if self.0.len() >= TAGS_AT_MOST {
            return Err(Invalid::new("there are at most 50 tags"));
        }
        self.0.insert(folded, (key, value));
        Ok(())
    }

    /// The tags, ordered by their keys in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.values().map(|(key, value)| (key, value))
    }

    /// The tags with their keys in lower case, as condition keys need them.
    pub fn folded(&self) -> impl Iterator<Item = (&str, &TagValue)> {
        self.0.iter().map(|(folded, (_, value))| (folded.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without any tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
