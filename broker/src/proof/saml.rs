//! SAML 2.0 responses: from an [`UnverifiedResponse`] to a [`FederatedIdentity`].
//!
//! Pure but for its C libraries, which are asked for one thing behind the feature `saml` and may take milliseconds:
//! callers verify where they may block.

use std::sync::Arc;

use jiff::Timestamp;
use ring::digest;

use super::FederatedIdentity;
use assertion::Assertion;
use provider::SingleUse as Uses;
use response::Envelope;
use xml::{ASSERTION, PROTOCOL};

pub use certificate::SigningCertificate;
pub use metadata::{Metadata, MetadataError};
pub use provider::{Provider, ProviderError, Settings, SingleUse};
pub use refusal::{Class, Refusal};
pub use response::UnverifiedResponse;

mod assertion;
mod attributes;
mod budget;
mod certificate;
mod context;
mod digested;
mod guard;
mod metadata;
mod provider;
mod refusal;
mod response;
mod signature;
mod times;
mod xml;

#[cfg(feature = "saml")]
#[cfg(test)]
mod tests;

/// Nodes of what was digested, which is a part of a document within its budgets.
const MOST_NODES: u32 = 5_000;

/// Elements and attributes that are canonicalized for one response, over all certificates that are tried: 40 ms of them.
const MOST_WORK: usize = 8_000;

/// The identity that `response` proves for the role with ARN `role`, by a signature of one of the provider's
/// certificates and its rules.
///
/// Claims are read from the very bytes that were digested, by a second reading that knows nothing of the first but the
/// names of what is signed. Blocks while the C libraries verify.
pub fn verify(
    response: &UnverifiedResponse,
    provider: &Provider,
    role: &str,
    now: Timestamp,
) -> Result<FederatedIdentity, Refusal> {
    let signed = signed_bytes(response, provider, now)?;
    let (envelope, assertion) = second_reading(response, &signed)?;
    let expires = assertion.check(&envelope, provider, now)?;
    identity(assertion, provider, role, expires)
}

/// What a valid certificate of the provider signed, whichever it is.
fn signed_bytes(
    response: &UnverifiedResponse,
    provider: &Provider,
    now: Timestamp,
) -> Result<String, Refusal> {
    let certificates: Vec<_> = provider.metadata.valid_at(response.shape.family, now).collect();
    if certificates.len().saturating_mul(response.weight) > MOST_WORK {
        return Err(Refusal::Signature { problem: "it is too large to be held against every certificate" });
    }
    let mut problem = "no certificate of this kind of key is valid now";
    for certificate in certificates {
        if let Some(bytes) = digested::signed_by(response, &certificate.der) {
            return Ok(bytes);
        }
        problem = "it is by none of the provider's certificates, or of another content";
    }
    Err(Refusal::Signature { problem })
}

/// The claims, from the digested bytes alone: they must be the very element whose signature was looked for.
fn second_reading(response: &UnverifiedResponse, signed: &str) -> Result<(Envelope, Assertion), Refusal> {
    let other = |_| Refusal::Signature { problem: "what is signed is not the response or assertion" };
    let document = xml::parse(signed, MOST_NODES).map_err(|_| other(()))?;
    let (root, shape) = (document.root_element(), &response.shape);
    let is_assertion = |node: roxmltree::Node<'_, '_>| {
        xml::is(node, ASSERTION, "Assertion") && xml::attribute(node, "ID") == Some(shape.assertion.as_str())
    };
    if shape.signed_response.is_none() {
        if !is_assertion(root) {
            return Err(other(()));
        }
        return Ok((response.envelope.clone(), Assertion::read(root)?));
    }
    if !xml::is(root, PROTOCOL, "Response") || xml::attribute(root, "ID") != shape.signed_response.as_deref()
    {
        return Err(other(()));
    }
    let assertion = xml::child(root, ASSERTION, "Assertion").map_err(|_| other(()))?;
    let assertion = assertion.filter(|node| is_assertion(*node)).ok_or_else(|| other(()))?;
    Ok((Envelope::read(root)?, Assertion::read(assertion)?))
}

fn identity(
    assertion: Assertion,
    provider: &Provider,
    role: &str,
    expires: Timestamp,
) -> Result<FederatedIdentity, Refusal> {
    let subject = assertion.subject.name_id.clone().ok_or(Refusal::NoNameId)?;
    if !assertion.attributes.grants(role, &provider.arn) {
        let provider = provider.arn.to_string();
        return Err(Refusal::RoleNotGranted { role: role.to_owned(), provider });
    }
    let recipient = &assertion.subject.recipient;
    let audience = provider.recipients.iter().find(|ours| ***ours == **recipient);
    let context = context::keys(&assertion, provider);
    let (proof_digest, single_use_id) = (digest_of(&assertion), single_use(&assertion, provider, role));
    let attributes = assertion.attributes;
    let (session_tags, transitive_tag_keys) = attributes.tags.into_parts();
    Ok(FederatedIdentity {
        account_id: provider.account_id.clone(),
        provider_arn: provider.arn.clone(),
        provider_id: provider.id.clone(),
        issuer: provider.entity_id.clone(),
        subject,
        audience: audience.map_or_else(|| Arc::from(""), Arc::clone),
        proof_digest,
        issued_at: assertion.issued,
        expires_at: expires,
        session_tags,
        transitive_tag_keys,
        source_identity: attributes.source_identity,
        session_name: Some(attributes.session_name.ok_or(Refusal::NoSessionName)?),
        max_duration: attributes.session_duration,
        not_after: assertion.session_end,
        single_use_id: Some(single_use_id),
        context,
    })
}

/// Names the assertion, whichever of its signatures it is shown with: whoever holds it can leave one of two away.
fn digest_of(assertion: &Assertion) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [assertion.issuer.as_bytes(), assertion.id.as_bytes()] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    super::digest_bytes(&hash.finish())
}

/// What may be redeemed once; neither an entity id nor an assertion's id has a space in it.
fn single_use(assertion: &Assertion, provider: &Provider, role: &str) -> String {
    let once = format!("{} {}", assertion.issuer, assertion.id);
    match provider.single_use {
        Uses::Role if !assertion.one_time_use => format!("{once} {role}"),
        Uses::Role | Uses::Once => once,
    }
}
