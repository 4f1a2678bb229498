//! The answer: allowed or not, and which statement of which kind of policy decided.

use serde::Serialize;

/// Whether a request may go on. Only [`evaluate`](crate::evaluate) makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub(crate) outcome: Outcome,
    pub(crate) policy_type: Option<PolicyType>,
    pub(crate) place: Option<Place>,
}

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The request may go on.
    Allow,
    /// A statement forbids it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
}

/// The kinds of policy that take part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PolicyType {
    /// The caller's own: user, groups or role.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// Given when the session began.
    Session,
    /// The organization's, for the caller's account.
    ServiceControl,
    /// The resource's; a role's trust policy is one.
    Resource,
    /// The organization's, for the resource's account.
    ResourceControl,
}

impl PolicyType {
    /// AWS's words for it, as in "no identity-based policy allows…".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::Resource => "resource-based policy",
            Self::ResourceControl => "resource control policy",
        }
    }
}

/// Where a statement is among the applicable policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) set: usize,
    pub(crate) statement: usize,
}

impl Decision {
    /// True for Allow.
    pub const fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allow)
    }

    /// Which of the three it is.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The kind of policy that decided: whose statement allowed or forbade it, or which kind lacks an Allow. None for the
    /// root user's own right, for `sts:GetCallerIdentity`, and for requests that make no sense.
    pub const fn policy_type(&self) -> Option<PolicyType> {
        self.policy_type
    }

    pub(crate) const fn allow(policy_type: Option<PolicyType>, place: Option<Place>) -> Self {
        Self { outcome: Outcome::Allow, policy_type, place }
    }

    pub(crate) const fn explicit_deny(policy_type: PolicyType, place: Place) -> Self {
        Self { outcome: Outcome::ExplicitDeny, policy_type: Some(policy_type), place: Some(place) }
    }

    pub(crate) const fn implicit_deny(policy_type: Option<PolicyType>) -> Self {
        Self { outcome: Outcome::ImplicitDeny, policy_type, place: None }
    }
}
