//! From claims to condition keys: `<issuer without scheme>:<claim>`, only for claims that are listed.

use std::sync::Arc;

use super::claims::Claims;
use super::json::{Object, Value};
use super::provider::ProviderError;
use super::vendor;
use crate::proof::ConditionKey;

/// Claims with a meaning of their own, never added as plain ones.
const BUILT_IN: &[&str] = &["aud", "oaud", "sub", "amr", "email", "azp", "iss", "exp", "iat", "nbf", "jti"];
/// Most claims that configuration may add.
const MAX_ADDED: usize = 100;

/// The condition keys of one provider, spelled out when it is loaded.
#[derive(Clone, Debug)]
pub(super) struct ContextRules {
    audience: Arc<str>,
    original_audience: Arc<str>,
    subject: Arc<str>,
    methods: Arc<str>,
    email: Arc<str>,
    exposed: Vec<(Vec<String>, Arc<str>)>,
}

impl ContextRules {
    /// Builds the keys of the issuer called `name`; `added` are claims that the operator opted in to.
    ///
    /// Condition keys ignore case, so two claims whose names differ only in case can't both be keys: a
    /// token could otherwise set `sub` through a claim `SUB`.
    pub(super) fn new(name: &str, added: &[String]) -> Result<Self, ProviderError> {
        let key = |claim: &str| Arc::from(format!("{name}:{claim}").to_lowercase());
        let mut exposed: Vec<(Vec<String>, Arc<str>)> = vendor::claims(name)
            .iter()
            .map(|claim| (claim.path.iter().map(|part| (*part).to_owned()).collect(), key(claim.name)))
            .collect();
        let refuse = |claim: &String, problem| Err(ProviderError::Claim(claim.clone(), problem));
        if let Some(claim) = added.get(MAX_ADDED) {
            return refuse(claim, "there are more than 100");
        }
        for claim in added {
            if claim.is_empty() || claim.len() > 255 || claim.chars().any(char::is_control) {
                return refuse(claim, "it is no name of 1 to 255 bytes");
            }
            if BUILT_IN.contains(&claim.to_lowercase().as_str()) {
                return refuse(claim, "it has a meaning of its own");
            }
            if exposed.iter().any(|(_, known)| *known == key(claim)) {
                return refuse(claim, "it is there already");
            }
            exposed.push((vec![claim.clone()], key(claim)));
        }
        Ok(Self {
            audience: key("aud"),
            original_audience: key("oaud"),
            subject: key("sub"),
            methods: key("amr"),
            email: key("email"),
            exposed,
        })
    }

    /// The keys for the trust policy, sorted by name.
    pub(super) fn of(&self, claims: Claims, audience: &str, subject: &str) -> Vec<ConditionKey> {
        let mut keys = Vec::with_capacity(self.exposed.len().saturating_add(5));
        let mut add = |name: &Arc<str>, carried, values: Vec<String>| {
            keys.push(ConditionKey { name: Arc::clone(name), values, carried });
        };
        for (path, name) in &self.exposed {
            if let Some(text) = scalar(&claims.others, path) {
                add(name, false, vec![text]);
            }
        }
        add(&self.audience, true, vec![audience.to_owned()]);
        add(&self.subject, true, vec![subject.to_owned()]);
        add(&self.original_audience, false, claims.audience);
        if !claims.methods.is_empty() {
            add(&self.methods, true, claims.methods);
        }
        if let Some(email) = claims.email {
            add(&self.email, false, vec![email]);
        }
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        keys
    }
}

/// The text of a string, integer or boolean at `path`; anything else is no key at all.
fn scalar(claims: &Object, path: &[String]) -> Option<String> {
    let (last, outer) = path.split_last()?;
    let mut object = claims;
    for name in outer {
        match object.member(name)? {
            Value::Object(inner) => object = inner,
            _ => return None,
        }
    }
    match object.member(last)? {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::OtherNumber | Value::Array(_) | Value::Object(_) => None,
    }
}
