//! All policies that have a say in one request, each in its role.

use crate::decision::{Decision, PolicyType};
use crate::inspect::StatementView;
use crate::policies::Policies;

/// The policies that have a say. Empty fields mean that there are none of that type, not that they allow nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Applicable<'a> {
    /// The caller's own: the user's and each group's, or the role's. Any may allow.
    pub identity: &'a [&'a Policies],
    /// The permissions boundary; a set that allows nothing where one is attached and empty.
    pub boundary: Option<&'a Policies>,
    /// What the session was limited to when it began. Any may allow; where there are none, the session isn't limited.
    pub session: &'a [&'a Policies],
    /// Service control policies, one set a level from root to account. Every level must allow.
    pub service_control: &'a [&'a Policies],
    /// The resource's policy; for the `sts:AssumeRole…` actions, the role's trust policy.
    pub resource: Option<&'a Policies>,
    /// Resource control policies, one set a level from root to account. Every level must allow.
    pub resource_control: &'a [&'a Policies],
}

impl<'a> Applicable<'a> {
    /// The statement that decided; none where the lack of one did.
    ///
    /// `decision` must have been made with these policies.
    pub fn statement(&self, decision: &Decision) -> Option<StatementView<'a>> {
        let place = decision.place?;
        self.set(decision.policy_type?, place.set)?.statement(place.statement)
    }

    fn set(&self, policy_type: PolicyType, set: usize) -> Option<&'a Policies> {
        match policy_type {
            PolicyType::Boundary => self.boundary,
            PolicyType::Resource => self.resource,
            PolicyType::Identity => self.identity.get(set).copied(),
            PolicyType::Session => self.session.get(set).copied(),
            PolicyType::ServiceControl => self.service_control.get(set).copied(),
            PolicyType::ResourceControl => self.resource_control.get(set).copied(),
        }
    }

    /// Every set with its type, in the order in which they are asked.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (PolicyType, &'a Policies)> {
        let several = |kind: PolicyType, sets: &'a [&'a Policies]| sets.iter().map(move |set| (kind, *set));
        several(PolicyType::ResourceControl, self.resource_control)
            .chain(several(PolicyType::ServiceControl, self.service_control))
            .chain(self.resource.map(|set| (PolicyType::Resource, set)))
            .chain(several(PolicyType::Identity, self.identity))
            .chain(self.boundary.map(|set| (PolicyType::Boundary, set)))
            .chain(several(PolicyType::Session, self.session))
    }
}
