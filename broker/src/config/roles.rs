//! Roles from their folders: first what each says of itself, then its policies, which may name the others.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use daypass_evaluator::{Kind, Policies, Resolved};

use super::{
    attachments::{self, Inline},
    directory::Attachable,
    fields,
    ids::Ids,
    layout::RoleFiles,
    policy,
    report::{Report, Source},
    value,
};
use crate::{
    error::Diagnostic,
    role::{AccountId, ManagedPolicy, Path, Role, RoleArn, RoleId, RoleName, Tags, UserArn, UserId},
};

/// The most managed policies on a role (AWS's raised quota).
const MANAGED_AT_MOST: usize = 20;
const HOUR: Duration = Duration::from_secs(3600);

/// What `role.toml` says, before policies are compiled.
pub(super) struct Draft<'t> {
    pub(super) arn: RoleArn,
    pub(super) id: RoleId,
    name: RoleName,
    path: Path,
    account: AccountId,
    max_session_duration: Duration,
    tags: Tags,
    managed: Vec<Arc<ManagedPolicy>>,
    boundary: Option<Arc<ManagedPolicy>>,
    trust: &'t Source,
    inline: Inline<'t>,
}

/// Whom policies may name: roles by ARN with their ids, and the accounts that are here.
pub(super) struct Principals {
    pub(super) roles: HashMap<RoleArn, RoleId>,
    pub(super) users: HashMap<UserArn, UserId>,
    pub(super) accounts: HashSet<AccountId>,
    /// Folders of roles that are wrong, which is reported: that they are missing is not worth telling.
    pub(super) broken: HashSet<(AccountId, String)>,
    /// The same of users.
    pub(super) broken_users: HashSet<(AccountId, String)>,
}

impl Principals {
    /// Whether this would be a role's ARN if its folder were in order.
    pub(super) fn is_broken(&self, arn: &RoleArn) -> bool {
        arn.account().is_some_and(|account| self.broken.contains(&(account, arn.name().to_owned())))
    }

    fn is_broken_user(&self, account: AccountId, arn: &str) -> bool {
        let name = arn.rsplit('/').next().unwrap_or_default();
        arn.contains(":user/") && self.broken_users.contains(&(account, name.to_owned()))
    }

    /// Who has this ARN now.
    pub(super) fn resolve(&self, arn: &str) -> Resolved {
        if let Some(id) = self.roles.get(arn) {
            return Resolved::Id(id.as_str().to_owned());
        }
        if let Some(id) = self.users.get(arn) {
            return Resolved::Id(id.as_str().to_owned());
        }
        let account = arn.split(':').nth(4).and_then(|account| AccountId::parse(account).ok());
        match account {
            Some(account) if !self.accounts.contains(&account) => Resolved::Foreign,
            Some(account) if self.is_broken_user(account, arn) => Resolved::Foreign,
            _ if RoleArn::parse(arn).is_ok_and(|arn| self.is_broken(&arn)) => Resolved::Foreign,
            _ => Resolved::Missing,
        }
    }
}

/// Reads a role's folder as far as it stands alone.
pub(super) fn draft<'t>(
    name: &str,
    folder: &std::path::Path,
    files: &RoleFiles<'t>,
    policies: &Attachable<'_>,
    ids: &Ids,
    report: &Report,
) -> Option<Draft<'t>> {
    let name = RoleName::parse(name).map_err(|invalid| {
        let found = Diagnostic::error(folder, "this folder's name is not a role's name");
        report.push(found.because(invalid.rule()).fix("rename the folder"));
    });
    let absent = |file: &str, fix: &str| {
        report.push(Diagnostic::error(folder.join(file), format!("this role has no {file}")).fix(fix));
    };
    let trust = files.trust.or_else(|| {
        absent("trust.json", "write the policy that says who may become the role");
        None
    });
    let Some(source) = files.role else {
        absent("role.toml", "create it, and run `daypass check --write-ids`");
        return None;
    };
    fields::file(source, report, |fields| {
        let id = ids.read(fields, source, |text| RoleId::parse(text).map_err(Into::into));
        let root = Path::parse("/").ok()?;
        let path = fields.or_nothing("path", root, value::parsed(Path::parse));
        let longest = value::duration(HOUR, HOUR.saturating_mul(12));
        let max_session_duration = fields.or("max_session_duration", HOUR, longest);
        let tags = fields.or("tags", Tags::default(), attachments::tags);
        let managed = attachments::managed(fields, policies, MANAGED_AT_MOST);
        let boundary = attachments::boundary(fields, policies);
        let (name, path) = (name.ok()?, path?);
        Some(Draft {
            arn: RoleArn::new(policies.account, &path, &name),
            id: id?,
            name,
            path,
            account: policies.account,
            max_session_duration,
            tags,
            managed,
            boundary,
            trust: trust?,
            inline: Inline::of(&files.policies),
        })
    })
}

impl<'t> Draft<'t> {
    /// Compiles the policies; the trust policy's file comes along for what else is to be checked of it.
    pub(super) fn compile(self, principals: &Principals, report: &Report) -> Option<(Role, &'t Source)> {
        let trust = self.trust(principals, report);
        let identity = self.inline.compile(&self.managed, self.trust, report);
        let role = Role {
            arn: self.arn,
            name: self.name,
            path: self.path,
            account: self.account,
            id: self.id,
            max_session_duration: self.max_session_duration,
            tags: self.tags,
            trust: trust?,
            identity: identity?,
            boundary: self.boundary,
        };
        Some((role, self.trust))
    }

    fn trust(&self, principals: &Principals, report: &Report) -> Option<Policies> {
        let name = self.trust.path.to_string_lossy();
        let trust = policy::compile(self.trust, &name, Kind::Trust, report)?;
        trust
            .pin(|arn| principals.resolve(arn))
            .map_err(|errors| errors.iter().for_each(|error| policy::tell(self.trust, error, report)))
            .ok()
    }
}
