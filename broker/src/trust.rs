//! May this identity become this role? The role's trust policy answers, by the same evaluator that answers everything.
//!
//! From [`FederatedIdentity`] on, nobody asks which kind of proof there was. Pure: the time is an argument.

use std::sync::Arc;

use daypass_evaluator::{Document, Explanation, Kind, Policies, PolicyError, StatementView};
use jiff::SignedDuration;

use crate::proof::FederatedIdentity;
use crate::revocation::{Scope, Target};
use crate::role::{PolicyArn, Role, SessionName};

pub mod presented;
mod reasons;
pub mod surroundings;

pub use presented::Presented;
pub use reasons::{position, reasons};
pub use surroundings::Surroundings;

/// How long a session lasts when the request does not say: an hour.
const DEFAULT_DURATION: u32 = 3_600;
/// The most characters that an inline session policy and the ARNs of managed ones may have together.
const MAX_SESSION_POLICY_CHARS: usize = 2_048;

/// What is asked for besides the role.
#[derive(Debug, Clone)]
pub struct AssumeRequest<'a> {
    /// The action that the trust policy must allow, `sts:AssumeRoleWithWebIdentity`.
    pub action: &'static str,
    /// The session's name, where the proof prescribes none.
    pub session_name: Option<SessionName>,
    /// Seconds asked for, within the wire's own limits already.
    pub duration: Option<u32>,
    /// An inline session policy.
    pub inline_policy: Option<&'a str>,
    /// ARNs of managed session policies.
    pub managed_policies: Vec<PolicyArn>,
    /// Where the request comes from.
    pub surroundings: Surroundings<'a>,
}

/// A role that an identity may use, under the name and limits asked for. Only [`assume`] makes one.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    pub(crate) role: Arc<Role>,
    pub(crate) identity: Arc<FederatedIdentity>,
    pub(crate) session_name: SessionName,
    pub(crate) inline_policy: Option<String>,
    pub(crate) managed_policies: Vec<PolicyArn>,
    pub(crate) targets: Vec<Target>,
    pub(crate) duration: SignedDuration,
}

impl AssumedRole {
    /// The role.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Whose role it is now.
    pub fn identity(&self) -> &FederatedIdentity {
        &self.identity
    }

    /// What can end a session made now, besides its own id.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }
}

/// Why the role was not assumed. All of it is said to a caller whose proof verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The trust policy does not allow the action; the same for a role that does not exist.
    #[error("not authorized to perform `{action}`")]
    Denied {
        /// The action that was not allowed.
        action: &'static str,
        /// What the trust policy had to say, for the operator.
        explanation: Option<Box<Explanation>>,
    },
    /// Longer than the role allows.
    #[error("{asked} s asked for, {most} s allowed by the role")]
    Duration {
        /// Seconds asked for.
        asked: u32,
        /// The role's limit.
        most: u32,
    },
    /// The session policy is no policy; its errors.
    #[error("malformed session policy: {}", .0.first().map_or("", |error| error.message.as_str()))]
    MalformedPolicy(Vec<PolicyError>),
    /// A managed session policy that the role's account has not.
    #[error("no managed policy `{0}`")]
    UnknownPolicy(String),
    /// Session policies over 2,048 characters, in percent.
    #[error("session policies take {0} percent of the room for them")]
    PolicyTooLarge(u32),
}

/// The role, assumed by the identity: its trust policy and `resource_control`, the RCPs over its account, allow it, and
/// all that was asked for is within its limits.
///
/// `role` is `None` where the directory has none of that name; the answer is the same as a denial.
pub fn assume(
    identity: &Arc<FederatedIdentity>,
    role: Option<&Arc<Role>>,
    resource_control: &[&Policies],
    request: &AssumeRequest<'_>,
    knows_policy: &dyn Fn(&str) -> bool,
) -> Result<AssumedRole, Refusal> {
    let Some(role) = role.filter(|role| role.account.as_str() == &**identity.account_id()) else {
        return Err(Refusal::Denied { action: request.action, explanation: None });
    };
    let prescribed = identity.session_name().map(|name| SessionName::parse(name).ok());
    let Some(session_name) = prescribed.unwrap_or_else(|| request.session_name.clone()) else {
        return Err(Refusal::Denied { action: request.action, explanation: None });
    };
    let presented = Presented::of(identity);
    let context = presented.context(role, &session_name, &request.surroundings);
    for action in presented.needed_actions(request.action) {
        presented
            .authorize(role, resource_control, action, &context)
            .map_err(|explanation| Refusal::Denied { action, explanation: Some(explanation) })?;
    }
    let duration = duration(identity, role, request)?;
    check_session_policies(role, request, knows_policy)?;
    Ok(AssumedRole {
        role: Arc::clone(role),
        identity: Arc::clone(identity),
        session_name,
        inline_policy: request.inline_policy.map(str::to_owned),
        managed_policies: request.managed_policies.clone(),
        targets: targets(identity, role),
        duration,
    })
}

/// The ways in which a revocation can reach a session made now.
fn targets(identity: &FederatedIdentity, role: &Role) -> Vec<Target> {
    let mut targets = vec![
        Target::new(Scope::Proof, &[identity.proof_digest()]),
        principal_target(identity.issuer(), identity.subject()),
        Target::new(Scope::Role, &[role.id.as_str().as_bytes()]),
        Target::new(Scope::Provider, &[identity.provider_id().as_bytes()]),
        Target::new(Scope::Account, &[role.account.as_str().as_bytes()]),
    ];
    targets.extend(identity.source_identity().map(source_identity_target));
    targets
}

/// Where a statement stands, for people: policy, Sid if it has one, and line.
pub fn place(statement: &StatementView<'_>) -> String {
    let sid = if statement.sid().is_empty() { String::new() } else { format!(" {}", statement.sid()) };
    format!("{}{sid} (line {})", statement.policy(), statement.position().0)
}

/// The target of all sessions of a principal at its provider.
pub fn principal_target(issuer: &str, subject: &str) -> Target {
    Target::new(Scope::Principal, &[issuer.as_bytes(), subject.as_bytes()])
}

/// The target of all sessions with a source identity.
pub fn source_identity_target(source_identity: &str) -> Target {
    Target::new(Scope::Principal, &[source_identity.as_bytes()])
}

fn duration(
    identity: &FederatedIdentity,
    role: &Role,
    request: &AssumeRequest<'_>,
) -> Result<SignedDuration, Refusal> {
    let most = u32::try_from(role.max_session_duration.as_secs()).unwrap_or(u32::MAX);
    let asked = request.duration.unwrap_or(DEFAULT_DURATION);
    if asked > most {
        return Err(Refusal::Duration { asked, most });
    }
    let proof_allows = identity.max_duration().map_or(u64::MAX, |duration| duration.as_secs());
    let seconds = u64::from(asked).min(proof_allows);
    Ok(SignedDuration::from_secs(seconds.cast_signed()))
}

fn check_session_policies(
    role: &Role,
    request: &AssumeRequest<'_>,
    knows_policy: &dyn Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let inline = request.inline_policy.map_or(0, |policy| policy.chars().count());
    let managed: usize = request.managed_policies.iter().map(|arn| arn.as_str().chars().count()).sum();
    let chars = inline.saturating_add(managed);
    if chars > MAX_SESSION_POLICY_CHARS {
        let percent = chars.saturating_mul(100).div_ceil(MAX_SESSION_POLICY_CHARS);
        return Err(Refusal::PolicyTooLarge(u32::try_from(percent).unwrap_or(u32::MAX)));
    }
    for arn in &request.managed_policies {
        let within_reach = arn.account().is_none_or(|account| account == role.account);
        if !within_reach || !knows_policy(arn.as_str()) {
            return Err(Refusal::UnknownPolicy(arn.to_string()));
        }
    }
    match request.inline_policy {
        Some(text) => compile_session_policy(text).map(drop).map_err(Refusal::MalformedPolicy),
        None => Ok(()),
    }
}

/// An inline session policy, compiled; the same at issue and at every use.
pub fn compile_session_policy(text: &str) -> Result<Policies, Vec<PolicyError>> {
    Policies::compile(&[Document { name: "session policy", text, kind: Kind::Session }])
}

#[cfg(test)]
mod tests;
