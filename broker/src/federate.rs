//! From a proof of identity to a session's credentials: each kind of proof is verified by its own module, and all go
//! the same way from there.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::NoRandomness;
use crate::audit;
use crate::clock;
use crate::proof::{FederatedIdentity, oidc, saml};
use crate::revocation::{Barred, Scope};
use crate::role::{PolicyArn, SessionName};
use crate::session::{MintError, Session};
use crate::store;
use crate::trust;

mod issue;
mod record;
mod saml_response;
mod steps;
#[cfg(test)]
mod tests;
mod web_identity;

pub use saml_response::{SamlRequest, with_saml};
pub use web_identity::{WebIdentityRequest, with_web_identity};

/// What every request to assume a role brings besides its proof.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// ARN of the role.
    pub role_arn: &'a str,
    /// The session's name, where the proof prescribes none.
    pub session_name: Option<SessionName>,
    /// Seconds.
    pub duration: Option<u32>,
    /// An inline session policy.
    pub inline_policy: Option<&'a str>,
    /// ARNs of managed session policies.
    pub managed_policies: Vec<PolicyArn>,
    /// The least length of the token, in characters.
    pub least_token: usize,
    /// SHA-256 of the whole request, to know its repetition.
    pub request_digest: [u8; 32],
    /// The request's id.
    pub request_id: &'a str,
    /// Random bytes that its record in the audit trail is named by.
    pub event_id: [u8; 16],
    /// Where it comes from.
    pub surroundings: trust::Surroundings<'a>,
}

/// Credentials that may leave: recorded in the store and in the audit trail. Only this module makes them.
#[derive(Debug)]
pub struct Issued {
    session: Session,
    identity: Arc<FederatedIdentity>,
}

/// The step at which a request for credentials was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The audit line is not on disk.
    #[error("{0}")]
    Audit(#[from] audit::Unavailable),
    /// The proof, principal, role, provider or account is barred from new sessions.
    #[error("{0}")]
    Barred(#[from] Barred),
    /// The clock has stepped.
    #[error("{0}")]
    Clock(#[from] clock::Step),
    /// The token is over its size.
    #[error("{0}")]
    Mint(#[from] MintError),
    /// The SAML response.
    #[error("{0}")]
    Saml(#[from] saml::Refusal),
    /// No randomness.
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    /// Barred by a revocation that came while the session was being recorded.
    #[error("{0}")]
    Overtaken(Barred),
    /// The clock is too far from the store's; in milliseconds.
    #[error("the clock is {0} ms from the store's")]
    Skew(u64),
    /// The proof may be redeemed once, and was.
    #[error("the proof was redeemed before")]
    Spent,
    /// What is revoked can't be known now.
    #[error("{0}")]
    Stale(#[from] store::Stale),
    /// The session can't be recorded.
    #[error("{0}")]
    Store(#[from] store::Unavailable),
    /// More requests a second than a peer or principal may make.
    #[error("too many requests of one {0}")]
    Throttled(&'static str),
    /// As many live sessions as the scope may have.
    #[error("as many live sessions as one {} may have", .0.name())]
    TooManySessions(Scope),
    /// The role's trust policy, or a limit of the role.
    #[error("{0}")]
    Trust(#[from] trust::Refusal),
    /// The web identity token.
    #[error("{0}")]
    WebIdentity(#[from] oidc::Refusal),
}

impl Issued {
    /// The credentials and their claims.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whom they were issued to.
    pub fn identity(&self) -> &FederatedIdentity {
        &self.identity
    }
}

/// A time for people: RFC 3339 to the second.
fn second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
