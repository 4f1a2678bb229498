//! Resource policies: beside the ARN of a resource, the policy that speaks for it and for all below it.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    path::Path as Place,
};

use daypass_evaluator::{Kind, Policies};
use toml::de::DeValue;

use super::{
    fields::{self, Rejected},
    layout::{AccountFiles, ResourceFiles},
    policy,
    report::{Report, Source},
    roles::Principals,
    service::RESERVED,
    value,
};
use crate::{error::Diagnostic, role::AccountId};

/// The longest ARN of a resource with a policy.
const LONGEST: usize = 1024;

/// Resource policies by the account that owns the resource; principals that they name are pinned to their ids.
#[derive(Debug, Default)]
pub(super) struct ResourcePolicies(HashMap<AccountId, ByArn>);

/// By ARN with a `/` after it; none is below another, so that a resource has one policy at most.
type ByArn = BTreeMap<String, Policies>;

impl ResourcePolicies {
    /// The policy of this resource or of what it is below, such as a bucket's for its objects.
    pub(super) fn of(&self, account: &AccountId, resource: &str) -> Option<&Policies> {
        let policies = self.0.get(account)?;
        let resource = format!("{resource}/");
        let (arn, policy) =
            policies.range::<str, _>((Bound::Unbounded, Bound::Included(resource.as_str()))).next_back()?;
        resource.starts_with(arn).then_some(policy)
    }

    /// Reads one account's resource policies; what is wrong is reported.
    pub(super) fn read(
        &mut self,
        account: AccountId,
        folder: &Place,
        files: &AccountFiles<'_>,
        principals: &Principals,
        report: &Report,
    ) {
        let mut policies = ByArn::new();
        for (name, files) in &files.resource_policies {
            let folder = folder.join("resource-policies").join(name);
            let Some((arn, source, policy)) = one(account, &folder, files, principals, report) else {
                continue;
            };
            let key = format!("{arn}/");
            let clash = policies.keys().find(|other| key.starts_with(*other) || other.starts_with(&key));
            if let Some(other) = clash {
                let other = other.trim_end_matches('/');
                let found = source.error(format!("`{arn}` has another policy, that of `{other}`"));
                report.push(found.because("a resource has one policy at most").fix("merge the two"));
                continue;
            }
            policies.insert(key, policy);
        }
        self.0.insert(account, policies);
    }
}

fn one<'t>(
    account: AccountId,
    folder: &Place,
    files: &ResourceFiles<'t>,
    principals: &Principals,
    report: &Report,
) -> Option<(String, &'t Source, Policies)> {
    let present = |file: Option<&'t Source>, name: &str, fix: &str| {
        if file.is_none() {
            let found = Diagnostic::error(folder.join(name), format!("this resource has no {name}"));
            report.push(found.fix(fix));
        }
        file
    };
    let source = present(files.resource, "resource.toml", "create it with arn = \"arn:aws:s3:::bucket\"");
    let written = present(files.policy, "policy.json", "write who may do what with the resource");
    let arn = source.and_then(|source| {
        fields::file(source, report, |fields| {
            fields.required("arn", "add arn = \"arn:aws:s3:::bucket\"", |one| arn(one, account))
        })
    });
    let written = written?;
    let policy = policy::compile(written, &written.path.to_string_lossy(), Kind::Resource, report)?;
    let pinned = policy
        .pin(|arn| principals.resolve(arn))
        .map_err(|errors| errors.iter().for_each(|error| policy::tell(written, error, report)));
    Some((arn?, source?, pinned.ok()?))
}

/// A whole ARN in this account or in none, without wildcards, and not of the broker's own services.
fn arn(value: &DeValue<'_>, account: AccountId) -> Result<String, Rejected> {
    let text = value::filled(value)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let sound = match *parts.as_slice() {
        ["arn", "aws", service, _region, owner, name] => {
            !service.is_empty()
                && !RESERVED.contains(&service)
                && (owner.is_empty() || owner == account.as_str())
                && !name.is_empty()
                && !name.ends_with('/')
        }
        _ => false,
    };
    if sound && !text.contains(['*', '?', '$']) && text.len() <= LONGEST {
        return Ok(text);
    }
    let cause = format!("`{text}` is not the ARN of one resource of this account");
    Err(Rejected::new(cause).fix(format!("write \"arn:aws:<service>:<region>:{account}:<name>\"")))
}
