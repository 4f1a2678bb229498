//! The policies that a simulation asks: those given, and those of the principal that is named.

use std::sync::Arc;

use daypass_evaluator::{Document, Kind, Policies, PolicyType};

use super::parameters::Parameters;
use crate::api::error::WireError;
use crate::authorize::Caller;
use crate::config::Directory;
use crate::role::Role;

/// Compiled policies, by what they have a say in.
#[derive(Debug)]
pub(super) struct Sources {
    /// The role that is named.
    pub(super) role: Option<Arc<Role>>,
    given: Vec<Policies>,
    boundary: Option<Policies>,
    pub(super) resource: Option<Policies>,
}

impl Sources {
    /// The role's policies as they are now, and every given policy if all are well-formed.
    pub(super) fn read(
        directory: &Directory,
        caller: &Caller,
        parameters: &Parameters<'_>,
    ) -> Result<Self, WireError> {
        let role = parameters.source.map(|arn| role(directory, caller, arn)).transpose()?;
        if role.is_some() && parameters.resource_policy.is_some() {
            let message = "Simulation of resource-based policies is not supported for IAM roles.";
            return Err(WireError::invalid_input(message));
        }
        if parameters.resource_policy.is_some() && parameters.caller_arn.is_none() {
            return Err(WireError::invalid_input("CallerArn is required with a ResourcePolicy."));
        }
        let given =
            parameters.policies.iter().enumerate().map(|(index, text)| {
                compile(&format!("PolicyInputList.{}", index + 1), text, Kind::Identity)
            });
        let one = |name, text: Option<&str>, kind| text.map(|text| compile(name, text, kind)).transpose();
        Ok(Self {
            role,
            given: given.collect::<Result<_, _>>()?,
            boundary: one("PermissionsBoundaryPolicyInputList.1", parameters.boundary, Kind::Identity)?,
            resource: one("ResourcePolicy", parameters.resource_policy, Kind::Resource)?,
        })
    }

    /// The policies of the caller: the role's own and those given.
    pub(super) fn identity(&self) -> Vec<&Policies> {
        self.role.iter().map(|role| &role.identity).chain(&self.given).collect()
    }

    /// The boundary given, else the role's own.
    pub(super) fn boundary(&self) -> Option<&Policies> {
        let own = || self.role.as_ref()?.boundary.as_ref().map(|boundary| &boundary.policies);
        self.boundary.as_ref().or_else(own)
    }

    /// What one question to all of them can cost, if no pattern is held against more than so many characters.
    pub(super) fn work(&self, characters: usize) -> usize {
        let all = self.identity().into_iter().chain(self.boundary()).chain(&self.resource);
        all.map(|policies| policies.work(characters)).fold(0, usize::saturating_add)
    }

    /// A policy as answers call it, with the type of its source.
    pub(super) fn name<'p>(
        &self,
        kind: PolicyType,
        policy: &'p str,
    ) -> (std::borrow::Cow<'p, str>, &'static str) {
        let last = policy.rsplit('/').next().unwrap_or_default();
        if kind == PolicyType::Resource {
            return (policy.into(), "resource");
        }
        match &self.role {
            _ if policy.starts_with("PolicyInputList.") => (policy.into(), "none"),
            _ if policy.starts_with("arn:aws:iam::aws:") => (last.into(), "aws-managed"),
            _ if policy.starts_with("arn:") => (last.into(), "user-managed"),
            Some(role) => {
                let name = last.strip_suffix(".json").unwrap_or(last);
                (format!("role_{}_{name}", role.name).into(), "role")
            }
            None => (policy.into(), "none"),
        }
    }
}

fn role(directory: &Directory, caller: &Caller, arn: &str) -> Result<Arc<Role>, WireError> {
    let unclear = || {
        WireError::invalid_input(format!(
            "Invalid Entity Arn: {arn} does not clearly define entity type and name."
        ))
    };
    let (account, entity) =
        arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':')).ok_or_else(unclear)?;
    let (kind, name) = entity.split_once('/').ok_or_else(unclear)?;
    let name = name.rsplit('/').next().filter(|name| !name.is_empty()).ok_or_else(unclear)?;
    if !matches!(kind, "user" | "group" | "role") {
        return Err(unclear());
    }
    let found = directory.role(arn).filter(|_| account == caller.account());
    found
        .cloned()
        .ok_or_else(|| WireError::no_such_entity(format!("The {kind} with name {name} cannot be found.")))
}

fn compile(name: &str, text: &str, kind: Kind) -> Result<Policies, WireError> {
    Policies::compile(&[Document { name, text, kind }]).map_err(|errors| {
        WireError::invalid_input(
            errors.first().map_or_else(|| format!("{name}: not a policy"), ToString::to_string),
        )
    })
}
