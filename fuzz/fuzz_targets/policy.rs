//! Any text as a policy of each kind, and requests that the text makes up, answered and explained without a panic.

#![no_main]

use daypass_evaluator::{Applicable, Context, Document, Kind, Policies, Principal, Request, evaluate, explain};
use libfuzzer_sys::fuzz_target;

const KINDS: [Kind; 7] = [
    Kind::Identity,
    Kind::Managed,
    Kind::Trust,
    Kind::Session,
    Kind::Resource,
    Kind::ServiceControl,
    Kind::ResourceControl,
];

fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (text, action, resource, value) = input;
    let mut context = Context::new();
    context.set("aws:PrincipalTag/team", value).set("aws:CurrentTime", value).set_all("aws:TagKeys", [value, text]);
    let principal = Principal::RoleSession {
        role_arn: "arn:aws:iam::111122223333:role/Deploy",
        session_arn: "arn:aws:sts::111122223333:assumed-role/Deploy/ci",
        id: "AROAEXAMPLEEXAMPLE:ci",
    };
    let request = Request { principal, action, resource, resource_account: "111122223333", context: &context };
    for kind in KINDS {
        let Ok(policies) = Policies::compile(&[Document { name: "fuzz", text, kind }]) else { continue };
        let sets = [&policies];
        let applicable = match kind {
            Kind::Trust | Kind::Resource => Applicable { resource: Some(&policies), ..Applicable::default() },
            Kind::ServiceControl => Applicable { service_control: &sets, ..Applicable::default() },
            Kind::ResourceControl => Applicable { resource_control: &sets, ..Applicable::default() },
            Kind::Session => Applicable { session: &sets, ..Applicable::default() },
            _ => Applicable { identity: &sets, ..Applicable::default() },
        };
        let decision = evaluate(&request, &applicable);
        assert_eq!(explain(&request, &applicable).outcome, decision.outcome());
        let decided = applicable.statement(&decision);
        assert!(decided.is_none_or(|view| view.policy() == "fuzz"));
    }
});
