//! Several actions on several resources at once, by policies that may be nobody's: what IAM's simulation answers.

use daypass_evaluator::{
    Applicable, Context, Explanation, Fit, Outcome, PolicyType, Position, Principal, Request, evaluate,
    explain,
};

use crate::role::{AccountId, Group, Role, RoleArn, User};

/// The identity that a simulation supposes, whether or not there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedCaller {
    arn: String,
    /// None for a user or a group.
    session_arn: Option<String>,
    id: String,
}

/// Policies, and whom they are supposed to speak for.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// Who would ask.
    pub caller: &'a SimulatedCaller,
    /// What would have a say.
    pub policies: Applicable<'a>,
    /// The account of resources whose ARN names none.
    pub resource_owner: &'a str,
    /// The condition keys supposed; no others are there.
    pub context: &'a Context<'a>,
}

/// What one action on one resource would be answered, or one action on all of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The decision; of several the most restrictive.
    pub outcome: Outcome,
    /// The statements of the caller's and the resource's policies that made the decision.
    pub matched: Vec<(PolicyType, Position)>,
    /// Keys that those policies ask for and that were not supposed, as written.
    pub missing: Vec<String>,
    /// Whether the permissions boundary allows it, where there is one.
    pub within_boundary: Option<bool>,
    /// Whether the SCPs allow it, where there are any.
    pub within_organization: Option<bool>,
}

impl SimulatedCaller {
    /// The user or role with this ARN, which need not exist; `id` is what `aws:userid` has. None if it is another's ARN.
    pub fn named(arn: &str, id: Option<&str>) -> Option<Self> {
        let (account, name) = arn.strip_prefix("arn:aws:iam::")?.split_once(':')?;
        let account = AccountId::parse(account).ok()?;
        let id = id.unwrap_or_default().to_owned();
        let last = name.rsplit('/').next().filter(|last| !last.is_empty())?;
        if name.starts_with("user/") {
            return Some(Self { arn: arn.to_owned(), session_arn: None, id });
        }
        RoleArn::parse(arn).ok()?;
        let session_arn = format!("arn:aws:sts::{account}:assumed-role/{last}/simulated");
        Some(Self { arn: arn.to_owned(), session_arn: Some(session_arn), id })
    }

    /// A session of a role.
    pub fn session(role: &Role, name: &str) -> Self {
        let session_arn = format!("arn:aws:sts::{}:assumed-role/{}/{name}", role.account, role.name);
        Self { arn: role.arn.to_string(), session_arn: Some(session_arn), id: format!("{}:{name}", role.id) }
    }

    /// A user.
    pub fn user(user: &User) -> Self {
        Self { arn: user.arn.to_string(), session_arn: None, id: user.id.to_string() }
    }

    /// Any member of a group: it has the group's ARN, as in AWS's simulator, and no name.
    pub fn member(group: &Group) -> Self {
        Self { arn: group.arn.to_string(), session_arn: None, id: group.id.to_string() }
    }

    /// The caller as policies see it.
    pub fn principal(&self) -> Principal<'_> {
        let (arn, id) = (self.arn.as_str(), self.id.as_str());
        match &self.session_arn {
            None => Principal::User { arn, id },
            Some(session_arn) => Principal::RoleSession { role_arn: arn, session_arn, id },
        }
    }

    /// What the caller has under a condition key that follows from who it is; none for all other keys.
    pub fn fixes(&self, key: &str) -> Option<Option<&str>> {
        let principal = self.principal();
        Some(match key.to_ascii_lowercase().as_str() {
            "aws:principalaccount" => principal.account(),
            "aws:principalarn" => principal.arn(),
            "aws:principaltype" => principal.type_name(),
            "aws:userid" => principal.user_id(),
            "aws:username" => principal.user_name(),
            _ => return None,
        })
    }
}

impl Simulation<'_> {
    /// What would be answered to one action on one resource.
    pub fn ask(&self, action: &str, resource: &str) -> Simulated {
        let owner = resource.split(':').nth(4).filter(|account| !account.is_empty());
        let request = Request {
            principal: self.caller.principal(),
            action,
            resource,
            resource_account: owner.unwrap_or(self.resource_owner),
            context: self.context,
        };
        let bounded = self.policies.boundary.is_some();
        let within_organization = self.within_organization(&request);
        Simulated { within_organization, ..Simulated::of(explain(&request, &self.policies), bounded) }
    }

    fn within_organization(&self, request: &Request<'_>) -> Option<bool> {
        let service_control = self.policies.service_control;
        let alone = Applicable { service_control, ..Applicable::default() };
        let denied = || evaluate(request, &alone).policy_type() == Some(PolicyType::ServiceControl);
        (!service_control.is_empty()).then(|| !denied())
    }
}

impl Simulated {
    fn of(explanation: Explanation, bounded: bool) -> Self {
        let outcome = explanation.outcome;
        let deciding = match outcome {
            Outcome::Allow => Some("Allow"),
            Outcome::ExplicitDeny => Some("Deny"),
            Outcome::ImplicitDeny => None,
        };
        let (mut matched, mut missing) = (Vec::new(), Vec::new());
        let (mut allowed, mut denied) = (false, false);
        for considered in explanation.considered {
            let applies = considered.result == Fit::Applies;
            match considered.policy_type {
                PolicyType::Identity | PolicyType::Resource => {
                    considered.absent.into_iter().for_each(|key| add_key(&mut missing, key));
                    if applies && deciding == Some(considered.effect) {
                        matched.push((considered.policy_type, considered.position));
                    }
                }
                PolicyType::Boundary => {
                    allowed |= applies && considered.effect == "Allow";
                    denied |= applies && considered.effect == "Deny";
                }
                _ => {}
            }
        }
        let within_boundary = bounded.then_some(allowed && !denied);
        Self { outcome, matched, missing, within_boundary, within_organization: None }
    }

    /// What holds for all of several; none if there are none.
    pub fn together<'s>(several: impl Iterator<Item = &'s Self> + Clone) -> Option<Self> {
        let outcome = several.clone().map(|one| one.outcome).max_by_key(|outcome| restriction(*outcome))?;
        let mut all = Self {
            outcome,
            matched: Vec::new(),
            missing: Vec::new(),
            within_boundary: every(several.clone().map(|one| one.within_boundary)),
            within_organization: every(several.clone().map(|one| one.within_organization)),
        };
        for one in several {
            if one.outcome == outcome {
                let new = one.matched.iter().filter(|found| !all.matched.contains(found)).cloned();
                let new: Vec<_> = new.collect();
                all.matched.extend(new);
            }
            one.missing.iter().for_each(|key| add_key(&mut all.missing, key.clone()));
        }
        Some(all)
    }
}

/// Whether it holds of each, where it can hold at all.
fn every(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    each.flatten().reduce(|one, other| one && other)
}

fn add_key(keys: &mut Vec<String>, key: String) {
    if !keys.iter().any(|known| known.eq_ignore_ascii_case(&key)) {
        keys.push(key);
    }
}

const fn restriction(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Allow => 0,
        Outcome::ImplicitDeny => 1,
        Outcome::ExplicitDeny => 2,
    }
}
