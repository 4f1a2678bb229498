//! The organization: which account is in which organizational unit, and what the control policies of each level say.

mod attached;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use daypass_evaluator::Policies;
use toml::de::DeValue;

use super::{
    fields::{self, Fields, Rejected},
    layout::Layout,
    report::{Report, Source},
    tree::Tree,
    value,
};
use crate::{
    error::Diagnostic,
    role::{AccountId, PolicyName},
};
use attached::{Shelf, Type};

/// The deepest unit below the root, and the most units (AWS's quotas).
const DEEPEST: usize = 5;
const UNITS_AT_MOST: usize = 2000;

/// The control policies over each account, one set a level from the root to the account's own unit.
///
/// A level without policies of its own is as AWS's full access, and no set is kept for it. An account outside of the
/// organization has no level at all. There is no management account here, so none is exempt from SCPs.
#[derive(Debug, Default)]
pub struct Organization {
    accounts: HashMap<AccountId, Controls>,
}

#[derive(Debug, Default)]
struct Controls {
    service: Vec<Arc<Policies>>,
    resource: Vec<Arc<Policies>>,
}

impl Organization {
    /// The SCPs that limit what principals of this account may do; each set must allow.
    pub fn service_control(&self, account: &AccountId) -> Vec<&Policies> {
        self.accounts
            .get(account)
            .map_or_else(Vec::new, |over| over.service.iter().map(AsRef::as_ref).collect())
    }

    /// The RCPs that limit what anybody may do to resources of this account; each set must allow.
    pub fn resource_control(&self, account: &AccountId) -> Vec<&Policies> {
        self.accounts
            .get(account)
            .map_or_else(Vec::new, |over| over.resource.iter().map(AsRef::as_ref).collect())
    }
}

/// The root or an organizational unit, as far as it stands alone.
struct Unit {
    /// Empty for the root.
    path: String,
    accounts: Vec<AccountId>,
    service: Option<Arc<Policies>>,
    resource: Option<Arc<Policies>>,
    /// What to tell if its parent is missing.
    orphaned: Diagnostic,
}

/// Compiles `organization.toml` and the policies it attaches; without that file no account is in an organization.
pub(super) fn organization(tree: &Tree, layout: &Layout<'_>, report: &Report) -> Organization {
    let scps = Shelf::new(Type::ServiceControl, &layout.scps, report);
    let rcps = Shelf::new(Type::ResourceControl, &layout.rcps, report);
    let Some(source) = layout.organization else {
        if !layout.scps.is_empty() || !layout.rcps.is_empty() {
            let found = Diagnostic::error(
                tree.root.join("organization.toml"),
                "there are control policies, and no organization.toml attaches them",
            );
            report.push(found.fix("create it with [root] and scps = [\"…\"], or remove the policies"));
        }
        return Organization::default();
    };
    let mut reader = Reader { source, layout, scps, rcps, placed: BTreeMap::new() };
    let units = fields::file(source, report, |fields| {
        let root = fields.table("root", |fields| reader.unit(fields, String::new()));
        let below = fields.tables("ou", |fields| {
            let path = fields.required("path", "name the unit: path = \"prod\"", value::parsed(path))?;
            Some(reader.unit(fields, path))
        });
        if below.len() > UNITS_AT_MOST {
            let message = format!("more than {UNITS_AT_MOST} organizational units");
            fields.error("ou", message, "merge some of them");
        }
        Some(std::iter::once(root).chain(below).collect())
    });
    reader.report_outside(report);
    reader.scps.report_idle(source, report);
    reader.rcps.report_idle(source, report);
    let units: Vec<Unit> = units.unwrap_or_default();
    placed(&units, source, report)
}

struct Reader<'r, 't> {
    source: &'r Source,
    layout: &'r Layout<'t>,
    scps: Shelf<'t>,
    rcps: Shelf<'t>,
    /// The unit of each account so far.
    placed: BTreeMap<AccountId, String>,
}

impl Reader<'_, '_> {
    fn unit(&mut self, fields: &mut Fields<'_>, path: String) -> Unit {
        let known = |value: &DeValue<'_>| {
            let account = value::parsed(AccountId::parse)(value)?;
            if self.layout.accounts.contains_key(&account) {
                return Ok(account);
            }
            Err(Rejected::new(format!("there is no account {account} in the directory"))
                .fix(format!("create {account}/account.toml, or correct the number")))
        };
        let accounts = fields.or("accounts", Vec::new(), value::list(known));
        let shown = if path.is_empty() { "the root".to_owned() } else { format!("`{path}`") };
        for account in &accounts {
            if let Some(other) = self.placed.insert(*account, shown.clone()) {
                let fix = format!("it is in {other} already: leave it in one of them, once");
                fields.error("accounts", format!("account {account} is in two places"), fix);
            }
        }
        let orphaned = self.source.error(format!("the parent of {shown} is missing"));
        Unit {
            accounts,
            service: self.scps.level(fields),
            resource: self.rcps.level(fields),
            orphaned: fields.located("path", orphaned),
            path,
        }
    }

    fn report_outside(&self, report: &Report) {
        for account in self.layout.accounts.keys().filter(|account| !self.placed.contains_key(account)) {
            let message =
                format!("account {account} is outside of the organization: no SCP or RCP applies to it");
            let found = Diagnostic::warning(&self.source.path, message);
            report.push(found.fix("name it under `accounts` of [root] or of an [[ou]]"));
        }
    }
}

/// An organizational unit's path: names between slashes, such as `prod/eu`.
fn path(text: &str) -> Result<String, Rejected> {
    let names: Vec<&str> = text.split('/').collect();
    if names.len() > DEEPEST {
        return Err(
            Rejected::new(format!("a unit is at most {DEEPEST} levels below the root")).fix("move it up")
        );
    }
    if names.iter().any(|name| PolicyName::parse(name).is_err()) {
        let rule = r"names of units are 1 to 128 characters of [\w+=,.@-], with a / between them";
        return Err(Rejected::new(rule).fix("write path = \"prod\" or path = \"prod/eu\""));
    }
    Ok(text.to_owned())
}

/// Gives each account the levels above it.
fn placed(units: &[Unit], source: &Source, report: &Report) -> Organization {
    let mut by_path: BTreeMap<&str, &Unit> = BTreeMap::new();
    for unit in units {
        if by_path.insert(&unit.path, unit).is_some() {
            let found = source.error(format!("the unit `{}` is here twice", unit.path));
            report.push(found.fix("merge the two"));
        }
    }
    let mut organization = Organization::default();
    for unit in units {
        let above: Vec<&Unit> = above(&unit.path).filter_map(|path| by_path.get(path).copied()).collect();
        if let Some(parent) = unit.path.rsplit_once('/').map(|(parent, _)| parent)
            && !by_path.contains_key(parent)
        {
            let fix = format!("add [[ou]] with path = \"{parent}\"");
            report.push(unit.orphaned.clone().fix(fix));
        }
        for account in &unit.accounts {
            let controls = Controls {
                service: above.iter().filter_map(|unit| unit.service.clone()).collect(),
                resource: above.iter().filter_map(|unit| unit.resource.clone()).collect(),
            };
            organization.accounts.insert(*account, controls);
        }
    }
    organization
}

/// The paths from the root to a unit, the unit's own included: of `prod/eu`, the empty one, `prod` and itself.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let below = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    std::iter::once("").chain(below).chain((!path.is_empty()).then_some(path))
}
