//! Which file of the directory is what, by its place; a file without a place is an error.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    report::{Report, Source},
    tree::Tree,
};
use crate::{error::Diagnostic, role::AccountId};

/// The directory's files by what they are.
#[derive(Debug, Default)]
pub(super) struct Layout<'t> {
    /// By name.
    pub(super) shared_policies: BTreeMap<&'t str, &'t Source>,
    pub(super) organization: Option<&'t Source>,
    /// Service control policies, by name.
    pub(super) scps: BTreeMap<&'t str, &'t Source>,
    /// Resource control policies, by name.
    pub(super) rcps: BTreeMap<&'t str, &'t Source>,
    pub(super) accounts: BTreeMap<AccountId, AccountFiles<'t>>,
}

/// One account's files; all but the first by name.
#[derive(Debug, Default)]
pub(super) struct AccountFiles<'t> {
    pub(super) account: Option<&'t Source>,
    pub(super) policies: BTreeMap<&'t str, &'t Source>,
    pub(super) roles: BTreeMap<&'t str, RoleFiles<'t>>,
    pub(super) groups: BTreeMap<&'t str, OwnerFiles<'t>>,
    pub(super) users: BTreeMap<&'t str, OwnerFiles<'t>>,
    pub(super) resource_policies: BTreeMap<&'t str, ResourceFiles<'t>>,
    pub(super) oidc_providers: BTreeMap<&'t str, &'t Source>,
    /// What lies beside provider files: CAs and key sets, by file name.
    pub(super) attachments: BTreeMap<&'t str, &'t Source>,
    pub(super) saml_providers: BTreeMap<&'t str, SamlFiles<'t>>,
    pub(super) services: BTreeMap<&'t str, &'t Source>,
}

/// The folder of one SAML provider.
#[derive(Debug, Default)]
pub(super) struct SamlFiles<'t> {
    pub(super) provider: Option<&'t Source>,
    /// By file name.
    pub(super) metadata: BTreeMap<&'t str, &'t Source>,
}

/// One role's folder.
#[derive(Debug, Default)]
pub(super) struct RoleFiles<'t> {
    pub(super) role: Option<&'t Source>,
    pub(super) trust: Option<&'t Source>,
    pub(super) policies: BTreeMap<&'t str, &'t Source>,
}

/// The folder of one user or group.
#[derive(Debug, Default)]
pub(super) struct OwnerFiles<'t> {
    /// `user.toml` or `group.toml`.
    pub(super) owner: Option<&'t Source>,
    pub(super) policies: BTreeMap<&'t str, &'t Source>,
}

/// The folder of one resource's policy.
#[derive(Debug, Default)]
pub(super) struct ResourceFiles<'t> {
    pub(super) resource: Option<&'t Source>,
    pub(super) policy: Option<&'t Source>,
}

/// Kinds of entries that are defined, and that this build would have to ignore.
const LATER: [&str; 2] = ["profiles", "trust-anchors"];

/// Sorts every file and folder into its place and reports those that have none.
pub(super) fn layout<'t>(tree: &'t Tree, report: &Report) -> Layout<'t> {
    let mut layout = Layout::default();
    let mut misplaced = Misplaced { tree, report, told: BTreeSet::new() };
    for (name, source) in &tree.files {
        let parts: Vec<&str> = name.split('/').collect();
        if !layout.file(&parts, source) {
            misplaced.tell(&parts);
        }
    }
    for name in &tree.folders {
        let parts: Vec<&str> = name.split('/').collect();
        if !layout.folder(&parts) {
            misplaced.tell(&parts);
        }
    }
    layout
}

impl<'t> Layout<'t> {
    /// Takes a file; false if it has no place.
    fn file(&mut self, parts: &[&'t str], source: &'t Source) -> bool {
        match *parts {
            ["aws", "policies", file] => keep(&mut self.shared_policies, file, ".json", source),
            ["organization.toml"] => self.organization.replace(source).is_none(),
            ["organization", "scps", file] => keep(&mut self.scps, file, ".json", source),
            ["organization", "rcps", file] => keep(&mut self.rcps, file, ".json", source),
            [account, ref rest @ ..] => AccountId::parse(account)
                .is_ok_and(|account| self.accounts.entry(account).or_default().file(rest, source)),
            [] => false,
        }
    }

    /// Takes a folder, which may be empty; false if it has no place.
    fn folder(&mut self, parts: &[&'t str]) -> bool {
        match *parts {
            ["aws" | "organization"] | ["aws", "policies"] | ["organization", "scps" | "rcps"] => true,
            [account, ref rest @ ..] => AccountId::parse(account)
                .is_ok_and(|account| self.accounts.entry(account).or_default().folder(rest)),
            [] => false,
        }
    }
}

impl<'t> AccountFiles<'t> {
    fn file(&mut self, parts: &[&'t str], source: &'t Source) -> bool {
        match *parts {
            ["account.toml"] => self.account.replace(source).is_none(),
            ["policies", file] => keep(&mut self.policies, file, ".json", source),
            ["roles", role, "role.toml"] => self.role(role).role.replace(source).is_none(),
            ["roles", role, "trust.json"] => self.role(role).trust.replace(source).is_none(),
            ["roles", role, "policies", file] => keep(&mut self.role(role).policies, file, ".json", source),
            ["resource-policies", name, "resource.toml"] => {
                self.resource_policies.entry(name).or_default().resource.replace(source).is_none()
            }
            ["resource-policies", name, "policy.json"] => {
                self.resource_policies.entry(name).or_default().policy.replace(source).is_none()
            }
            ["groups", group, ref rest @ ..] => {
                self.groups.entry(group).or_default().file(rest, "group.toml", source)
            }
            ["users", user, ref rest @ ..] => {
                self.users.entry(user).or_default().file(rest, "user.toml", source)
            }
            ["oidc-providers", file] => {
                keep(&mut self.oidc_providers, file, ".toml", source)
                    || self.attachments.insert(file, source).is_none()
            }
            ["saml-providers", name, "provider.toml"] => self.saml(name).provider.replace(source).is_none(),
            ["saml-providers", name, file] if file.ends_with(".xml") => {
                self.saml(name).metadata.insert(file, source).is_none()
            }
            ["services", file] => keep(&mut self.services, file, ".toml", source),
            _ => false,
        }
    }

    fn folder(&mut self, parts: &[&'t str]) -> bool {
        match *parts {
            [] | ["policies" | "roles" | "groups" | "users" | "oidc-providers" | "services"] => true,
            ["roles", role] | ["roles", role, "policies"] => {
                self.role(role);
                true
            }
            ["resource-policies" | "saml-providers"] => true,
            ["saml-providers", name] => {
                self.saml(name);
                true
            }
            ["resource-policies", name] => {
                self.resource_policies.entry(name).or_default();
                true
            }
            ["groups", group] | ["groups", group, "policies"] => {
                self.groups.entry(group).or_default();
                true
            }
            ["users", user] | ["users", user, "policies"] => {
                self.users.entry(user).or_default();
                true
            }
            _ => false,
        }
    }

    fn role(&mut self, name: &'t str) -> &mut RoleFiles<'t> {
        self.roles.entry(name).or_default()
    }

    fn saml(&mut self, name: &'t str) -> &mut SamlFiles<'t> {
        self.saml_providers.entry(name).or_default()
    }
}

impl<'t> OwnerFiles<'t> {
    fn file(&mut self, parts: &[&'t str], owner: &str, source: &'t Source) -> bool {
        match *parts {
            [file] if file == owner => self.owner.replace(source).is_none(),
            ["policies", file] => keep(&mut self.policies, file, ".json", source),
            _ => false,
        }
    }
}

/// Keeps a file by its name without the ending; false if it ends otherwise.
fn keep<'t>(
    files: &mut BTreeMap<&'t str, &'t Source>,
    file: &'t str,
    ending: &str,
    source: &'t Source,
) -> bool {
    file.strip_suffix(ending).is_some_and(|name| files.insert(name, source).is_none())
}

/// Reports what has no place, once for a folder and all in it.
struct Misplaced<'t, 'r> {
    tree: &'t Tree,
    report: &'r Report,
    told: BTreeSet<String>,
}

impl Misplaced<'_, '_> {
    fn tell(&mut self, parts: &[&str]) {
        let (depth, message, fix) = verdict(parts);
        let place = parts.get(..depth).unwrap_or(parts).join("/");
        if self.told.insert(place.clone()) {
            self.report.push(Diagnostic::error(self.tree.root.join(place), message).fix(fix));
        }
    }
}

/// How many parts of the path the finding is about, what it says and what to do.
fn verdict(parts: &[&str]) -> (usize, String, String) {
    let later = |depth: usize, kind: &str| {
        let fix = "remove it until it is supported: what it grants or denies would be ignored";
        (depth, format!("this build does not load {kind} yet"), fix.to_owned())
    };
    match *parts {
        [account, kind, ..] if AccountId::parse(account).is_ok() && LATER.contains(&kind) => later(2, kind),
        [account, "roles", _, file] if AccountId::parse(account).is_ok() => unknown(
            4,
            format!("a role's folder has no file `{file}`"),
            "a role has role.toml, trust.json and policies/<Name>.json",
        ),
        [account, "users", _, "access-keys", ..] if AccountId::parse(account).is_ok() => {
            later(4, "users' access keys")
        }
        [account, "resource-policies", _, file] if AccountId::parse(account).is_ok() => unknown(
            4,
            format!("the folder of a resource's policy has no file `{file}`"),
            "it has resource.toml and policy.json",
        ),
        [account, "saml-providers", _, file] if AccountId::parse(account).is_ok() => unknown(
            4,
            format!("a SAML provider's folder has no file `{file}`"),
            "it has provider.toml and the metadata that it names, ending in .xml",
        ),
        [account, "users", _, file] if AccountId::parse(account).is_ok() => unknown(
            4,
            format!("a user's folder has no file `{file}`"),
            "a user has user.toml and policies/<Name>.json",
        ),
        [account, "groups", _, file] if AccountId::parse(account).is_ok() => unknown(
            4,
            format!("a group's folder has no file `{file}`"),
            "a group has group.toml and policies/<Name>.json",
        ),
        [account, _, ..] if AccountId::parse(account).is_ok() => unknown(
            parts.len(),
            "this file or folder has no place in an account".to_owned(),
            "an account has account.toml, policies/<Name>.json, roles/<Name>/, groups/<Name>/, users/<Name>/, \
             resource-policies/<Name>/, oidc-providers/<name>.toml, saml-providers/<Name>/ and services/<name>.toml",
        ),
        ["organization", ..] => unknown(
            parts.len(),
            "this file or folder has no place here".to_owned(),
            "organization/ has scps/<Name>.json and rcps/<Name>.json",
        ),
        ["aws", ..] => unknown(
            parts.len(),
            "this file or folder has no place here".to_owned(),
            "aws/ has policies/<Name>.json",
        ),
        _ => unknown(
            1,
            "this file or folder has no place in the directory".to_owned(),
            "the directory has one folder an account, named by its twelve digits, aws/policies, \
             organization.toml and organization/",
        ),
    }
}

fn unknown(depth: usize, message: String, fix: &str) -> (usize, String, String) {
    (depth, message, format!("remove it, or move it to its place: {fix}"))
}
