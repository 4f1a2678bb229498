//! The user, group or role whose policies a call asks about.

use std::sync::Arc;

use daypass_evaluator::Policies;

use crate::api::error::WireError;
use crate::authorize::Caller;
use crate::config::Directory;
use crate::role::{Group, Role, Tags, User};
use crate::simulate::SimulatedCaller;

/// What `PolicySourceArn` names.
#[derive(Debug, Clone)]
pub(super) enum Entity {
    User(Arc<User>),
    Group(Arc<Group>),
    Role(Arc<Role>),
}

impl Entity {
    /// The entity with this ARN in the asker's account, which alone an asker may know anything of.
    pub(super) fn find(directory: &Directory, asker: &Caller, arn: &str) -> Result<Self, WireError> {
        let unclear = || {
            let message = format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
            WireError::invalid_input(message)
        };
        let (account, entity) =
            arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':')).ok_or_else(unclear)?;
        let (kind, name) = entity.split_once('/').ok_or_else(unclear)?;
        let name = name.rsplit('/').next().filter(|name| !name.is_empty()).ok_or_else(unclear)?;
        let found = match kind {
            "user" => directory.user(arn).cloned().map(Self::User),
            "group" => directory.group(arn).cloned().map(Self::Group),
            "role" => directory.role(arn).cloned().map(Self::Role),
            _ => return Err(unclear()),
        };
        found
            .filter(|_| account == asker.account())
            .ok_or_else(|| WireError::no_such_entity(format!("The {kind} with name {name} cannot be found.")))
    }

    /// The entity's own policies, and a user's groups'.
    pub(super) fn policies(&self) -> Vec<&Policies> {
        match self {
            Self::User(user) => user.policies(),
            Self::Group(group) => vec![&group.identity],
            Self::Role(role) => vec![&role.identity],
        }
    }

    /// Its permissions boundary; groups have none.
    pub(super) fn boundary(&self) -> Option<&Policies> {
        let boundary = match self {
            Self::User(user) => &user.boundary,
            Self::Group(_) => return None,
            Self::Role(role) => &role.boundary,
        };
        boundary.as_ref().map(|boundary| &boundary.policies)
    }

    /// Its tags; groups have none.
    pub(super) fn tags(&self) -> Option<&Tags> {
        match self {
            Self::User(user) => Some(&user.tags),
            Self::Group(_) => None,
            Self::Role(role) => Some(&role.tags),
        }
    }

    /// The caller that it is, or that a session of the role has.
    pub(super) fn caller(&self, session_name: &str) -> SimulatedCaller {
        match self {
            Self::User(user) => SimulatedCaller::user(user),
            Self::Group(group) => SimulatedCaller::member(group),
            Self::Role(role) => SimulatedCaller::session(role, session_name),
        }
    }
}
