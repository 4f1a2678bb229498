//! Any statements and any request: what is decided is what is explained, and the order of the statements never matters.

#![no_main]

use daypass_evaluator::{
    Applicable, Context, Document, Kind, Policies, Principal, Request, evaluate, explain,
};
use libfuzzer_sys::fuzz_target;

/// A statement, as parts that are put into the grammar's places.
type Statement<'a> = (bool, bool, &'a str, &'a str, &'a str, &'a str);

fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

const OPERATORS: [&str; 6] = [
    "StringLike",
    "StringNotEqualsIgnoreCase",
    "ForAnyValue:ArnLike",
    "ForAllValues:NumericLessThan",
    "DateGreaterThanIfExists",
    "NotIpAddress",
];

fn write(&(deny, complement, action, path, key, value): &Statement<'_>) -> String {
    let (effect, not) = (if deny { "Deny" } else { "Allow" }, if complement { "Not" } else { "" });
    let operator = OPERATORS[key.len() % OPERATORS.len()];
    let condition = match key {
        "" => String::new(),
        key => format!(r#","Condition":{{"{operator}":{{{}:{}}}}}"#, quoted(key), quoted(value)),
    };
    let (action, resource) = (quoted(&format!("s3:{action}")), quoted(&format!("arn:aws:s3:::{path}")));
    format!(r#"{{"Effect":"{effect}","{not}Action":{action},"{not}Resource":{resource}{condition}}}"#)
}

fn compile(statements: &[String]) -> Option<Policies> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    Policies::compile(&[Document { name: "fuzz", text: &text, kind: Kind::Identity }]).ok()
}

fuzz_target!(|input: (Vec<Statement<'_>>, &str, &str, &str, &str)| {
    let (statements, action, path, key, value) = input;
    let mut written: Vec<String> = statements.iter().take(12).map(write).collect();
    let Some(policies) = compile(&written) else { return };
    written.reverse();
    let turned = compile(&written).expect("the same statements compile in any order");

    let mut context = Context::new();
    context.set(key, value).set_all("aws:TagKeys", [value, path]);
    let (action, resource) = (format!("s3:{action}"), format!("arn:aws:s3:::{path}"));
    let request = Request {
        principal: Principal::User { arn: "arn:aws:iam::111122223333:user/kim", id: "AIDAKIMKIMKIMKIMKIM" },
        action: &action,
        resource: &resource,
        resource_account: "111122223333",
        context: &context,
    };
    let everything = compile(&[write(&(false, false, "*", "*", "", ""))]).expect("an open policy compiles");
    let (sets, turned_sets, open) = ([&policies], [&turned], [&everything]);
    let own = Applicable { identity: &sets, ..Applicable::default() };
    let limit =
        Applicable { identity: &open, boundary: Some(&policies), session: &sets, ..Applicable::default() };
    let own_turned = Applicable { identity: &turned_sets, ..own };
    let limit_turned = Applicable { boundary: Some(&turned), session: &turned_sets, ..limit };
    for (one, other) in [(own, own_turned), (limit, limit_turned)] {
        let decision = evaluate(&request, &one);
        assert_eq!(evaluate(&request, &other).outcome(), decision.outcome());
        let explained = explain(&request, &one);
        assert_eq!((explained.outcome, explained.decided_by), (decision.outcome(), decision.policy_type()));
    }
});
