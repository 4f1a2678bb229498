//! The policies that a simulation asks: those given, and those of the principal that is named.

use std::borrow::Cow;

use daypass_evaluator::{Document, Kind, Policies, PolicyType};

use super::entity::Entity;
use super::parameters::Parameters;
use crate::api::error::WireError;
use crate::authorize::Caller;
use crate::config::Directory;
use crate::role::{TagKey, TagValue, Tags};

/// Compiled policies, by what they have a say in.
#[derive(Debug)]
pub(super) struct Sources<'d> {
    /// The entity that is named.
    pub(super) entity: Option<Entity>,
    given: Vec<Policies>,
    boundary: Option<Policies>,
    pub(super) resource: Option<Policies>,
    levels: Vec<Policies>,
    organization: Vec<&'d Policies>,
}

impl<'d> Sources<'d> {
    /// The entity's policies as they are now, and every given policy if all are well-formed.
    pub(super) fn read(
        directory: &'d Directory,
        caller: &Caller,
        parameters: &Parameters<'_>,
    ) -> Result<Self, WireError> {
        let entity = parameters.source.map(|arn| Entity::find(directory, caller, arn)).transpose()?;
        if matches!(entity, Some(Entity::Role(_))) && parameters.resource_policy.is_some() {
            let message = "Simulation of resource-based policies is not supported for IAM roles.";
            return Err(WireError::invalid_input(message));
        }
        let calls = matches!(entity, Some(Entity::User(_))) || parameters.caller_arn.is_some();
        if parameters.resource_policy.is_some() && !calls {
            return Err(WireError::invalid_input("CallerArn is required with a ResourcePolicy."));
        }
        let given =
            parameters.policies.iter().enumerate().map(|(index, text)| {
                compile(&format!("PolicyInputList.{}", index + 1), text, Kind::Identity)
            });
        let one = |name, text: Option<&str>, kind| text.map(|text| compile(name, text, kind)).transpose();
        let levels = parameters.service_control.iter().enumerate().map(|(index, texts)| {
            compile_level(&format!("OrderedOrganizationPolicyInputList.{}", index + 1), texts)
        });
        let organization = entity.as_ref().map(|_| directory.organization());
        let organization = organization.map(|all| all.service_control(&caller.role().account));
        Ok(Self {
            entity,
            given: given.collect::<Result<_, _>>()?,
            boundary: one("PermissionsBoundaryPolicyInputList.1", parameters.boundary, Kind::Identity)?,
            resource: one("ResourcePolicy", parameters.resource_policy, Kind::Resource)?,
            levels: levels.collect::<Result<_, _>>()?,
            organization: organization.unwrap_or_default(),
        })
    }

    /// The policies of the caller: the entity's own and those given.
    pub(super) fn identity(&self) -> Vec<&Policies> {
        self.entity.iter().flat_map(Entity::policies).chain(&self.given).collect()
    }

    /// The boundary given, else the entity's own.
    pub(super) fn boundary(&self) -> Option<&Policies> {
        self.boundary.as_ref().or_else(|| self.entity.as_ref()?.boundary())
    }

    /// The entity's tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.entity.iter().filter_map(Entity::tags).flat_map(Tags::iter)
    }

    /// The SCPs given, else those over the account of the principal that is named; one set a level.
    pub(super) fn service_control(&self) -> Vec<&Policies> {
        self.levels.iter().chain(self.organization.iter().copied()).collect()
    }

    /// What one question to all of them can cost, if no pattern is held against more than so many characters.
    pub(super) fn work(&self, characters: usize) -> usize {
        let own = self.identity().into_iter().chain(self.boundary()).chain(&self.resource);
        let all = own.chain(self.service_control());
        all.map(|policies| policies.work(characters)).fold(0, usize::saturating_add)
    }
}

/// A policy as answers call it, with the type of its source.
pub(super) fn named(kind: PolicyType, policy: &str) -> (Cow<'_, str>, &'static str) {
    let mut parts = policy.rsplit('/');
    let last = parts.next().unwrap_or_default();
    if kind == PolicyType::Resource {
        return (policy.into(), "resource");
    }
    if policy.starts_with("arn:") {
        let shared = policy.starts_with("arn:aws:iam::aws:");
        return (last.into(), if shared { "aws-managed" } else { "user-managed" });
    }
    // An inline policy is called by its file: `…/roles/<Name>/policies/<Policy>.json`.
    let owner = match (parts.next(), parts.next(), parts.next()) {
        (Some("policies"), Some(name), Some("users")) => ("user", name),
        (Some("policies"), Some(name), Some("groups")) => ("group", name),
        (Some("policies"), Some(name), Some("roles")) => ("role", name),
        _ => return (policy.into(), "none"),
    };
    let (kind, name) = owner;
    (format!("{kind}_{name}_{}", last.strip_suffix(".json").unwrap_or(last)).into(), kind)
}

fn compile(name: &str, text: &str, kind: Kind) -> Result<Policies, WireError> {
    compiled(name, &[Document { name, text, kind }])
}

/// The SCPs of one level.
fn compile_level(name: &str, texts: &[&str]) -> Result<Policies, WireError> {
    let documents = texts.iter().map(|text| Document { name, text, kind: Kind::ServiceControl });
    compiled(name, &documents.collect::<Vec<_>>())
}

fn compiled(name: &str, documents: &[Document<'_>]) -> Result<Policies, WireError> {
    Policies::compile(documents).map_err(|errors| {
        WireError::invalid_input(
            errors.first().map_or_else(|| format!("{name}: not a policy"), ToString::to_string),
        )
    })
}
