//! What a token would bring to a trust policy if its claims were these: for asking beforehand, proving nothing.

use super::claims::Claims;
use super::{Provider, Refusal, audience, bounded, tags};
use crate::proof::ConditionKey;

/// Condition keys, tags and source identity of claims that nobody has signed.
#[derive(Clone, Debug, Default)]
pub struct Supposed {
    /// Condition keys, as a verified token would have them.
    pub context: Vec<ConditionKey>,
    /// Session tags.
    pub session_tags: Vec<(String, String)>,
    /// Keys of those that go on to chained sessions.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity.
    pub source_identity: Option<String>,
}

/// Reads claims, the payload of a token as JSON, by the provider's rules; times and signature don't count.
///
/// # Errors
/// The claim for which a token of the provider would be refused.
pub fn suppose(provider: &Provider, claims: &str) -> Result<Supposed, Refusal> {
    let malformed =
        |error: serde_json::Error| Refusal::Malformed { part: "claims", problem: error.to_string() };
    let claims: Claims = serde_json::from_str(claims).map_err(malformed)?;
    if claims.issuer != *provider.issuer_text {
        return Err(Refusal::Issuer { seen: claims.issuer, wanted: provider.issuer_text.to_string() });
    }
    let audience = audience(&claims, provider)?;
    let subject = bounded("sub", claims.subject.as_deref())?.to_owned();
    let (session_tags, transitive_tag_keys) = tags::read(&claims.others)?.into_parts();
    let source_identity = tags::source_identity(&claims.others)?;
    Ok(Supposed {
        context: provider.context.of(claims, audience, &subject),
        session_tags,
        transitive_tag_keys,
        source_identity,
    })
}
