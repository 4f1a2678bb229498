//! Session tags and source identity that a provider asserts in its token, in both forms that AWS reads.

use super::json::{Object, Value};
use super::refusal::Refusal;
use crate::proof::session_tags::{SessionTags, is_source_identity};

const NESTED: &str = "https://aws.amazon.com/tags";
const FLAT_TAG: &str = "https://aws.amazon.com/tags/principal_tags/";
const FLAT_TRANSITIVE: &str = "https://aws.amazon.com/tags/transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// Reads the nested claim and the flattened ones.
pub(super) fn read(claims: &Object) -> Result<SessionTags, Refusal> {
    let mut found = SessionTags::default();
    match claims.member(NESTED) {
        None => {}
        Some(Value::Object(nested)) => read_nested(&mut found, nested)?,
        Some(_) => return Err(refused(NESTED, "not an object")),
    }
    for (name, value) in claims.members() {
        if let Some(key) = name.strip_prefix(FLAT_TAG) {
            add(&mut found, key, one_text(name, value)?)?;
        }
    }
    if let Some(value) = claims.member(FLAT_TRANSITIVE) {
        add_transitive(&mut found, FLAT_TRANSITIVE, value)?;
    }
    found.check().map_err(|problem| refused(NESTED, problem))?;
    Ok(found)
}

/// Reads the source identity claim.
pub(super) fn source_identity(claims: &Object) -> Result<Option<String>, Refusal> {
    let Some(value) = claims.member(SOURCE_IDENTITY) else { return Ok(None) };
    let text = one_text(SOURCE_IDENTITY, value)?;
    if !is_source_identity(text) {
        return Err(refused(SOURCE_IDENTITY, "not 2 to 64 characters of [\\w+=,.@-]"));
    }
    Ok(Some(text.to_owned()))
}

fn read_nested(found: &mut SessionTags, nested: &Object) -> Result<(), Refusal> {
    match nested.member("principal_tags") {
        None => {}
        Some(Value::Object(tags)) => {
            for (key, value) in tags.members() {
                add(found, key, one_text(NESTED, value)?)?;
            }
        }
        Some(_) => return Err(refused(NESTED, "`principal_tags` is not an object")),
    }
    match nested.member("transitive_tag_keys") {
        None => Ok(()),
        Some(value) => add_transitive(found, NESTED, value),
    }
}

fn add(found: &mut SessionTags, key: &str, value: &str) -> Result<(), Refusal> {
    found.add(key, value).map_err(|problem| refused(NESTED, problem))
}

fn add_transitive(found: &mut SessionTags, claim: &str, value: &Value) -> Result<(), Refusal> {
    let Value::Array(keys) = value else {
        return Err(refused(claim, "transitive keys are not an array"));
    };
    for key in keys {
        let key = key.as_str().ok_or_else(|| refused(claim, "a transitive key is not a string"))?;
        found.add_transitive(key).map_err(|problem| refused(claim, problem))?;
    }
    Ok(())
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

fn refused(claim: &str, problem: &str) -> Refusal {
    Refusal::Claim { name: claim.to_owned(), problem: problem.to_owned() }
}
