//! Accounts, roles, users, policies, providers and services, each found in one step.

mod compile;

use std::{collections::HashMap, sync::Arc};

use daypass_evaluator::Policies;

pub(super) use compile::{Attachable, directory};

use super::{organization::Organization, resources::ResourcePolicies, service::Service};
use crate::{
    proof::{oidc::Provider, saml},
    role::{AccountId, Group, GroupArn, ManagedPolicy, PolicyArn, Role, RoleArn, RoleId, User, UserArn},
};

/// Everything the directory's files say, validated as a whole.
#[derive(Debug, Default)]
pub struct Directory {
    organization: Organization,
    resource_policies: ResourcePolicies,
    accounts: HashMap<AccountId, Account>,
    roles: HashMap<RoleArn, Arc<Role>>,
    users: HashMap<UserArn, Arc<User>>,
    groups: HashMap<GroupArn, Arc<Group>>,
    roles_by_id: HashMap<RoleId, Arc<Role>>,
    policies: HashMap<PolicyArn, Arc<ManagedPolicy>>,
    providers: HashMap<String, Arc<Provider>>,
    saml_providers: HashMap<String, Arc<saml::Provider>>,
    services: Vec<Arc<Service>>,
    services_by_caller: HashMap<RoleArn, Arc<Service>>,
}

/// An account and the providers it trusts.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// By issuer, exactly as tokens carry it.
    oidc_providers: HashMap<String, Arc<Provider>>,
}

impl Directory {
    /// The role with this ARN, path included.
    pub fn role(&self, arn: &str) -> Option<&Arc<Role>> {
        self.roles.get(arn)
    }

    /// The role with this immutable id.
    pub fn role_by_id(&self, id: &str) -> Option<&Arc<Role>> {
        self.roles_by_id.get(id)
    }

    /// Every role, in no order.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.values()
    }

    /// The user with this ARN, path included.
    pub fn user(&self, arn: &str) -> Option<&Arc<User>> {
        self.users.get(arn)
    }

    /// The group with this ARN.
    pub fn group(&self, arn: &str) -> Option<&Arc<Group>> {
        self.groups.get(arn)
    }

    /// The account of this number.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The control policies over each account.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// The policy of a resource of this account, or of what the resource is below: a bucket's for its objects.
    pub fn resource_policy(&self, account: &AccountId, resource: &str) -> Option<&Policies> {
        self.resource_policies.of(account, resource)
    }

    /// The account's provider for an issuer, compared byte by byte.
    pub fn oidc_provider(&self, account: &AccountId, issuer: &str) -> Option<&Arc<Provider>> {
        self.accounts.get(account)?.oidc_providers.get(issuer)
    }

    /// The OpenID Connect provider with this ARN.
    pub fn oidc_provider_by_arn(&self, arn: &str) -> Option<&Arc<Provider>> {
        self.providers.get(arn)
    }

    /// The SAML provider with this ARN.
    pub fn saml_provider(&self, arn: &str) -> Option<&Arc<saml::Provider>> {
        self.saml_providers.get(arn)
    }

    /// Every SAML provider, in no order.
    pub fn saml_providers(&self) -> impl Iterator<Item = &Arc<saml::Provider>> {
        self.saml_providers.values()
    }

    /// The immutable id of the provider with this ARN, of whichever kind.
    pub fn provider_id(&self, arn: &str) -> Option<&str> {
        let oidc = || self.providers.get(arn).map(|provider| provider.id());
        self.saml_providers.get(arn).map(|provider| provider.id()).or_else(oidc)
    }

    /// Every OpenID Connect provider, in no order.
    pub fn oidc_providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The managed policy with this ARN, shared ones included.
    pub fn managed_policy(&self, arn: &str) -> Option<&Arc<ManagedPolicy>> {
        self.policies.get(arn)
    }

    /// The service that sessions of this role may ask about.
    pub fn service_for_caller(&self, role_arn: &str) -> Option<&Arc<Service>> {
        self.services_by_caller.get(role_arn)
    }

    /// Every service, in the order of accounts and file names.
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }
}
