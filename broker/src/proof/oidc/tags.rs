//! Session tags and source identity that a provider asserts in its token, in both forms that AWS reads.

use super::json::{Object, Value};
use super::refusal::Refusal;

const NESTED: &str = "https://aws.amazon.com/tags";
const FLAT_TAG: &str = "https://aws.amazon.com/tags/principal_tags/";
const FLAT_TRANSITIVE: &str = "https://aws.amazon.com/tags/transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";
const MAX_TAGS: usize = 50;

/// The tags of one token, within AWS's limits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
}

/// Reads the nested claim and the flattened ones.
///
/// At most 50 tags, keys of 1 to 128 and values of up to 256 characters, no key twice (ignoring case) and
/// none starting with `aws:`; a transitive key must be the key of a tag in the same token.
pub(super) fn read(claims: &Object) -> Result<Tags, Refusal> {
    let mut found = Tags::default();
    match claims.member(NESTED) {
        None => {}
        Some(Value::Object(nested)) => found.read_nested(nested)?,
        Some(_) => return Err(refused(NESTED, "not an object")),
    }
    for (name, value) in claims.members() {
        if let Some(key) = name.strip_prefix(FLAT_TAG) {
            found.add(key, one_text(name, value)?)?;
        }
    }
    if let Some(value) = claims.member(FLAT_TRANSITIVE) {
        found.add_transitive(FLAT_TRANSITIVE, value)?;
    }
    for key in &found.transitive {
        if !found.tags.iter().any(|(known, _)| same_key(known, key)) {
            return Err(refused(NESTED, "a transitive key is not the key of a tag"));
        }
    }
    Ok(found)
}

/// Reads the source identity claim: 2 to 64 characters of `[\w+=,.@-]`, not starting with `aws:`.
pub(super) fn source_identity(claims: &Object) -> Result<Option<String>, Refusal> {
    let Some(value) = claims.member(SOURCE_IDENTITY) else { return Ok(None) };
    let text = one_text(SOURCE_IDENTITY, value)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=64).contains(&text.len()) || !text.bytes().all(allowed) || is_reserved(text) {
        return Err(refused(SOURCE_IDENTITY, "not 2 to 64 characters of [\\w+=,.@-]"));
    }
    Ok(Some(text.to_owned()))
}

impl Tags {
    fn read_nested(&mut self, nested: &Object) -> Result<(), Refusal> {
        match nested.member("principal_tags") {
            None => {}
            Some(Value::Object(tags)) => {
                for (key, value) in tags.members() {
                    self.add(key, one_text(NESTED, value)?)?;
                }
            }
            Some(_) => return Err(refused(NESTED, "`principal_tags` is not an object")),
        }
        match nested.member("transitive_tag_keys") {
            None => Ok(()),
            Some(value) => self.add_transitive(NESTED, value),
        }
    }

    fn add(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        if self.tags.len() >= MAX_TAGS {
            return Err(refused(NESTED, "more than 50 tags"));
        }
        if !(1..=128).contains(&key.chars().count()) || !key.chars().all(is_tag_character) || is_reserved(key)
        {
            return Err(refused(NESTED, "a tag key is not acceptable"));
        }
        if value.chars().count() > 256 || !value.chars().all(is_tag_character) {
            return Err(refused(NESTED, "a tag value is not acceptable"));
        }
        if self.tags.iter().any(|(known, _)| same_key(known, key)) {
            return Err(refused(NESTED, "a tag key occurs twice"));
        }
        self.tags.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    fn add_transitive(&mut self, claim: &str, value: &Value) -> Result<(), Refusal> {
        let Value::Array(keys) = value else {
            return Err(refused(claim, "transitive keys are not an array"));
        };
        for key in keys {
            let key = key.as_str().ok_or_else(|| refused(claim, "a transitive key is not a string"))?;
            if self.transitive.iter().any(|known| same_key(known, key)) {
                return Err(refused(claim, "a transitive key occurs twice"));
            }
            if self.transitive.len() >= MAX_TAGS {
                return Err(refused(claim, "more than 50 transitive keys"));
            }
            self.transitive.push(key.to_owned());
        }
        Ok(())
    }
}

/// A string, or an array of exactly one.
fn one_text<'a>(claim: &str, value: &'a Value) -> Result<&'a str, Refusal> {
    let text = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Array(items) => match items.as_slice() {
            [Value::String(text)] => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    text.ok_or_else(|| refused(claim, "not one string"))
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

fn refused(claim: &str, problem: &str) -> Refusal {
    Refusal::Claim { name: claim.to_owned(), problem: problem.to_owned() }
}
