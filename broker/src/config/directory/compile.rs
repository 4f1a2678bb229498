//! From files to a directory, in the order in which things name each other.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        fields,
        ids::Ids,
        layout::{AccountFiles, Layout, layout},
        organization, policy,
        provider::Providers,
        report::{Report, Source},
        roles::{self, Draft, Principals},
        saml_provider, service,
        settings::Settings,
        tree::Tree,
        trust_rules, users, value,
    },
    Account, Directory,
};
use crate::{
    error::Diagnostic,
    proof::oidc::Provider,
    role::{AccountId, ManagedPolicy, PolicyArn, Role, RoleArn, User, UserArn},
};

/// AWS's quotas for one account.
const ROLES_AT_MOST: usize = 1000;
const POLICIES_AT_MOST: usize = 1500;
const PROVIDERS_AT_MOST: usize = 100;
const USERS_AT_MOST: usize = 5000;
const GROUPS_AT_MOST: usize = 300;

/// Nothing under the ARN of a policy that is wrong.
type Policies = HashMap<PolicyArn, Option<Arc<ManagedPolicy>>>;

/// Compiles everything below the directory; what is wrong is reported, and then nothing may be made of the result.
pub(in super::super) fn directory(tree: &Tree, settings: Option<&Settings>, report: &Report) -> Directory {
    let layout = layout(tree, report);
    let ids = Ids::default();
    let mut policies = policy::managed(&layout.shared_policies, PolicyArn::shared, report);
    let mut directory =
        Directory { organization: organization::organization(tree, &layout, report), ..Directory::default() };
    let own_urls = settings.map_or_else(Vec::new, |settings| settings.server.own_urls());
    let (mut drafts, mut services) = (Vec::new(), Vec::new());
    for (id, files) in &layout.accounts {
        report_quotas(tree, *id, files, report);
        policies.extend(policy::managed(&files.policies, |name| PolicyArn::new(*id, name), report));
        let providers = Providers::new(*id, tree, files, &own_urls, &ids, report).read();
        directory.add_account(*id, account_name(tree, *id, files, report), &providers);
        let folder = tree.root.join(id.as_str());
        let reader = saml_provider::Reader { account: *id, folder: &folder, ids: &ids, report };
        let read = files.saml_providers.iter().filter_map(|(name, files)| reader.read(name, files));
        directory.saml_providers.extend(read.map(|provider| (provider.arn().to_owned(), provider)));
        let attachable = Attachable { policies: &policies, account: *id };
        let reader = users::Reader { policies: attachable, folder: &folder, ids: &ids, report };
        let (users, groups) = reader.read(files);
        directory.users.extend(users.into_iter().map(|user| (user.arn.clone(), Arc::new(user))));
        directory.groups.extend(groups.into_iter().map(|group| (group.arn.clone(), group)));
        drafts.extend(drafted(tree, attachable, files, &ids, report));
        let read = |source: &&Source| service::service(source, *id, &ids, report).map(Arc::new);
        services.extend(files.services.values().filter_map(|source| Some((read(source)?, *source))));
    }
    let principals = principals(&layout, &drafts, &directory.users);
    for (id, files) in &layout.accounts {
        let folder = tree.root.join(id.as_str());
        directory.resource_policies.read(*id, &folder, files, &principals, report);
    }
    for draft in drafts {
        if let Some((role, trust)) = draft.compile(&principals, report) {
            directory.add_role(role, trust, &layout, report);
        }
    }
    let is_broken = |arn: &RoleArn| principals.roles.contains_key(arn) || principals.is_broken(arn);
    directory.services_by_caller = service::by_caller(&services, &directory.roles, is_broken, report);
    directory.policies = policies.into_iter().filter_map(|(arn, policy)| Some((arn, policy?))).collect();
    directory.services = services.into_iter().map(|(service, _)| service).collect();
    directory
}

impl Directory {
    fn add_account(&mut self, id: AccountId, name: String, providers: &[Arc<Provider>]) {
        let mut by_issuer = HashMap::new();
        for provider in providers {
            by_issuer.insert(provider.issuer().as_str().to_owned(), Arc::clone(provider));
            self.providers.insert(provider.arn().to_owned(), Arc::clone(provider));
        }
        self.accounts.insert(id, Account { id, name, oidc_providers: by_issuer });
    }

    fn add_role(&mut self, role: Role, trust: &Source, layout: &Layout<'_>, report: &Report) {
        if let Some(account) = self.accounts.get(&role.account) {
            let providers = account.oidc_providers.values().map(|provider| &**provider);
            let own = |arn: &&String| arn.split(':').nth(4) == Some(role.account.as_str());
            let saml: Vec<&str> = self.saml_providers.keys().filter(own).map(String::as_str).collect();
            let written = layout
                .accounts
                .get(&role.account)
                .map_or(0, |files| files.oidc_providers.len().saturating_add(files.saml_providers.len()));
            let complete = written == account.oidc_providers.len().saturating_add(saml.len());
            trust_rules::check(&role, trust, providers, &saml, complete, report);
        }
        let role = Arc::new(role);
        self.roles_by_id.insert(role.id.clone(), Arc::clone(&role));
        self.roles.insert(role.arn.clone(), role);
    }
}

fn principals(layout: &Layout<'_>, drafts: &[Draft<'_>], users: &HashMap<UserArn, Arc<User>>) -> Principals {
    let roles: HashMap<_, _> = drafts.iter().map(|draft| (draft.arn.clone(), draft.id.clone())).collect();
    let sound: HashSet<_> =
        roles.keys().filter_map(|arn| Some((arn.account()?, arn.name().to_owned()))).collect();
    let folders = layout
        .accounts
        .iter()
        .flat_map(|(account, files)| files.roles.keys().map(|name| (*account, (*name).to_owned())));
    let broken = folders.filter(|folder| !sound.contains(folder)).collect();
    let sound_users: HashSet<_> =
        users.values().map(|user| (user.account, user.name.as_str().to_owned())).collect();
    let folders = layout
        .accounts
        .iter()
        .flat_map(|(account, files)| files.users.keys().map(|name| (*account, (*name).to_owned())));
    Principals {
        roles,
        users: users.values().map(|user| (user.arn.clone(), user.id.clone())).collect(),
        accounts: layout.accounts.keys().copied().collect(),
        broken,
        broken_users: folders.filter(|folder| !sound_users.contains(folder)).collect(),
    }
}

fn drafted<'t>(
    tree: &Tree,
    policies: Attachable<'_>,
    files: &AccountFiles<'t>,
    ids: &Ids,
    report: &Report,
) -> Vec<Draft<'t>> {
    let folder = tree.root.join(policies.account.as_str()).join("roles");
    let own = files.roles.iter();
    own.filter_map(|(name, files)| roles::draft(name, &folder.join(name), files, &policies, ids, report))
        .collect()
}

/// The policies that roles, users and groups of one account may name: its own and the shared ones.
#[derive(Clone, Copy)]
pub(in super::super) struct Attachable<'p> {
    policies: &'p Policies,
    pub(in super::super) account: AccountId,
}

impl Attachable<'_> {
    /// The policy; nothing inside if it is there and wrong.
    pub(in super::super) fn find(&self, arn: &PolicyArn) -> Option<Option<Arc<ManagedPolicy>>> {
        let own = arn.account().is_none_or(|account| account == self.account);
        self.policies.get(arn).filter(|_| own).cloned()
    }
}

fn account_name(tree: &Tree, id: AccountId, files: &AccountFiles<'_>, report: &Report) -> String {
    let Some(source) = files.account else {
        let file = tree.root.join(id.as_str()).join("account.toml");
        let found = Diagnostic::error(file, "this account has no account.toml");
        report.push(found.fix("create it with a line such as name = \"Production\""));
        return String::new();
    };
    let name = fields::file(source, report, |fields| {
        fields.required("name", "add name = \"Production\"", value::filled)
    });
    name.unwrap_or_default()
}

fn report_quotas(tree: &Tree, id: AccountId, files: &AccountFiles<'_>, report: &Report) {
    let counts = [
        ("roles", files.roles.len(), ROLES_AT_MOST),
        ("policies", files.policies.len(), POLICIES_AT_MOST),
        ("users", files.users.len(), USERS_AT_MOST),
        ("groups", files.groups.len(), GROUPS_AT_MOST),
        ("oidc-providers", files.oidc_providers.len(), PROVIDERS_AT_MOST),
        ("saml-providers", files.saml_providers.len(), PROVIDERS_AT_MOST),
    ];
    for (folder, count, most) in counts {
        if count > most {
            let place = tree.root.join(id.as_str()).join(folder);
            let found =
                Diagnostic::error(place, format!("{count} are too many: an account has at most {most}"));
            report.push(found.fix("split the account"));
        }
    }
}
