//! What a trust policy is asked about, and its answer: the same for a proved identity and for a supposed one.

use daypass_evaluator::{Applicable, Context, Explanation, Policies, Principal, Request, evaluate, explain};

use super::Surroundings;
use crate::proof::{ConditionKey, FederatedIdentity};
use crate::role::{Role, SessionName};

/// What a role's trust policy gets to see of an identity. Holding one proves nothing.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The provider as trust policies name it.
    pub provider_arn: &'a str,
    /// Condition keys of the proof.
    pub context: &'a [ConditionKey],
    /// Session tags asked for.
    pub session_tags: &'a [(String, String)],
    /// Keys of those that go on to chained sessions.
    pub transitive_tag_keys: &'a [String],
    /// The source identity asked for.
    pub source_identity: Option<&'a str>,
}

impl<'a> Presented<'a> {
    pub(super) fn of(identity: &'a FederatedIdentity) -> Self {
        Self {
            provider_arn: identity.provider_arn(),
            context: identity.context(),
            session_tags: identity.session_tags(),
            transitive_tag_keys: identity.transitive_tag_keys(),
            source_identity: identity.source_identity(),
        }
    }

    /// The actions that the trust policy must allow: `action`, and one each for tags and a source identity.
    pub fn needed_actions(&self, action: &'static str) -> impl Iterator<Item = &'static str> + use<> {
        let tags = !self.session_tags.is_empty();
        let source_identity = self.source_identity.is_some();
        std::iter::once(action)
            .chain(tags.then_some("sts:TagSession"))
            .chain(source_identity.then_some("sts:SetSourceIdentity"))
    }

    /// The condition keys of an assumption (service authorization reference of STS).
    ///
    /// What the broker knows itself comes last, so that no claim can stand in for it.
    pub fn context(
        &self,
        role: &'a Role,
        session_name: &'a SessionName,
        surroundings: &Surroundings<'a>,
    ) -> Context<'a> {
        let mut context = Context::new();
        for key in self.context {
            context.set_all(&*key.name, key.values.iter().map(String::as_str));
        }
        surroundings.describe(&mut context);
        context.set("sts:RoleSessionName", session_name.as_str());
        if let Some(source_identity) = self.source_identity {
            context.set("sts:SourceIdentity", source_identity);
        }
        for (key, value) in self.session_tags {
            context.set(format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !self.session_tags.is_empty() {
            context.set_all("aws:TagKeys", self.session_tags.iter().map(|(key, _)| key.as_str()));
        }
        if !self.transitive_tag_keys.is_empty() {
            context.set_all("sts:TransitiveTagKeys", self.transitive_tag_keys.iter().map(String::as_str));
        }
        for (key, value) in role.tags.iter() {
            context.set(format!("aws:ResourceTag/{key}"), value.as_str());
            context.set(format!("iam:ResourceTag/{key}"), value.as_str());
        }
        context
    }

    /// Whether the trust policy and the RCPs over the role allow one of the needed actions; if not, why.
    pub(super) fn authorize(
        &self,
        role: &Role,
        resource_control: &[&Policies],
        action: &'static str,
        context: &Context<'_>,
    ) -> Result<(), Box<Explanation>> {
        self.ask(role, resource_control, action, context, |request, policies| {
            if evaluate(request, policies).is_allowed() {
                return Ok(());
            }
            Err(Box::new(explain(request, policies)))
        })
    }

    /// What the trust policy and the RCPs over the role say to one of the needed actions, allowed or not.
    pub fn explain(
        &self,
        role: &Role,
        resource_control: &[&Policies],
        action: &'static str,
        context: &Context<'_>,
    ) -> Explanation {
        self.ask(role, resource_control, action, context, explain)
    }

    fn ask<T>(
        &self,
        role: &Role,
        resource_control: &[&Policies],
        action: &str,
        context: &Context<'_>,
        answer: impl FnOnce(&Request<'_>, &Applicable<'_>) -> T,
    ) -> T {
        let request = Request {
            principal: Principal::Federated { provider: self.provider_arn },
            action,
            resource: role.arn.as_str(),
            resource_account: role.account.as_str(),
            context,
        };
        // No SCP has a say: an identity that a provider vouches for is a member of no account.
        let policies = Applicable { resource: Some(&role.trust), resource_control, ..Applicable::default() };
        answer(&request, &policies)
    }
}
