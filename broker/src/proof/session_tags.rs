//! Session tags and source identities that a provider asserts, within AWS's limits, whatever the kind of proof.

const MAX_TAGS: usize = 50;

/// The tags of one proof, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SessionTags {
    tags: Vec<(String, String)>,
    transitive: Vec<String>,
}

impl SessionTags {
    /// Adds a tag: at most 50, keys of 1 to 128 and values of up to 256 characters, no key twice (ignoring case) and none
    /// starting with `aws:`.
    pub(super) fn add(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        if self.tags.len() >= MAX_TAGS {
            return Err("more than 50 tags");
        }
        if !(1..=128).contains(&key.chars().count()) || !key.chars().all(is_tag_character) || is_reserved(key)
        {
            return Err("a tag key is not acceptable");
        }
        if value.chars().count() > 256 || !value.chars().all(is_tag_character) {
            return Err("a tag value is not acceptable");
        }
        if self.tags.iter().any(|(known, _)| same_key(known, key)) {
            return Err("a tag key occurs twice");
        }
        self.tags.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Adds the key of a tag that goes on to chained sessions.
    pub(super) fn add_transitive(&mut self, key: &str) -> Result<(), &'static str> {
        if self.transitive.iter().any(|known| same_key(known, key)) {
            return Err("a transitive key occurs twice");
        }
        if self.transitive.len() >= MAX_TAGS {
            return Err("more than 50 transitive keys");
        }
        self.transitive.push(key.to_owned());
        Ok(())
    }

    /// Nothing, if every transitive key is the key of a tag in the same proof.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let is_tag = |key: &String| self.tags.iter().any(|(known, _)| same_key(known, key));
        if self.transitive.iter().all(is_tag) {
            Ok(())
        } else {
            Err("a transitive key is not the key of a tag")
        }
    }

    /// The tags and the transitive keys.
    pub(super) fn into_parts(self) -> (Vec<(String, String)>, Vec<String>) {
        (self.tags, self.transitive)
    }
}

/// Whether a text can be a source identity: 2 to 64 characters of `[\w+=,.@-]`, not starting with `aws:`.
pub(super) fn is_source_identity(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(allowed) && !is_reserved(text)
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_tag_character(character: char) -> bool {
    let separator = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || separator || "_.:/=+-@".contains(character)
}

fn is_reserved(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn same_key(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}
