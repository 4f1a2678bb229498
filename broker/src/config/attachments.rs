//! What roles, users and groups have alike: inline and managed policies, a permissions boundary, tags.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use daypass_evaluator::{Document, Kind, Policies, PolicyError, size};
use toml::de::DeValue;

use super::{
    directory::Attachable,
    fields::{Fields, Rejected},
    policy,
    report::{Report, Source},
    value,
};
use crate::role::{ManagedPolicy, PolicyArn, PolicyName, TagKey, TagValue, Tags};

/// Reads `managed_policies`.
pub(super) fn managed(
    fields: &mut Fields<'_>,
    policies: &Attachable<'_>,
    at_most: usize,
) -> Vec<Arc<ManagedPolicy>> {
    let managed = fields.or("managed_policies", Vec::new(), value::list(|one| attached(one, policies)));
    let distinct: HashSet<&PolicyArn> = managed.iter().map(|policy| &policy.arn).collect();
    if distinct.len() < managed.len() {
        fields.error("managed_policies", "a policy is attached twice", "name each policy once");
    }
    if managed.len() > at_most {
        let message = format!("more than {at_most} managed policies are attached");
        fields.error("managed_policies", message, "merge some of them");
    }
    managed
}

/// Reads `permissions_boundary`.
pub(super) fn boundary(fields: &mut Fields<'_>, policies: &Attachable<'_>) -> Option<Arc<ManagedPolicy>> {
    fields.optional("permissions_boundary", |value| attached(value, policies))
}

fn attached(value: &DeValue<'_>, policies: &Attachable<'_>) -> Result<Arc<ManagedPolicy>, Rejected> {
    let arn = value::parsed(PolicyArn::parse)(value)?;
    let found = policies.find(&arn).ok_or_else(|| {
        Rejected::new(format!("there is no policy `{arn}` in this account or under aws/"))
            .fix(format!("create policies/{}.json, or correct the ARN", arn.name()))
    })?;
    found.ok_or_else(Rejected::told_elsewhere)
}

/// Reads a table of tags.
pub(super) fn tags(value: &DeValue<'_>) -> Result<Tags, Rejected> {
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

/// The inline policies in one folder.
pub(super) struct Inline<'t>(Vec<&'t Source>);

impl<'t> Inline<'t> {
    pub(super) fn of(files: &BTreeMap<&'t str, &'t Source>) -> Self {
        Self(files.values().copied().collect())
    }

    /// Reports policies that are longer together than their owner may have, white space aside.
    pub(super) fn limit(&self, at_most: usize, report: &Report) {
        let mut total: usize = 0;
        for source in &self.0 {
            total = total.saturating_add(size(&source.text));
            if total > at_most {
                let found = source.error(format!("Maximum policy size of {at_most} bytes exceeded"));
                report.push(found.fix("move statements to managed policies"));
                return;
            }
        }
    }

    /// Compiles these one by one first, so that each tells its own faults, then all together with the managed ones.
    ///
    /// What is wrong with them together and with no file of its own is told at `owner`.
    pub(super) fn compile(
        &self,
        managed: &[Arc<ManagedPolicy>],
        owner: &Source,
        report: &Report,
    ) -> Option<Policies> {
        let mut sound = true;
        let named: Vec<_> = self.0.iter().map(|source| (source.path.to_string_lossy(), *source)).collect();
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
        let managed = managed.iter().map(|policy| Document {
            name: policy.arn.as_str(),
            text: &policy.text,
            kind: Kind::Managed,
        });
        let documents: Vec<Document<'_>> = inline.chain(managed).collect();
        let told = |errors: Vec<PolicyError>| {
            for error in &errors {
                let own = named.iter().find(|(name, _)| *name == error.policy).map(|(_, source)| *source);
                policy::tell(own.unwrap_or(owner), error, report);
            }
        };
        Policies::compile(&documents).map_err(told).ok()
    }
}
