//! ARNs and ids of roles, their sessions and managed policies.

use std::sync::Arc;

use super::{
    AccountId, GroupName, Invalid, Path, PolicyName, RoleName, SessionName, UserName, name::text_type,
};

text_type! {
    /// A role's ARN: `arn:aws:iam::<account>:role<path><name>`.
    RoleArn
}
text_type! {
    /// A managed policy's ARN: `arn:aws:iam::<account>:policy<path><name>`, account `aws` for the shared ones.
    PolicyArn
}
text_type! {
    /// A role's immutable id: `AROA` and 17 of `[A-Z2-7]`; a role recreated under its old name has another.
    RoleId
}
text_type! {
    /// A user's ARN: `arn:aws:iam::<account>:user<path><name>`.
    UserArn
}
text_type! {
    /// A user's immutable id: `AIDA` and 17 of `[A-Z2-7]`; a user recreated under its old name has another.
    UserId
}
text_type! {
    /// A group's ARN: `arn:aws:iam::<account>:group/<name>`.
    GroupArn
}
text_type! {
    /// A group's immutable id: `AGPA` and 17 of `[A-Z2-7]`.
    GroupId
}
text_type! {
    /// A session's ARN: `arn:aws:sts::<account>:assumed-role/<name>/<session>`; the role's path is not in it.
    AssumedRoleArn
}
text_type! {
    /// A session's `AssumedRoleId`: `<role id>:<session>`.
    AssumedRoleId
}

impl RoleArn {
    /// The ARN of the role with these parts.
    pub fn new(account: AccountId, path: &Path, name: &RoleName) -> Self {
        Self(format!("arn:aws:iam::{account}:role{path}{name}").into())
    }

    /// Reads an ARN with every part checked.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::account_in(text).map(|_| Self(Arc::from(text))).ok_or(ROLE_ARN)
    }

    /// The account in an ARN, if all of the ARN is sound.
    pub fn account_in(text: &str) -> Option<AccountId> {
        let (account, resource) = iam_parts(text)?;
        let name = pathed_name(resource.strip_prefix("role")?)?;
        AccountId::parse(account).ok().filter(|_| RoleName::matches(name))
    }

    /// The account in the ARN.
    pub fn account(&self) -> Option<AccountId> {
        Self::account_in(&self.0)
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl PolicyArn {
    /// The ARN of the policy of this name in an account, without a path.
    pub fn new(account: AccountId, name: &PolicyName) -> Self {
        Self(format!("arn:aws:iam::{account}:policy/{name}").into())
    }

    /// The ARN of the shared policy of this name.
    pub fn shared(name: &PolicyName) -> Self {
        Self(format!("arn:aws:iam::aws:policy/{name}").into())
    }

    /// Reads an ARN with every part checked.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let sound = (20..=2048).contains(&text.len())
            && iam_parts(text).is_some_and(|(account, resource)| {
                (account == "aws" || AccountId::parse(account).is_ok())
                    && resource
                        .strip_prefix("policy")
                        .and_then(pathed_name)
                        .is_some_and(|name| PolicyName::parse(name).is_ok())
            });
        if sound { Ok(Self(Arc::from(text))) } else { Err(POLICY_ARN) }
    }

    /// The account in the ARN; none for a shared policy.
    pub fn account(&self) -> Option<AccountId> {
        iam_parts(&self.0).and_then(|(account, _)| AccountId::parse(account).ok())
    }

    /// The policy's name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl RoleId {
    /// Checks prefix, length and alphabet.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if is_id(text, "AROA") { Ok(Self(Arc::from(text))) } else { Err(ROLE_ID) }
    }
}

impl UserArn {
    /// The ARN of the user with these parts.
    pub fn new(account: AccountId, path: &Path, name: &UserName) -> Self {
        Self(format!("arn:aws:iam::{account}:user{path}{name}").into())
    }
}

impl UserId {
    /// Checks prefix, length and alphabet.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if is_id(text, "AIDA") { Ok(Self(Arc::from(text))) } else { Err(USER_ID) }
    }
}

impl GroupArn {
    /// The ARN of the group with these parts.
    pub fn new(account: AccountId, name: &GroupName) -> Self {
        Self(format!("arn:aws:iam::{account}:group/{name}").into())
    }
}

impl GroupId {
    /// Checks prefix, length and alphabet.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if is_id(text, "AGPA") { Ok(Self(Arc::from(text))) } else { Err(GROUP_ID) }
    }
}

impl AssumedRoleArn {
    /// The ARN of a session of a role.
    pub fn new(account: AccountId, role: &RoleName, session: &SessionName) -> Self {
        Self(format!("arn:aws:sts::{account}:assumed-role/{role}/{session}").into())
    }
}

impl AssumedRoleId {
    /// The id of a session of a role.
    pub fn new(role: &RoleId, session: &SessionName) -> Self {
        Self(format!("{role}:{session}").into())
    }
}

const ROLE_ARN: Invalid = Invalid::new("a role's ARN is arn:aws:iam::<account>:role/<name>");
const POLICY_ARN: Invalid = Invalid::new("a policy's ARN is arn:aws:iam::<account>:policy/<name>");
const ROLE_ID: Invalid = Invalid::new("a role's id is AROA and 17 characters of A-Z and 2-7");
const USER_ID: Invalid = Invalid::new("a user's id is AIDA and 17 characters of A-Z and 2-7");
const GROUP_ID: Invalid = Invalid::new("a group's id is AGPA and 17 characters of A-Z and 2-7");

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 17 && rest.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
    })
}

/// Account and resource of an ARN of IAM.
fn iam_parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("arn:aws:iam::")?.split_once(':')
}

/// The name after a sound path: `/a/b/Name` gives `Name`.
fn pathed_name(text: &str) -> Option<&str> {
    let slash = text.rfind('/')?;
    let (path, name) = text.split_at_checked(slash.checked_add(1)?)?;
    Path::matches(path).then_some(name)
}
