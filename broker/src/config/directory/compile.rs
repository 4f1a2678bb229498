//! From files to a directory, in the order in which things name each other.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        fields,
        ids::Ids,
        layout::{AccountFiles, layout},
        policy,
        provider::Providers,
        report::{Report, Source},
        roles::{self, Draft, Principals},
        service,
        settings::Settings,
        tree::Tree,
        trust_rules, value,
    },
    Account, Directory,
};
use crate::{
    error::Diagnostic,
    proof::oidc::Provider,
    role::{AccountId, ManagedPolicy, PolicyArn},
};

/// AWS's quotas for one account.
const ROLES_AT_MOST: usize = 1000;
const POLICIES_AT_MOST: usize = 1500;
const PROVIDERS_AT_MOST: usize = 100;

type Policies = HashMap<PolicyArn, Arc<ManagedPolicy>>;

/// Compiles everything below the directory; what is wrong is reported, and then nothing may be made of the result.
pub(in super::super) fn directory(tree: &Tree, settings: Option<&Settings>, report: &Report) -> Directory {
    let layout = layout(tree, report);
    let ids = Ids::default();
    let policies = policy::managed(&layout.shared_policies, PolicyArn::shared, report);
    let mut directory = Directory { policies, ..Directory::default() };
    let public_url = settings.map(|settings| &settings.server.public_url);
    let (mut drafts, mut services) = (Vec::new(), Vec::new());
    for (id, files) in &layout.accounts {
        report_quotas(tree, *id, files, report);
        directory.policies.extend(policy::managed(&files.policies, |name| PolicyArn::new(*id, name), report));
        let providers = Providers::new(*id, tree, files, public_url, &ids, report).read();
        directory.add_account(*id, account_name(tree, *id, files, report), providers);
        drafts.extend(drafted(tree, *id, files, &directory.policies, &ids, report));
        let read = |source: &&Source| service::service(source, *id, &ids, report).map(Arc::new);
        services.extend(files.services.values().filter_map(|source| Some((read(source)?, *source))));
    }
    let accounts = layout.accounts.keys().copied().collect();
    directory.add_roles(drafts, accounts, report);
    directory.services_by_caller = service::by_caller(&services, &directory.roles, report);
    directory.services = services.into_iter().map(|(service, _)| service).collect();
    directory
}

impl Directory {
    fn add_account(&mut self, id: AccountId, name: String, providers: Vec<(Arc<Provider>, &Source)>) {
        let mut by_issuer = HashMap::new();
        for (provider, _) in providers {
            by_issuer.insert(provider.issuer().as_str().to_owned(), Arc::clone(&provider));
            self.providers.insert(provider.arn().to_owned(), provider);
        }
        self.accounts.insert(id, Account { id, name, oidc_providers: by_issuer });
    }

    fn add_roles(&mut self, drafts: Vec<Draft<'_>>, accounts: HashSet<AccountId>, report: &Report) {
        let roles = drafts.iter().map(|draft| (draft.arn.clone(), draft.id.clone())).collect();
        let principals = Principals { roles, accounts };
        for draft in drafts {
            let Some((role, trust)) = draft.compile(&principals, report) else {
                continue;
            };
            if let Some(account) = self.accounts.get(&role.account) {
                trust_rules::check(&role, trust, account.oidc_providers.values().map(|one| &**one), report);
            }
            let role = Arc::new(role);
            self.roles_by_id.insert(role.id.clone(), Arc::clone(&role));
            self.roles.insert(role.arn.clone(), role);
        }
    }
}

fn drafted<'t>(
    tree: &Tree,
    account: AccountId,
    files: &AccountFiles<'t>,
    policies: &Policies,
    ids: &Ids,
    report: &Report,
) -> Vec<Draft<'t>> {
    let folder = tree.root.join(account.as_str()).join("roles");
    let own = files.roles.iter();
    own.filter_map(|(name, files)| {
        let policies = Attachable { policies, account };
        roles::draft(name, &folder.join(name), files, &policies, ids, report)
    })
    .collect()
}

/// The policies that roles of one account may name: its own and the shared ones.
#[derive(Clone, Copy)]
pub(in super::super) struct Attachable<'p> {
    policies: &'p Policies,
    pub(in super::super) account: AccountId,
}

impl Attachable<'_> {
    pub(in super::super) fn find(&self, arn: &PolicyArn) -> Option<Arc<ManagedPolicy>> {
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
        ("oidc-providers", files.oidc_providers.len(), PROVIDERS_AT_MOST),
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
