//! The attributes of an assertion: those that AWS gives a meaning, and all others as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use roxmltree::Node;

use super::refusal::Refusal;
use super::xml::{self, ASSERTION};
use crate::proof::session_tags::{SessionTags, is_source_identity};

const PREFIX: &str = "https://aws.amazon.com/SAML/Attributes/";
/// Values that one assertion may have in all.
const MOST_VALUES: usize = 1_000;

/// The attributes of one assertion.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Pairs of a role and a provider that the assertion grants.
    pub(super) roles: Vec<(String, String)>,
    pub(super) session_name: Option<String>,
    pub(super) session_duration: Option<Duration>,
    pub(super) source_identity: Option<String>,
    pub(super) tags: SessionTags,
    /// Others, by name.
    pub(super) others: BTreeMap<String, Vec<String>>,
}

impl Attributes {
    /// Reads every `saml:Attribute` of an assertion. An attribute in two places has the values of both.
    ///
    /// # Errors
    /// One of AWS's is not as it must be: no text, too many values, or one out of bounds.
    pub(super) fn read(assertion: Node<'_, '_>) -> Result<Self, Refusal> {
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut left = MOST_VALUES;
        let attributes = xml::children(assertion, ASSERTION, "AttributeStatement")
            .flat_map(|statement| xml::children(statement, ASSERTION, "Attribute"));
        for attribute in attributes {
            let name = xml::attribute(attribute, "Name").unwrap_or_default();
            let values = named.entry(name.to_owned()).or_default();
            for value in xml::children(attribute, ASSERTION, "AttributeValue") {
                left = left.checked_sub(1).ok_or_else(|| refused(name, "there are too many values"))?;
                match xml::text(value) {
                    Some(text) => values.push(text),
                    None if name.starts_with(PREFIX) => return Err(refused(name, "a value is not text")),
                    // A structure, as eduPersonTargetedID has: no condition can compare it.
                    None => {}
                }
            }
        }
        let mut found = Self::default();
        for (name, values) in named {
            match name.strip_prefix(PREFIX) {
                Some(rest) => found.take(&name, rest, &values)?,
                None => drop(found.others.insert(name, values)),
            }
        }
        found.tags.check().map_err(|problem| refused("TransitiveTagKeys", problem))?;
        Ok(found)
    }

    fn take(&mut self, name: &str, rest: &str, values: &[String]) -> Result<(), Refusal> {
        match (rest, values) {
            ("Role", _) => self.roles = values.iter().filter_map(|value| pair(value)).collect(),
            ("RoleSessionName", [one]) if is_session_name(one) => self.session_name = Some(one.clone()),
            ("RoleSessionName", []) => return Err(Refusal::NoSessionName),
            ("RoleSessionName", _) => return Err(Refusal::SessionName),
            ("SessionDuration", [one]) => self.session_duration = Some(duration(name, one)?),
            ("SourceIdentity", [one]) if is_source_identity(one) => self.source_identity = Some(one.clone()),
            ("SourceIdentity", _) => return Err(Refusal::SourceIdentity),
            ("TransitiveTagKeys", _) => {
                for key in values {
                    self.tags.add_transitive(key).map_err(|problem| refused(name, problem))?;
                }
            }
            (tag, [one]) if tag.starts_with("PrincipalTag:") => {
                let key = tag.strip_prefix("PrincipalTag:").unwrap_or_default();
                self.tags.add(key, one).map_err(|problem| refused(name, problem))?;
            }
            ("SessionDuration", _) => return Err(refused(name, "there is not one value")),
            (tag, _) if tag.starts_with("PrincipalTag:") => {
                return Err(refused(name, "there is not one value"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the assertion grants the role through the provider.
    pub(super) fn grants(&self, role: &str, provider: &str) -> bool {
        self.roles.iter().any(|(one, other)| one == role && other == provider)
    }
}

/// A role and a provider, with a comma between them, in either order.
fn pair(value: &str) -> Option<(String, String)> {
    let (one, other) = value.split_once(',')?;
    let is_provider = |arn: &str| arn.contains(":saml-provider/");
    match (is_provider(one), is_provider(other)) {
        (false, true) => Some((one.to_owned(), other.to_owned())),
        (true, false) => Some((other.to_owned(), one.to_owned())),
        _ => None,
    }
}

fn is_session_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// 900 to 43,200 seconds.
fn duration(name: &str, text: &str) -> Result<Duration, Refusal> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if digits { text.parse().ok() } else { None };
    seconds
        .filter(|seconds| (900..=43_200).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| refused(name, "it is not 900 to 43200 seconds"))
}

fn refused(name: &str, problem: &str) -> Refusal {
    Refusal::Attribute { name: name.chars().take(256).collect(), problem: problem.to_owned() }
}
