//! Users and the groups whose policies they have.

use std::sync::Arc;

use daypass_evaluator::Policies;

use super::{AccountId, GroupArn, GroupId, GroupName, ManagedPolicy, Tags, UserArn, UserId, UserName};

/// A user with everything that decides about it compiled.
#[derive(Clone, Debug)]
pub struct User {
    pub arn: UserArn,
    pub name: UserName,
    pub account: AccountId,
    /// What policies that name the user are bound to; the ARN alone could be a recreated namesake's.
    pub id: UserId,
    pub tags: Tags,
    /// At most ten (AWS's quota), all of the user's account.
    pub groups: Vec<Arc<Group>>,
    /// Inline and attached managed policies together; a statement's document is a file's path or a policy's ARN.
    pub identity: Policies,
    pub boundary: Option<Arc<ManagedPolicy>>,
}

/// A group of users; its policies are its members' too. A group is no principal.
#[derive(Clone, Debug)]
pub struct Group {
    pub arn: GroupArn,
    pub name: GroupName,
    pub id: GroupId,
    /// As a user's own.
    pub identity: Policies,
}

impl User {
    /// The user's own policies and each group's; any may allow.
    pub fn policies(&self) -> Vec<&Policies> {
        std::iter::once(&self.identity).chain(self.groups.iter().map(|group| &group.identity)).collect()
    }
}
