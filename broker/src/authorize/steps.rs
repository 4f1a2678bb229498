//! The way of a signed request, stage by stage, for the operator: built only once it was refused.

use daypass_sigv4 as sigv4;

use super::{Refusal, Verdict};
use crate::audit::Step;
use crate::session::OpenError;
use crate::trust::reasons;

/// The stages in the order in which they are passed.
const STAGES: [&str; 10] = [
    FORM,
    SCOPE,
    "access key",
    "revocation view",
    "session token",
    "expiry",
    "revocation",
    "role",
    "session policy",
    "signature",
];
const FORM: &str = "form";
const SCOPE: &str = "scope";

impl Refusal {
    /// Every step: those passed, the one that failed with what was seen and wanted, those not reached.
    pub fn steps(&self) -> Vec<Step<'static>> {
        let (stage, wanted) = self.stage();
        let at = STAGES.iter().position(|name| *name == stage).unwrap_or(0);
        let step = |(number, name): (usize, &&'static str)| match number.cmp(&at) {
            std::cmp::Ordering::Less => Step::held(*name),
            std::cmp::Ordering::Equal => Step::failed(*name, self.to_string(), wanted),
            std::cmp::Ordering::Greater => Step::not_reached(*name),
        };
        STAGES.iter().enumerate().map(step).collect()
    }

    fn stage(&self) -> (&'static str, &'static str) {
        match self {
            Self::ClockInDoubt => ("expiry", "a clock that nothing contradicts"),
            Self::ForeignKey(_) => ("access key", "a key id of this broker, ASIA and 16 characters"),
            Self::KeyNotHereYet => {
                ("session token", "the key that sealed the token, which a peer has already")
            }
            Self::NoToken => ("session token", "the token that belongs to the access key"),
            Self::RoleGone(_) => ("role", "the role that the session is bound to"),
            Self::SessionPolicyGone(_) => ("session policy", "every policy that limits the session"),
            Self::Signature(refusal) => signature_stage(refusal),
            Self::Stale(_) => ("revocation view", "a confirmed view of what is revoked"),
            Self::Token(OpenError::Expired(_)) => ("expiry", "a session that has not ended"),
            Self::Token(OpenError::Revoked(_)) => ("revocation", "a session that nothing has ended"),
            Self::Token(OpenError::Claims(_) | OpenError::Malformed | OpenError::Seal(_)) => {
                ("session token", "a token of this access key, sealed by a key of the keyring")
            }
        }
    }
}

/// What fails while a request is read is its form; what fails later is a property of the signature.
fn signature_stage(refusal: &sigv4::Refusal) -> (&'static str, &'static str) {
    use sigv4::Refusal as R;
    match refusal {
        R::Scope { .. } => (SCOPE, "a scope of this service, its day and `aws4_request`"),
        R::Expired { .. } | R::NotYetCurrent { .. } | R::PresignExpired { .. } => {
            ("signature", "a time within 15 minutes of the broker's, or within the presigned validity")
        }
        R::PayloadMismatch { .. } | R::PayloadUndeclared | R::PayloadUnsigned { .. } | R::ChunkedBody => {
            ("signature", "a body that was signed as it came, in a framing that the service takes")
        }
        R::HeaderNotSigned { .. } | R::SignedHeaderAbsent { .. } => {
            ("signature", "every header that decides signed, and every signed header there")
        }
        R::SignatureMismatch(_) => ("signature", "a signature that covers the request as it came"),
        _ => (FORM, "one complete AWS4-HMAC-SHA256 signature, in the header or in the query"),
    }
}

impl Verdict {
    /// For a denial, the step that failed: each statement that spoke of the action with what it missed.
    pub fn steps(&self) -> Vec<Step<'static>> {
        let Some(explanation) = self.denial.as_deref() else { return Vec::new() };
        let reasons = reasons(explanation);
        let seen = if reasons.is_empty() {
            "no statement speaks of the action".to_owned()
        } else {
            reasons.join(" | ")
        };
        let wanted = explanation.missing.clone().unwrap_or_else(|| "no statement that denies it".to_owned());
        let held = STAGES.iter().map(|name| Step::held(*name));
        held.chain([Step::failed("policies", seen, wanted)]).collect()
    }
}
