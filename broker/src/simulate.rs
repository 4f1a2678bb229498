//! Asking beforehand, from the directory alone: what would this user or a session of this role be allowed, and who could become it?
//!
//! Nothing is verified, issued or recorded; the answers come from the same policies and the same evaluator.

use daypass_evaluator::{Applicable, Context, Explanation, Principal, Request, explain};

use crate::config::Directory;
use crate::role::{AccountId, AssumedRoleArn, Role, SessionName, User};
use crate::trust::{Presented, Surroundings};

mod simulation;

pub use simulation::{Simulated, SimulatedCaller, Simulation};

/// What a user or session would ask.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// ARN of a user, a role, or a session of one.
    pub principal: &'a str,
    /// `service:Operation`.
    pub action: &'a str,
    /// The resource's ARN.
    pub resource: &'a str,
    /// Condition keys supposed; they stand in for what the broker would have known.
    pub context: &'a [(String, Vec<String>)],
    /// Where the request would come from.
    pub surroundings: Surroundings<'a>,
}

/// Who would ask to assume a role.
#[derive(Debug, Clone, Copy)]
pub struct Assumption<'a> {
    /// The action, `sts:AssumeRoleWithWebIdentity`.
    pub action: &'static str,
    /// ARN of the role.
    pub role_arn: &'a str,
    /// What the proof would say.
    pub presented: Presented<'a>,
    /// The session's name.
    pub session_name: &'a SessionName,
    /// Condition keys supposed; they stand in for what the broker would have known.
    pub context: &'a [(String, Vec<String>)],
    /// Where the request would come from.
    pub surroundings: Surroundings<'a>,
}

/// What a trust policy says to one of the actions that an assumption needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// The action.
    pub action: &'static str,
    /// Its decision, with every statement and condition that mattered.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// The question names something that the directory doesn't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The provider is of another account than the role, which is a denial whatever the trust policy says.
    #[error(
        "role `{role}` and provider `{provider}` are of different accounts, which no trust policy can bridge"
    )]
    OtherAccount {
        /// The role's ARN.
        role: String,
        /// The provider's ARN.
        provider: String,
    },
    /// No role of that ARN.
    #[error("the directory has no role `{0}`: give its whole ARN, path included")]
    Role(String),
    /// No user of that ARN.
    #[error("the directory has no user `{0}`: give its whole ARN, path included")]
    User(String),
}

/// What the user or a session of the role would be told, session policies aside.
pub fn session(directory: &Directory, wish: &Wish<'_>) -> Result<Explanation, Unknown> {
    if let Some(user) = directory.user(wish.principal) {
        return Ok(of_user(directory, user, wish));
    }
    let (role, session_name) = principal(directory, wish.principal)?;
    let session_arn = AssumedRoleArn::new(role.account, &role.name, &session_name).to_string();
    let user_id = format!("{}:{session_name}", role.id);
    let mut context = Context::new();
    for (key, value) in role.tags.iter() {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    context.set("aws:TokenIssueTime", wish.surroundings.now.to_string());
    context.set("aws:MultiFactorAuthPresent", "false");
    let caller =
        Principal::RoleSession { role_arn: role.arn.as_str(), session_arn: &session_arn, id: &user_id };
    let own = Applicable {
        identity: &[&role.identity],
        boundary: role.boundary.as_ref().map(|boundary| &boundary.policies),
        ..Applicable::default()
    };
    Ok(answered(directory, wish, context, (caller, role.account), own))
}

fn of_user(directory: &Directory, user: &User, wish: &Wish<'_>) -> Explanation {
    let mut context = Context::new();
    for (key, value) in user.tags.iter() {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    let caller = Principal::User { arn: user.arn.as_str(), id: user.id.as_str() };
    let own = Applicable {
        identity: &user.policies(),
        boundary: user.boundary.as_ref().map(|boundary| &boundary.policies),
        ..Applicable::default()
    };
    answered(directory, wish, context, (caller, user.account), own)
}

/// The principal's own policies, and the organization's on either side.
fn answered<'w>(
    directory: &Directory,
    wish: &'w Wish<'_>,
    mut context: Context<'w>,
    (principal, account): (Principal<'_>, AccountId),
    own: Applicable<'_>,
) -> Explanation {
    wish.surroundings.describe(&mut context);
    suppose(&mut context, wish.context);
    let owner = wish.resource.split(':').nth(4).and_then(|account| AccountId::parse(account).ok());
    let owner = owner.unwrap_or(account);
    let request = Request {
        principal,
        action: wish.action,
        resource: wish.resource,
        resource_account: owner.as_str(),
        context: &context,
    };
    let organization = directory.organization();
    let policies = Applicable {
        service_control: &organization.service_control(&account),
        resource_control: &organization.resource_control(&owner),
        resource: directory.resource_policy(&owner, wish.resource),
        ..own
    };
    explain(&request, &policies)
}

/// What the role's trust policy would say to each action that the assumption needs; all must be allowed.
pub fn assumption(directory: &Directory, assumption: &Assumption<'_>) -> Result<Vec<Answer>, Unknown> {
    let presented = &assumption.presented;
    let unknown = || Unknown::Role(assumption.role_arn.to_owned());
    let role = directory.role(assumption.role_arn).ok_or_else(unknown)?;
    if presented.provider_arn.split(':').nth(4) != Some(role.account.as_str()) {
        let (role, provider) = (role.arn.to_string(), presented.provider_arn.to_owned());
        return Err(Unknown::OtherAccount { role, provider });
    }
    let mut context = presented.context(role, assumption.session_name, &assumption.surroundings);
    suppose(&mut context, assumption.context);
    let controls = directory.organization().resource_control(&role.account);
    let answer =
        |action| Answer { action, explanation: presented.explain(role, &controls, action, &context) };
    Ok(presented.needed_actions(assumption.action).map(answer).collect())
}

fn suppose<'a>(context: &mut Context<'a>, supposed: &'a [(String, Vec<String>)]) {
    for (key, values) in supposed {
        context.set_all(key.as_str(), values.iter().map(String::as_str));
    }
}

/// The role itself, or the role behind `arn:aws:sts::<account>:assumed-role/<name>/<session>`.
fn principal<'d>(directory: &'d Directory, arn: &str) -> Result<(&'d Role, SessionName), Unknown> {
    let is_user = arn.starts_with("arn:aws:iam::") && arn.contains(":user/");
    let unknown = || if is_user { Unknown::User(arn.to_owned()) } else { Unknown::Role(arn.to_owned()) };
    let named = |name: &str| SessionName::parse(name).map_err(|_| unknown());
    if let Some(role) = directory.role(arn) {
        return Ok((role, named("simulated")?));
    }
    let (account, rest) = arn
        .strip_prefix("arn:aws:sts::")
        .and_then(|rest| rest.split_once(":assumed-role/"))
        .ok_or_else(unknown)?;
    let (name, session) = rest.split_once('/').ok_or_else(unknown)?;
    let role = directory.roles().find(|role| role.account.as_str() == account && role.name.as_str() == name);
    Ok((role.ok_or_else(unknown)?, named(session)?))
}

#[cfg(test)]
mod tests;
