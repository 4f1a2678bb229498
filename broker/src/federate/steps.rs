//! The way of an attempt to get credentials, stage by stage: what was passed, what failed, what was not reached.

use super::Refusal;
use crate::audit::Step;
use crate::proof;
use crate::trust;

/// The stages in the order in which they are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    PeerRate,
    Clock,
    Form,
    Provider,
    Keys,
    Signature,
    Claims,
    TrustPolicy,
    Duration,
    SessionPolicy,
    PrincipalRate,
    Revocation,
    Token,
    Record,
    Audit,
}

impl Stage {
    /// Every stage.
    pub(super) const ALL: [Self; 15] = [
        Self::PeerRate,
        Self::Clock,
        Self::Form,
        Self::Provider,
        Self::Keys,
        Self::Signature,
        Self::Claims,
        Self::TrustPolicy,
        Self::Duration,
        Self::SessionPolicy,
        Self::PrincipalRate,
        Self::Revocation,
        Self::Token,
        Self::Record,
        Self::Audit,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PeerRate => "rate of the peer",
            Self::Form => "form",
            Self::Provider => "provider",
            Self::Keys => "keys",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::TrustPolicy => "trust policy",
            Self::Duration => "duration",
            Self::SessionPolicy => "session policy",
            Self::PrincipalRate => "rate of the principal",
            Self::Clock => "clock",
            Self::Revocation => "revocation",
            Self::Token => "token",
            Self::Record => "record",
            Self::Audit => "audit",
        }
    }
}

impl Refusal {
    /// The stage that refused.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Audit(_) => Stage::Audit,
            Self::Barred(_) | Self::Stale(_) => Stage::Revocation,
            Self::Clock(_) | Self::Skew(_) => Stage::Clock,
            Self::Mint(_) | Self::NoRandomness(_) => Stage::Token,
            Self::Overtaken(_) | Self::Spent | Self::Store(_) | Self::TooManySessions(_) => Stage::Record,
            Self::Saml(refusal) if refusal.is_after_signature() => Stage::Claims,
            Self::Saml(refusal) => before_claims(refusal.explain().name),
            Self::Throttled("peer") => Stage::PeerRate,
            Self::Throttled(_) => Stage::PrincipalRate,
            Self::Trust(refusal) => match refusal {
                trust::Refusal::Denied { .. } => Stage::TrustPolicy,
                trust::Refusal::Duration { .. } => Stage::Duration,
                trust::Refusal::MalformedPolicy(_)
                | trust::Refusal::UnknownPolicy(_)
                | trust::Refusal::PolicyTooLarge(_) => Stage::SessionPolicy,
            },
            Self::WebIdentity(refusal) if refusal.is_after_signature() => Stage::Claims,
            Self::WebIdentity(refusal) => before_claims(refusal.explain().name),
        }
    }

    /// The step that failed, with what was seen and wanted, for the operator.
    pub fn step(&self) -> Step<'static> {
        let wanted = match self {
            Self::Audit(_) => "the line on disk",
            Self::Barred(_) | Self::Overtaken(_) => "nothing that bars new sessions",
            Self::Clock(_) => "a clock that agrees with the store's",
            Self::Mint(_) => "session policies and tags within their room",
            Self::NoRandomness(_) => "randomness",
            Self::Skew(_) => "a clock within 120 s of the store's",
            Self::Spent => "a proof not redeemed before",
            Self::Saml(refusal) => return proof_step(refusal.explain()),
            Self::Stale(_) => "a confirmed view of what is revoked",
            Self::Store(_) => "the session recorded",
            Self::Throttled(_) => "fewer requests a second",
            Self::TooManySessions(_) => "fewer live sessions",
            Self::Trust(refusal) => return trust_step(refusal, self.stage()),
            Self::WebIdentity(refusal) => return proof_step(refusal.explain()),
        };
        Step::failed(self.stage().name(), self.to_string(), wanted)
    }
}

/// The stage of a step that needs no verified claim.
fn before_claims(step: &str) -> Stage {
    match step {
        "provider" => Stage::Provider,
        "keys" => Stage::Keys,
        "algorithm" | "key" | "signature" => Stage::Signature,
        _ => Stage::Form,
    }
}

fn proof_step(step: proof::Step) -> Step<'static> {
    Step::failed(step.name, step.seen, step.wanted)
}

fn trust_step(refusal: &trust::Refusal, stage: Stage) -> Step<'static> {
    let wanted = match refusal {
        trust::Refusal::Denied { action, explanation } => {
            let reasons = explanation.as_deref().map(trust::reasons);
            let seen = match reasons {
                None => "no such role in the provider's account".to_owned(),
                Some(reasons) if reasons.is_empty() => format!("no statement speaks of {action}"),
                Some(reasons) => reasons.join(" | "),
            };
            let wanted =
                format!("a statement that allows {action} to this identity, and none that denies it");
            return Step::failed(stage.name(), seen, wanted);
        }
        trust::Refusal::Duration { most, .. } => format!("at most {most} s"),
        trust::Refusal::MalformedPolicy(_)
        | trust::Refusal::UnknownPolicy(_)
        | trust::Refusal::PolicyTooLarge(_) => {
            "a valid policy, and policies that exist, of 2048 characters together".to_owned()
        }
    };
    Step::failed(stage.name(), refusal.to_string(), wanted)
}
