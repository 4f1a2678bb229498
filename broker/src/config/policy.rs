//! Policy files, compiled and reported with their lines.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use daypass_evaluator::{Document, Kind, Policies, PolicyError};

use super::report::{Report, Source};
use crate::role::{ManagedPolicy, PolicyArn, PolicyName};

/// Compiles one file; what is wrong in it is reported, and then nothing comes back.
pub(super) fn compile(source: &Source, name: &str, kind: Kind, report: &Report) -> Option<Policies> {
    Policies::compile(&[Document { name, text: &source.text, kind }])
        .map_err(|errors| errors.iter().for_each(|error| tell(source, error, report)))
        .ok()
}

/// Reports a fault that the evaluator found in this file.
pub(super) fn tell(source: &Source, error: &PolicyError, report: &Report) {
    let place = |at: u32| usize::try_from(at).unwrap_or(1);
    let found = source.error(format!("invalid policy: {}", error.message)).fix(&error.fix);
    report.push(source.place(found, place(error.line), place(error.column)));
}

/// Compiles managed policies, keyed by their ARNs; under one that is wrong, which is reported, there is nothing.
pub(super) fn managed(
    files: &BTreeMap<&str, &Source>,
    arn: impl Fn(&PolicyName) -> PolicyArn,
    report: &Report,
) -> HashMap<PolicyArn, Option<Arc<ManagedPolicy>>> {
    let mut policies = HashMap::new();
    for (name, source) in files {
        let name = match PolicyName::parse(name) {
            Ok(name) => name,
            Err(invalid) => {
                let found = source.error("this file's name is not a policy's name");
                report.push(found.because(invalid.rule()).fix("rename it to <Name>.json"));
                continue;
            }
        };
        let arn = arn(&name);
        let compiled = compile(source, arn.as_str(), Kind::Managed, report);
        let text = Arc::clone(&source.text);
        let policy = compiled.map(|policies| Arc::new(ManagedPolicy { arn: arn.clone(), policies, text }));
        policies.insert(arn, policy);
    }
    policies
}
