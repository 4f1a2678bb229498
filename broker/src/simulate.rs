//! Asking beforehand, from the directory alone: what would a session of this role be allowed, and who could become it?
//!
//! Nothing is verified, issued or recorded; the answers come from the same policies and the same evaluator.

use daypass_evaluator::{Applicable, Context, Explanation, Principal, Request, explain};

use crate::config::Directory;
use crate::role::{AssumedRoleArn, Role, SessionName};
use crate::trust::{Presented, Surroundings};

mod simulation;

pub use simulation::{Simulated, SimulatedCaller, Simulation};

/// What a session would ask.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// ARN of a role, or of a session of one.
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
}

/// What a session of the role would be told, its session policies aside.
pub fn session(directory: &Directory, wish: &Wish<'_>) -> Result<Explanation, Unknown> {
    let (role, session_name) = principal(directory, wish.principal)?;
    let session_arn = AssumedRoleArn::new(role.account, &role.name, &session_name).to_string();
    let user_id = format!("{}:{session_name}", role.id);
    let mut context = Context::new();
    for (key, value) in role.tags.iter() {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    context.set("aws:TokenIssueTime", wish.surroundings.now.to_string());
    context.set("aws:MultiFactorAuthPresent", "false");
    wish.surroundings.describe(&mut context);
    suppose(&mut context, wish.context);
    let owner = wish.resource.split(':').nth(4).filter(|account| !account.is_empty());
    let request = Request {
        principal: Principal::RoleSession {
            role_arn: role.arn.as_str(),
            session_arn: &session_arn,
            id: &user_id,
        },
        action: wish.action,
        resource: wish.resource,
        resource_account: owner.unwrap_or(role.account.as_str()),
        context: &context,
    };
    let policies = Applicable {
        identity: &[&role.identity],
        boundary: role.boundary.as_ref().map(|boundary| &boundary.policies),
        ..Applicable::default()
    };
    Ok(explain(&request, &policies))
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
    let answer = |action| Answer { action, explanation: presented.explain(role, action, &context) };
    Ok(presented.needed_actions(assumption.action).map(answer).collect())
}

fn suppose<'a>(context: &mut Context<'a>, supposed: &'a [(String, Vec<String>)]) {
    for (key, values) in supposed {
        context.set_all(key.as_str(), values.iter().map(String::as_str));
    }
}

/// The role itself, or the role behind `arn:aws:sts::<account>:assumed-role/<name>/<session>`.
fn principal<'d>(directory: &'d Directory, arn: &str) -> Result<(&'d Role, SessionName), Unknown> {
    let unknown = || Unknown::Role(arn.to_owned());
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
