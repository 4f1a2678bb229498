//! May this caller do this? The caller's policies as they are now, asked through the one evaluator.

use daypass_evaluator::{
    Applicable, Context, Decision, Explanation, Outcome, Policies, Principal, Request, evaluate, explain,
};

use super::Caller;
use crate::config::Directory;
use crate::role::AccountId;
use crate::trust::Surroundings;
use crate::trust::place;

/// What a caller wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// `service:Operation`.
    pub name: &'a str,
    /// The resource's ARN.
    pub resource: &'a str,
    /// The account that owns the resource.
    pub resource_account: AccountId,
    /// The service's own condition keys.
    pub context: &'a [(String, Vec<String>)],
    /// Where the caller's request came from.
    pub surroundings: Surroundings<'a>,
}

/// A decision in words.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What the evaluator decided.
    pub decision: Decision,
    /// AWS's sentence for a denial; for an allowance, the statement that allows.
    pub reason: String,
    /// The policy and statement that decided, if one did.
    pub statement: Option<String>,
    /// For a denial, every statement and condition that mattered.
    pub denial: Option<Box<Explanation>>,
}

impl Caller {
    /// Whether the caller's policies allow an action, and the organization's on either side.
    pub fn may(&self, action: &Action<'_>, directory: &Directory) -> Verdict {
        self.ask(action, directory, |request, policies| {
            let decision = evaluate(request, policies);
            let statement = policies.statement(&decision).map(|statement| place(&statement));
            let reason = match decision.outcome() {
                Outcome::Allow => format!("allowed by {}", statement.as_deref().unwrap_or("a policy")),
                Outcome::ExplicitDeny => self.denied(action, "with an explicit deny in", "a", &decision),
                Outcome::ImplicitDeny => self.denied(action, "because", "no", &decision),
            };
            let denial = (!decision.is_allowed()).then(|| Box::new(explain(request, policies)));
            Verdict { decision, reason, statement, denial }
        })
    }

    fn denied(&self, action: &Action<'_>, how: &str, article: &str, decision: &Decision) -> String {
        let kind = decision.policy_type().map_or("identity-based policy", |kind| kind.name());
        let article = if article == "a" && kind.starts_with('i') { "an" } else { article };
        let end = match decision.outcome() {
            Outcome::ImplicitDeny => format!(" allows the {} action", action.name),
            _ => String::new(),
        };
        format!(
            "User: {} is not authorized to perform: {} on resource: {} {how} {article} {kind}{end}",
            self.arn, action.name, action.resource
        )
    }

    fn ask<T>(
        &self,
        action: &Action<'_>,
        directory: &Directory,
        answer: impl FnOnce(&Request<'_>, &Applicable<'_>) -> T,
    ) -> T {
        let context = self.context(action);
        let request = Request {
            principal: Principal::RoleSession {
                role_arn: self.role.arn.as_str(),
                session_arn: &self.arn,
                id: &self.user_id,
            },
            action: action.name,
            resource: action.resource,
            resource_account: action.resource_account.as_str(),
            context: &context,
        };
        let session: Vec<&Policies> = self.session_policies.iter().collect();
        let organization = directory.organization();
        let policies = Applicable {
            identity: &[&self.role.identity],
            boundary: self.role.boundary.as_ref().map(|boundary| &boundary.policies),
            session: &session,
            service_control: &organization.service_control(&self.role.account),
            resource_control: &organization.resource_control(&action.resource_account),
            resource: directory.resource_policy(&action.resource_account, action.resource),
        };
        answer(&request, &policies)
    }

    /// What the service says first, so that nothing it says can stand in for what the broker knows itself.
    fn context<'c>(&'c self, action: &'c Action<'_>) -> Context<'c> {
        let mut context = Context::new();
        for (key, values) in action.context {
            context.set_all(&**key, values.iter().map(String::as_str));
        }
        let claims = self.session.claims();
        for (key, values) in &claims.carried {
            context.set_all(&**key, values.iter().map(String::as_str));
        }
        for (key, value) in self.role.tags.iter() {
            context.set(format!("aws:principaltag/{key}"), value.as_str());
        }
        for (key, value) in &claims.tags {
            context.set(format!("aws:principaltag/{key}"), value.as_str());
        }
        if let Some(source_identity) = &claims.source_identity {
            context.set("aws:sourceidentity", source_identity.as_str());
        }
        if let Some(provider) = &claims.provider {
            context.set("aws:federatedprovider", &**provider);
        }
        context.set("aws:tokenissuetime", claims.issued.to_string());
        context.set("aws:multifactorauthpresent", "false");
        action.surroundings.describe(&mut context);
        context
    }
}
