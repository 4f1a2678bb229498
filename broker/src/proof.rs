//! Proofs of identity: each kind is parsed and verified in a module of its own and leaves it as one
//! [`FederatedIdentity`]. No code behind that type asks which kind of proof it was.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ring::digest;

pub mod oidc;
pub mod saml;
mod session_tags;

/// Where a verification stopped, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The check that failed.
    pub name: &'static str,
    /// What the proof or the provider had; at most 256 characters.
    pub seen: String,
    /// What the check wanted.
    pub wanted: String,
}

/// What a proof says under one condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// The key, in lower case.
    pub name: Arc<str>,
    /// Its values.
    pub values: Vec<String>,
    /// Whether the key stays with the session.
    pub carried: bool,
}

/// An identity that its provider proved to us, whatever the kind of proof.
///
/// Only the `verify` function of a proof module builds one, so holding it means that the signature, the
/// issuer, the audience and the times were checked. Its `Debug` form shows no claim.
#[derive(Clone, PartialEq, Eq)]
pub struct FederatedIdentity {
    account_id: Arc<str>,
    provider_arn: Arc<str>,
    provider_id: Arc<str>,
    issuer: Arc<str>,
    subject: String,
    audience: Arc<str>,
    proof_digest: [u8; 32],
    issued_at: Timestamp,
    expires_at: Timestamp,
    session_tags: Vec<(String, String)>,
    transitive_tag_keys: Vec<String>,
    source_identity: Option<String>,
    session_name: Option<String>,
    max_duration: Option<Duration>,
    not_after: Option<Timestamp>,
    single_use_id: Option<String>,
    context: Vec<ConditionKey>,
}

impl FederatedIdentity {
    /// The account that configured the provider; a role must be in the same one.
    pub fn account_id(&self) -> &Arc<str> {
        &self.account_id
    }

    /// The provider as trust policies name it in `Principal.Federated`.
    pub fn provider_arn(&self) -> &Arc<str> {
        &self.provider_arn
    }

    /// The provider's immutable id, which a recreated namesake doesn't share.
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    /// Who vouched: the OIDC `iss`, the SAML entity id, the trust anchor.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who was vouched for: the OIDC `sub`, the SAML `NameID`, the subject DN.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// For whom the proof was made, as answered to the client.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The pair that identifies the principal in revocations; neither half is unique alone.
    pub fn principal(&self) -> (&str, &str) {
        (&self.issuer, &self.subject)
    }

    /// SHA-256 over what makes the proof this one: a token's signed part, an assertion's issuer and id.
    ///
    /// Signatures are left out. Those of ECDSA can be rewritten by anyone into a second valid one, and of an assertion
    /// signed twice one can be left away; either would make the same proof look like another.
    pub fn proof_digest(&self) -> &[u8; 32] {
        &self.proof_digest
    }

    /// When the provider made the proof.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When the proof stops being accepted, clock skew not included.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Session tags that the provider asserts, in the order of the proof; keys are unique ignoring case.
    pub fn session_tags(&self) -> &[(String, String)] {
        &self.session_tags
    }

    /// Keys of [`Self::session_tags`] that pass on to chained sessions.
    pub fn transitive_tag_keys(&self) -> &[String] {
        &self.transitive_tag_keys
    }

    /// The source identity that the provider asserts.
    pub fn source_identity(&self) -> Option<&str> {
        self.source_identity.as_deref()
    }

    /// The session name that the proof prescribes; without one the request names it.
    pub fn session_name(&self) -> Option<&str> {
        self.session_name.as_deref()
    }

    /// The longest session that the proof allows.
    pub fn max_duration(&self) -> Option<Duration> {
        self.max_duration
    }

    /// The instant after which no session made from this proof may live.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    /// What to reserve, if it may be redeemed only once: no other proof's, of whichever provider.
    pub fn single_use_id(&self) -> Option<&str> {
        self.single_use_id.as_deref()
    }

    /// Condition keys for the decision on the trust policy, sorted by name.
    pub fn context(&self) -> &[ConditionKey] {
        &self.context
    }

    /// The first value of a condition key, named in lower case.
    pub fn condition(&self, name: &str) -> Option<&str> {
        let key = self.context.iter().find(|key| &*key.name == name)?;
        key.values.first().map(String::as_str)
    }

    /// Those of [`Self::context`] that stay with the session.
    pub fn carried(&self) -> impl Iterator<Item = &ConditionKey> {
        self.context.iter().filter(|key| key.carried)
    }
}

impl fmt::Debug for FederatedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FederatedIdentity").field("provider", &self.provider_arn).finish_non_exhaustive()
    }
}

fn digest_bytes(digest: &digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}
