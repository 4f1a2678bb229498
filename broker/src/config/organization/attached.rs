//! Control policies on their shelf, and the set that the root or a unit attaches of them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use daypass_evaluator::{Document, Kind, Policies};
use toml::de::DeValue;

use super::super::{
    fields::{Fields, Rejected},
    policy,
    report::{Report, Source},
    value,
};
use crate::{error::Diagnostic, role::PolicyName};

/// The most policies of one type on the root or a unit (AWS's quotas).
const ATTACHED_AT_MOST: usize = 5;

/// What AWS attaches to every target at first: it allows everything, so that others only have to deny.
const FULL_ACCESS: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// The two types of control policies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    ServiceControl,
    ResourceControl,
}

impl Type {
    const fn key(self) -> &'static str {
        match self {
            Self::ServiceControl => "scps",
            Self::ResourceControl => "rcps",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::ServiceControl => Kind::ServiceControl,
            Self::ResourceControl => Kind::ResourceControl,
        }
    }

    /// AWS's name for the policy that allows everything.
    const fn full_access(self) -> &'static str {
        match self {
            Self::ServiceControl => "FullAWSAccess",
            Self::ResourceControl => "RCPFullAWSAccess",
        }
    }
}

/// The policies of one type, by name; nothing under one that is wrong.
pub(super) struct Shelf<'t> {
    policies: BTreeMap<&'t str, Option<&'t Source>>,
    of: Type,
    /// Names that some level attaches.
    attached: RefCell<BTreeSet<String>>,
}

impl<'t> Shelf<'t> {
    /// Compiles each file by itself and reports what is wrong.
    pub(super) fn new(of: Type, files: &BTreeMap<&'t str, &'t Source>, report: &Report) -> Self {
        let sound =
            |name: &str, source: &Source| named(of, name, source, report) & compiled(of, source, report);
        let policies =
            files.iter().map(|(name, source)| (*name, sound(name, source).then_some(*source))).collect();
        Self { policies, of, attached: RefCell::default() }
    }

    /// Reports the policies that no level attaches, at the file that could.
    pub(super) fn report_idle(&self, organization: &Source, report: &Report) {
        let (attached, key) = (self.attached.borrow(), self.of.key());
        let sound = self.policies.iter().filter(|(_, file)| file.is_some());
        for (name, _) in sound.filter(|(name, _)| !attached.contains(**name)) {
            let message = format!("organization/{key}/{name}.json is attached to nothing: it limits nobody");
            let fix = format!("name it under `{key}` of [root] or of an [[ou]], or remove it");
            report.push(Diagnostic::warning(&organization.path, message).fix(fix));
        }
    }

    /// The set that these fields attach; nothing if they attach none or are wrong, which is reported.
    pub(super) fn level(&self, fields: &mut Fields<'_>) -> Option<Arc<Policies>> {
        let key = self.of.key();
        let names = fields.optional(key, value::list(|one| self.find(one)))?;
        let distinct: BTreeSet<_> = names.iter().map(|(name, _)| name).collect();
        if names.is_empty() {
            let full = self.of.full_access();
            fields.error(key, format!("`{key}` is empty"), format!("leave it out, or name \"{full}\""));
        }
        if distinct.len() < names.len() {
            fields.error(key, "a policy is attached twice", "name each policy once");
        }
        if names.len() > ATTACHED_AT_MOST {
            let message = format!("more than {ATTACHED_AT_MOST} policies are attached");
            fields.error(key, message, "merge some of them");
        }
        let set = Arc::new(self.set(&names)?);
        if !set.statements().any(|statement| statement.is_allow()) {
            let message = "these policies only deny, so that nothing at all is allowed below";
            fields.warning(key, message, format!("name \"{}\" beside them", self.of.full_access()));
        }
        Some(set)
    }

    /// A policy by its name; no file behind the one that AWS has.
    fn find(&self, value: &DeValue<'_>) -> Result<(String, Option<&'t Source>), Rejected> {
        let name = value::filled(value)?;
        self.attached.borrow_mut().insert(name.clone());
        if name == self.of.full_access() {
            return Ok((name, None));
        }
        let key = self.of.key();
        match self.policies.get(name.as_str()) {
            Some(Some(source)) => Ok((name, Some(source))),
            Some(None) => Err(Rejected::told_elsewhere()),
            None => Err(Rejected::new(format!("there is no policy `{name}` under organization/{key}"))
                .fix(format!("create organization/{key}/<Name>.json, or correct the name"))),
        }
    }

    /// Nothing if the documents don't compile; each did by itself before.
    fn set(&self, names: &[(String, Option<&Source>)]) -> Option<Policies> {
        let files: Vec<_> = names
            .iter()
            .filter_map(|(_, file)| file.map(|file| (file.path.to_string_lossy(), file)))
            .collect();
        let full = names.iter().any(|(_, file)| file.is_none()) || self.of == Type::ResourceControl;
        // AWS keeps its RCP of full access attached to every target. It speaks of all that the others can deny, identity
        // providers as well, which `*` in an Allow does not cover: so it is compiled as a kind that names no principal.
        let full_access =
            Document { name: self.of.full_access(), text: FULL_ACCESS, kind: Kind::ServiceControl };
        let written =
            files.iter().map(|(name, file)| Document { name, text: &file.text, kind: self.of.kind() });
        let documents: Vec<_> = full.then_some(full_access).into_iter().chain(written).collect();
        Policies::compile(&documents).ok()
    }
}

fn named(of: Type, name: &str, source: &Source, report: &Report) -> bool {
    let found = source.error("this file's name is not a policy's name");
    let found = match PolicyName::parse(name) {
        Err(invalid) => found.because(invalid.rule()).fix("rename it to <Name>.json"),
        Ok(_) if name == of.full_access() => {
            found.because(format!("`{name}` is AWS's own")).fix("remove it: it is there without a file")
        }
        Ok(_) => return true,
    };
    report.push(found);
    false
}

fn compiled(of: Type, source: &Source, report: &Report) -> bool {
    let name = source.path.to_string_lossy();
    let Some(policies) = policy::compile(source, &name, of.kind(), report) else { return false };
    let mut sound = true;
    if of == Type::ResourceControl {
        for statement in policies.statements().filter(|statement| statement.is_allow()) {
            let (line, column) = statement.position();
            let at = |position: u32| usize::try_from(position).unwrap_or(1);
            let found = source.error("a resource control policy only denies");
            let found = found.fix("write \"Effect\": \"Deny\": RCPFullAWSAccess allows everything else");
            report.push(source.place(found, at(line), at(column)));
            sound = false;
        }
    }
    sound
}
