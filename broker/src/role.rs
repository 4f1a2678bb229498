//! Roles, users and the names of things around them: validated, compiled, ready to be decided on.

mod account;
mod arn;
mod name;
mod tag;
#[cfg(test)]
mod tests;
mod user;

use std::{sync::Arc, time::Duration};

use daypass_evaluator::Policies;

pub use account::AccountId;
pub use arn::{
    AssumedRoleArn, AssumedRoleId, GroupArn, GroupId, PolicyArn, RoleArn, RoleId, UserArn, UserId,
};
pub use name::{GroupName, Invalid, Path, PolicyName, RoleName, SessionName, SourceIdentity, UserName};
pub use tag::{TAGS_AT_MOST, TagKey, TagValue, Tags};
pub use user::{Group, User};

/// A role with everything that decides about it compiled.
#[derive(Clone, Debug)]
pub struct Role {
    pub arn: RoleArn,
    pub name: RoleName,
    pub path: Path,
    pub account: AccountId,
    /// What sessions are bound to; the ARN alone could be a recreated namesake's.
    pub id: RoleId,
    /// 1 to 12 hours.
    pub max_session_duration: Duration,
    pub tags: Tags,
    /// Who may become it; roles it names are pinned to their ids.
    pub trust: Policies,
    /// Inline and attached managed policies together; a statement's document is a file's path or a policy's ARN.
    pub identity: Policies,
    pub boundary: Option<Arc<ManagedPolicy>>,
}

/// A policy that can be attached to roles and passed for sessions.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    pub arn: PolicyArn,
    pub policies: Policies,
    /// The document, for compiling it together with others.
    pub text: Arc<str>,
}
