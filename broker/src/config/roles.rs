//! Roles from their folders: first what each says of itself, then its policies, which may name the others.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use daypass_evaluator::{Document, Kind, Policies, Resolved};
use toml::de::DeValue;

use super::{
    directory::Attachable,
    fields::{self, Fields, Rejected},
    ids::Ids,
    layout::RoleFiles,
    policy,
    report::{Report, Source},
    value,
};
use crate::{
    error::Diagnostic,
    role::{
        AccountId, ManagedPolicy, Path, PolicyArn, PolicyName, Role, RoleArn, RoleId, RoleName, TagKey,
        TagValue, Tags,
    },
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
    inline: Vec<&'t Source>,
}

/// Whom policies may name: roles by ARN with their ids, and the accounts that are here.
pub(super) struct Principals {
    pub(super) roles: HashMap<RoleArn, RoleId>,
    pub(super) accounts: HashSet<AccountId>,
    /// Folders of roles that are wrong, which is reported: that they are missing is not worth telling.
    pub(super) broken: HashSet<(AccountId, String)>,
}

impl Principals {
    /// Whether this would be a role's ARN if its folder were in order.
    pub(super) fn is_broken(&self, arn: &RoleArn) -> bool {
        arn.account().is_some_and(|account| self.broken.contains(&(account, arn.name().to_owned())))
    }

    fn resolve(&self, arn: &str) -> Resolved {
        if let Some(id) = self.roles.get(arn) {
            return Resolved::Id(id.as_str().to_owned());
        }
        let account = arn.split(':').nth(4).and_then(|account| AccountId::parse(account).ok());
        match account {
            Some(account) if !self.accounts.contains(&account) => Resolved::Foreign,
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
        let tags = fields.or("tags", Tags::default(), tags);
        let managed = managed(fields, policies);
        let boundary = fields.optional("permissions_boundary", |value| attached(value, policies));
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
            inline: files.policies.values().copied().collect(),
        })
    })
}

fn managed(fields: &mut Fields<'_>, policies: &Attachable<'_>) -> Vec<Arc<ManagedPolicy>> {
    let managed = fields.or("managed_policies", Vec::new(), value::list(|one| attached(one, policies)));
    let distinct: HashSet<&PolicyArn> = managed.iter().map(|policy| &policy.arn).collect();
    if distinct.len() < managed.len() {
        fields.error("managed_policies", "a policy is attached twice", "name each policy once");
    }
    if managed.len() > MANAGED_AT_MOST {
        let message = format!("more than {MANAGED_AT_MOST} managed policies are attached");
        fields.error("managed_policies", message, "merge some of them");
    }
    managed
}

fn attached(value: &DeValue<'_>, policies: &Attachable<'_>) -> Result<Arc<ManagedPolicy>, Rejected> {
    let arn = value::parsed(PolicyArn::parse)(value)?;
    let found = policies.find(&arn).ok_or_else(|| {
        Rejected::new(format!("there is no policy `{arn}` in this account or under aws/"))
            .fix(format!("create policies/{}.json, or correct the ARN", arn.name()))
    })?;
    found.ok_or_else(Rejected::told_elsewhere)
}

fn tags(value: &DeValue<'_>) -> Result<Tags, Rejected> {
    let table = value
        .as_table()
        .ok_or_else(|| Rejected::new("it must be a table").fix("write tags = { team = \"core\" }"))?;
    let mut tags = Tags::default();
    for (key, value) in table {
        let value = value::string(value.get_ref())?;
        tags.insert(TagKey::parse(key.get_ref())?, TagValue::parse(&value)?)?;
    }
    Ok(tags)
}

impl<'t> Draft<'t> {
    /// Compiles the policies; the trust policy's file comes along for what else is to be checked of it.
    pub(super) fn compile(self, principals: &Principals, report: &Report) -> Option<(Role, &'t Source)> {
        let trust = self.trust(principals, report);
        let identity = self.identity(report);
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

    /// Inline policies are compiled one by one first, so that each tells its own faults, then all together.
    fn identity(&self, report: &Report) -> Option<Policies> {
        let mut sound = true;
        let named: Vec<_> =
            self.inline.iter().map(|source| (source.path.to_string_lossy(), *source)).collect();
        for (name, source) in &named {
            if let Some(stem) = source.path.file_stem().and_then(|stem| stem.to_str())
                && let Err(invalid) = PolicyName::parse(stem)
            {
                let found = source.error("this file's name is not a policy's name");
                report.push(found.because(invalid.rule()).fix("rename it to <Name>.json"));
                sound = false;
            }
            sound &= policy::compile(source, name, Kind::Identity, report).is_some();
        }
        if !sound {
            return None;
        }
        let inline =
            named.iter().map(|(name, source)| Document { name, text: &source.text, kind: Kind::Identity });
        let managed = self.managed.iter().map(|policy| Document {
            name: policy.arn.as_str(),
            text: &policy.text,
            kind: Kind::Managed,
        });
        let documents: Vec<Document<'_>> = inline.chain(managed).collect();
        let told = |errors: Vec<daypass_evaluator::PolicyError>| {
            for error in &errors {
                let own = named.iter().find(|(name, _)| *name == error.policy).map(|(_, source)| *source);
                policy::tell(own.unwrap_or(self.trust), error, report);
            }
        };
        Policies::compile(&documents).map_err(told).ok()
    }
}
