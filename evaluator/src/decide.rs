//! The decision: any Deny denies; then each type of policy that has a say must allow, unless the resource's own policy
//! names the caller so closely that it speaks for the others.
//!
//! AWS: "Policy evaluation logic" in the IAM user guide, with its pages on cross-account access and on how each form of
//! principal in a resource-based policy weighs against boundaries and session policies.

use crate::applicable::Applicable;
use crate::decision::{Decision, Place, PolicyType};
use crate::policies::Policies;
use crate::principal::{Form, Principal};
use crate::request::{Facts, Lowered, Request};
use crate::statement::Effect;

/// Whoever holds a credential may ask whose it is: no policy allows it or forbids it.
const UNDENIABLE: &str = "sts:getcalleridentity";

/// What the actions that a role's trust policy is asked about start with.
const ASSUME_ROLE: &str = "sts:assumerole";

/// Decides a request without allocating.
pub fn evaluate(request: &Request<'_>, policies: &Applicable<'_>) -> Decision {
    let mut room = Lowered::new();
    let Some(facts) = Facts::of(request, policies.boundary.is_some(), &mut room) else {
        return Decision::implicit_deny(None);
    };
    if facts.action == UNDENIABLE && request.principal.has_identity() {
        return Decision::allow(None, None);
    }
    let findings = Findings::gather(&facts, policies);
    if let Some(denied) = findings.explicit_deny() {
        return denied;
    }
    if let Some(denied) = findings.organization_deny() {
        return denied;
    }
    let same_account = request.principal.account() == Some(request.resource_account);
    if !request.principal.has_identity() {
        return findings.resource_alone();
    }
    if same_account {
        findings.same_account(request, policies)
    } else {
        findings.cross_account(request, policies)
    }
}

/// What one set, or several that act as one, say of a request.
#[derive(Debug, Clone, Copy, Default)]
struct Verdict {
    allow: Option<(Form, Place)>,
    deny: Option<Place>,
}

impl Verdict {
    fn of(set: usize, policies: &Policies, facts: &Facts<'_>) -> Self {
        let mut verdict = Self::default();
        policies.index().candidates(facts.action, facts.request.resource, |number| {
            let Some(statement) = policies.compiled().get(number) else { return };
            let Ok(form) = statement.apply(facts) else { return };
            let place = Place { set, statement: number };
            match statement.effect {
                Effect::Allow => verdict.add_allow(form, place),
                Effect::Deny => verdict.add_deny(place),
            }
        });
        verdict
    }

    /// Sets of which any may allow.
    fn of_any(sets: &[&Policies], facts: &Facts<'_>) -> Self {
        let mut all = Self::default();
        for (number, set) in sets.iter().enumerate() {
            let verdict = Self::of(number, set, facts);
            if let Some((form, place)) = verdict.allow {
                all.add_allow(form, place);
            }
            if let Some(place) = verdict.deny {
                all.add_deny(place);
            }
        }
        all
    }

    /// Sets of which each must allow; none at all allow.
    fn of_every(sets: &[&Policies], facts: &Facts<'_>) -> (Self, bool) {
        let mut all = Self::default();
        let mut allowed = true;
        for (number, set) in sets.iter().enumerate() {
            let verdict = Self::of(number, set, facts);
            allowed &= verdict.allow.is_some();
            if let Some(place) = verdict.deny {
                all.add_deny(place);
            }
        }
        (all, allowed)
    }

    /// Keeps the closest form; among equals the first in the documents, so that the answer never varies.
    fn add_allow(&mut self, form: Form, place: Place) {
        let first = |known: Place| (place.set, place.statement) < (known.set, known.statement);
        match self.allow {
            Some((known, at)) if known > form || (known == form && !first(at)) => {}
            _ => self.allow = Some((form, place)),
        }
    }

    fn add_deny(&mut self, place: Place) {
        let first = |known: Place| (place.set, place.statement) < (known.set, known.statement);
        if self.deny.is_none_or(first) {
            self.deny = Some(place);
        }
    }
}

/// What every type of policy says.
#[derive(Debug)]
struct Findings {
    /// The action is one of `sts:AssumeRole…`: without a trust policy, nobody is let in.
    assumes_role: bool,
    resource_control: (Verdict, bool),
    service_control: (Verdict, bool),
    resource: Verdict,
    identity: Verdict,
    /// None where there is none.
    boundary: Option<Verdict>,
    session: Option<Verdict>,
}

impl Findings {
    fn gather(facts: &Facts<'_>, policies: &Applicable<'_>) -> Self {
        Self {
            assumes_role: facts.action.starts_with(ASSUME_ROLE),
            resource_control: Verdict::of_every(policies.resource_control, facts),
            service_control: Verdict::of_every(policies.service_control, facts),
            resource: policies.resource.map(|set| Verdict::of(0, set, facts)).unwrap_or_default(),
            identity: Verdict::of_any(policies.identity, facts),
            boundary: policies.boundary.map(|set| Verdict::of(0, set, facts)),
            session: (!policies.session.is_empty()).then(|| Verdict::of_any(policies.session, facts)),
        }
    }

    fn explicit_deny(&self) -> Option<Decision> {
        let denies = [
            (PolicyType::ResourceControl, self.resource_control.0.deny),
            (PolicyType::ServiceControl, self.service_control.0.deny),
            (PolicyType::Resource, self.resource.deny),
            (PolicyType::Identity, self.identity.deny),
            (PolicyType::Boundary, self.boundary.and_then(|verdict| verdict.deny)),
            (PolicyType::Session, self.session.and_then(|verdict| verdict.deny)),
        ];
        denies.into_iter().find_map(|(kind, deny)| deny.map(|place| Decision::explicit_deny(kind, place)))
    }

    fn organization_deny(&self) -> Option<Decision> {
        let levels = [
            (PolicyType::ResourceControl, self.resource_control.1),
            (PolicyType::ServiceControl, self.service_control.1),
        ];
        levels
            .into_iter()
            .find_map(|(kind, allowed)| (!allowed).then_some(Decision::implicit_deny(Some(kind))))
    }

    /// For callers whom no identity policy speaks for.
    fn resource_alone(&self) -> Decision {
        match self.resource.allow {
            Some((_, place)) => Decision::allow(Some(PolicyType::Resource), Some(place)),
            None => Decision::implicit_deny(Some(PolicyType::Resource)),
        }
    }

    /// A role's trust policy has to allow by itself, and root users assume no roles, whoever trusts them.
    fn trust_refuses(&self, request: &Request<'_>, policies: &Applicable<'_>) -> bool {
        let is_trust = self.assumes_role || policies.resource.is_some_and(Policies::is_trust);
        is_trust && (request.principal.is_root() || self.resource.allow.is_none())
    }

    fn same_account(&self, request: &Request<'_>, policies: &Applicable<'_>) -> Decision {
        if self.trust_refuses(request, policies) {
            return Decision::implicit_deny(Some(PolicyType::Resource));
        }
        let granted = self.resource.allow.filter(|(form, _)| *form > Form::Account);
        if let Some((Form::Direct, place)) = granted {
            return Decision::allow(Some(PolicyType::Resource), Some(place));
        }
        let (kind, place) = match (self.identity.allow, granted) {
            (Some((_, place)), _) => (Some(PolicyType::Identity), Some(place)),
            (None, Some((_, place))) => (Some(PolicyType::Resource), Some(place)),
            (None, None) if request.principal.is_root() => (None, None),
            (None, None) => return Decision::implicit_deny(Some(PolicyType::Identity)),
        };
        self.limits(request).unwrap_or_else(|| Decision::allow(kind, place))
    }

    fn cross_account(&self, request: &Request<'_>, policies: &Applicable<'_>) -> Decision {
        if self.resource.allow.is_none() || self.trust_refuses(request, policies) {
            return Decision::implicit_deny(Some(PolicyType::Resource));
        }
        let (kind, place) = match self.identity.allow {
            Some((_, place)) => (Some(PolicyType::Identity), Some(place)),
            None if request.principal.is_root() => (None, None),
            None => return Decision::implicit_deny(Some(PolicyType::Identity)),
        };
        self.limits(request).unwrap_or_else(|| Decision::allow(kind, place))
    }

    /// What boundary and session policies keep back.
    fn limits(&self, request: &Request<'_>) -> Option<Decision> {
        let allows = |verdict: &Verdict| verdict.allow.is_some();
        if !self.boundary.as_ref().is_none_or(allows) {
            return Some(Decision::implicit_deny(Some(PolicyType::Boundary)));
        }
        // A federated user has what its session policy gives, and without one nothing.
        let unlimited = !matches!(request.principal, Principal::FederatedUser { .. });
        if !self.session.as_ref().map_or(unlimited, allows) {
            return Some(Decision::implicit_deny(Some(PolicyType::Session)));
        }
        None
    }
}
