//! OpenID Connect tokens: from an [`UnverifiedToken`] to a [`FederatedIdentity`].
//!
//! Pure: the time and the provider's keys are arguments.

use std::sync::Arc;

use jiff::Timestamp;
use ring::digest;

use super::{FederatedIdentity, digest_bytes};
use claims::Claims;
use json::shown;

pub use algorithm::{Algorithm, UnusableAlgorithm};
pub use endpoint::{Allowed, Endpoint, EndpointError};
pub use keys::{KeySet, KeySetError, MAX_KEY_SET_BYTES, SkippedKey};
pub use provider::{KeySettings, KeySource, Provider, ProviderError, Settings};
pub use refusal::{Class, Refusal};
pub use supposed::{Supposed, suppose};
pub use token::UnverifiedToken;

mod algorithm;
mod claims;
mod context;
pub mod discovery;
mod endpoint;
mod json;
mod keys;
mod provider;
mod refusal;
mod signature;
mod supposed;
mod tags;
mod times;
mod token;
mod vendor;

#[cfg(test)]
pub(crate) mod tests;

/// The identity that `token` proves, by a signature of one of `keys` and the rules of `provider`.
///
/// Algorithm and key come from the provider's side; the token's header only picks among them. Claims are
/// read from what the signature covers, and only after it was verified.
pub fn verify(
    token: UnverifiedToken<'_>,
    provider: &Provider,
    keys: &KeySet,
    now: Timestamp,
) -> Result<FederatedIdentity, Refusal> {
    if token.issuer() != &*provider.issuer_text {
        return Err(Refusal::UnknownProvider { issuer: token.issuer().to_owned() });
    }
    let algorithm = allowed_algorithm(&token, provider)?;
    let key = keys.select(algorithm, token.kid()).map_err(|problem| Refusal::NoKey { problem })?;
    let (claims, signed) = token.signed_by(algorithm, &key.material)?;
    identity(claims, signed, provider, now)
}

fn allowed_algorithm(token: &UnverifiedToken<'_>, provider: &Provider) -> Result<Algorithm, Refusal> {
    let named = provider.algorithms.iter().find(|allowed| allowed.name() == token.algorithm());
    named.copied().ok_or_else(|| {
        let names: Vec<_> = provider.algorithms.iter().map(|allowed| allowed.name()).collect();
        Refusal::Algorithm {
            seen: shown(token.algorithm()),
            wanted: format!("the provider allows {}", names.join(", ")),
        }
    })
}

fn identity(
    claims: Claims,
    signed: &str,
    provider: &Provider,
    now: Timestamp,
) -> Result<FederatedIdentity, Refusal> {
    if claims.issuer != *provider.issuer_text {
        return Err(Refusal::Issuer { seen: claims.issuer, wanted: provider.issuer_text.to_string() });
    }
    let lifetime = times::check(&claims, provider.skew_seconds, now)?;
    let audience = Arc::clone(audience(&claims, provider)?);
    let subject = bounded("sub", claims.subject.as_deref())?.to_owned();
    let single_use_id = match provider.single_use {
        true => Some(format!("{} {}", provider.id, bounded("jti", claims.id.as_deref())?)),
        false => None,
    };
    let (session_tags, transitive_tag_keys) = tags::read(&claims.others)?.into_parts();
    let source_identity = tags::source_identity(&claims.others)?;
    let context = provider.context.of(claims, &audience, &subject);
    Ok(FederatedIdentity {
        account_id: provider.account_id.clone(),
        provider_arn: provider.arn.clone(),
        provider_id: provider.id.clone(),
        issuer: provider.issuer_text.clone(),
        subject,
        audience,
        proof_digest: digest_bytes(&digest::digest(&digest::SHA256, signed.as_bytes())),
        issued_at: lifetime.issued,
        expires_at: lifetime.expires,
        session_tags,
        transitive_tag_keys,
        source_identity,
        session_name: None,
        max_duration: None,
        not_after: None,
        single_use_id,
        context,
    })
}

/// The audience by AWS's rule: `azp` where there is one, else the only value of `aud`.
///
/// A token for several audiences and without `azp` could be replayed to us by any of them.
fn audience<'p>(claims: &Claims, provider: &'p Provider) -> Result<&'p Arc<str>, Refusal> {
    let refused = || {
        let seen = claims.authorized_party.clone().unwrap_or_else(|| claims.audience.join(", "));
        Refusal::Audience { seen: seen.chars().take(256).collect() }
    };
    let named = match (claims.authorized_party.as_deref(), claims.audience.as_slice()) {
        (_, []) => return Err(Refusal::MissingClaim { name: "aud" }),
        (Some(party), _) => party,
        (None, [only]) => only,
        (None, _) => return Err(refused()),
    };
    provider.client_ids.iter().find(|id| ***id == *named).ok_or_else(refused)
}

/// A claim that must be there with 1 to 255 characters, none of them a control character.
fn bounded<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, Refusal> {
    let text = value.ok_or(Refusal::MissingClaim { name })?;
    if !(1..=255).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        let problem = "not 1 to 255 printable characters".to_owned();
        return Err(Refusal::Claim { name: name.to_owned(), problem });
    }
    Ok(text)
}
