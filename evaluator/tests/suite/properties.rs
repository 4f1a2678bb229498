//! What holds for all policies and requests, and that the compiled evaluator agrees with the plain one.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{naive, support};

const ACCOUNT: &str = "111122223333";
const USER: &str = "arn:aws:iam::111122223333:user/kim";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ci";
const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";

fn pick(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::sample::select(of).prop_map(Value::from)
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    vec(pick(of), 1..4).prop_map(Value::from)
}

const ACTIONS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "S3:getobject",
    "s3:*Object",
    "s3:?etObject",
    "ec2:*",
    "s3:PutObject",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::a",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::a*b",
    "arn:aws:s3:::?b*a?",
    "arn:aws:s3:::${t:one}/*",
    "arn:aws:s3:::${t:one, 'a'}*",
    "arn:aws:s3:::*${*}*",
    "arn:aws:s3:::b*ab*${t:two}",
    "arn:aws:sqs:::a",
];
const PRINCIPALS: &[&str] = &["*", ACCOUNT, "444455556666", USER, SESSION, ROLE];
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotLikeIfExists",
    "ForAllValues:StringLike",
    "ForAllValues:StringNotEquals",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringNotLike",
    "ForAnyValue:StringLikeIfExists",
    "NumericLessThan",
    "NumericNotEquals",
    "ForAllValues:NumericEquals",
    "Null",
];

fn condition() -> impl Strategy<Value = (String, Value)> {
    let values = |operator: &str| match operator {
        "Null" => some(&["true", "false"]).boxed(),
        name if name.contains("Numeric") => some(&["1", "2", "10"]).boxed(),
        _ => some(&["a", "b", "a*", "*b", "?", "${t:one}", "${t:two, 'b'}", "${*}", "1"]).boxed(),
    };
    let tests = pick(OPERATORS).prop_flat_map(move |operator| {
        let operator = operator.as_str().unwrap().to_owned();
        (values(&operator), Just(operator), pick(&["t:one", "t:two", "t:three"]))
    });
    tests.prop_map(|(values, operator, key)| (operator, json!({ key.as_str().unwrap(): values })))
}

fn statement(principals: bool) -> impl Strategy<Value = Value> {
    let elements = (
        proptest::sample::select(&["Allow", "Allow", "Deny"][..]),
        (prop::bool::weighted(0.15), some(ACTIONS)),
        (prop::bool::weighted(0.15), some(RESOURCES)),
        vec(condition(), 0..2),
        some(PRINCIPALS),
    );
    elements.prop_map(move |(effect, (not_action, actions), (not_resource, resources), conditions, named)| {
        let mut statement = Map::new();
        statement.insert("Effect".into(), effect.into());
        statement.insert(if not_action { "NotAction" } else { "Action" }.into(), actions);
        statement.insert(if not_resource { "NotResource" } else { "Resource" }.into(), resources);
        if !conditions.is_empty() {
            statement.insert("Condition".into(), Value::Object(conditions.into_iter().collect()));
        }
        if principals {
            statement.insert("Principal".into(), json!({ "AWS": named }));
        }
        Value::Object(statement)
    })
}

fn document(principals: bool) -> impl Strategy<Value = Value> {
    let statements = vec(statement(principals), 1..4);
    statements.prop_map(|statements| json!({ "Version": "2012-10-17", "Statement": statements }))
}

fn policies() -> impl Strategy<Value = Value> {
    let several = || vec(document(false), 0..3).prop_map(Value::from);
    let maybe = |weight| prop::option::weighted(weight, vec(document(false), 1..3).prop_map(Value::from));
    let levels = prop::option::weighted(0.2, vec(several(), 1..3).prop_map(Value::from));
    let sets = (several(), maybe(0.3), maybe(0.3), levels, prop::option::weighted(0.5, document(true)));
    sets.prop_map(|(identity, boundary, session, scp, resource)| {
        let optional = [("boundary", boundary), ("session", session), ("scp", scp), ("resource", resource)];
        let mut policies = Map::from_iter([("identity".to_owned(), identity)]);
        policies.extend(optional.into_iter().filter_map(|(name, set)| set.map(|set| (name.to_owned(), set))));
        Value::Object(policies)
    })
}

fn request() -> impl Strategy<Value = Value> {
    let context = btree_map(
        proptest::sample::select(&["t:one", "t:two", "t:three"][..]),
        vec(proptest::sample::select(&["a", "b", "ab", "*", "1", "10", ""][..]), 1..3),
        0..3,
    );
    let action = pick(&["s3:GetObject", "s3:PutObject", "ec2:Run", "S3:GETOBJECT"]);
    let resource = "arn:aws:s3:::[ab/*]{0,6}";
    let account = proptest::sample::select(&[ACCOUNT, ACCOUNT, "444455556666"][..]);
    (prop::bool::ANY, action, resource, account, context).prop_map(|(session, action, resource, account, context)| {
        let principal = if session { SESSION } else { USER };
        json!({ "principal": principal, "action": action, "resource": resource, "resource_account": account, "context": context })
    })
}

fn answer(policies: &Value, request: &Value) -> &'static str {
    let sets = support::Sets::read(policies, request["action"].as_str().unwrap()).unwrap();
    support::with_request(request, |request| {
        sets.with(|all| support::name(daypass_evaluator::evaluate(request, all)))
    })
}

fn plain_answer(policies: &Value, request: &Value) -> &'static str {
    let session = request["principal"] == SESSION;
    let names: &[(&str, u8)] = if session {
        &[("*", 2), (ACCOUNT, 1), (ROLE, 2), (SESSION, 3)]
    } else {
        &[("*", 2), (ACCOUNT, 1), (USER, 3)]
    };
    let same_account = request["resource_account"] == ACCOUNT;
    let context = serde_json::from_value(request["context"].clone()).unwrap();
    let caller = naive::Caller { context, same_account, names };
    naive::decide(
        policies,
        request["action"].as_str().unwrap(),
        request["resource"].as_str().unwrap(),
        &caller,
    )
}

fn with(policies: &Value, name: &str, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    let mut changed = policies.clone();
    let mut set = changed[name].as_array().cloned().unwrap_or_default();
    change(&mut set);
    changed[name] = Value::from(set);
    changed
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().rev().map(reversed).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), reversed(value))).collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_and_plain_agree(policies in policies(), requests in vec(request(), 1..12)) {
        for request in requests {
            prop_assert_eq!(answer(&policies, &request), plain_answer(&policies, &request), "{}", request);
        }
    }

    #[test]
    fn a_deny_wins(policies in policies(), request in request(), set in pick(&["identity", "boundary", "session"])) {
        let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*" }] });
        let denied = with(&policies, set.as_str().unwrap(), |set| set.push(deny));
        prop_assert_eq!(answer(&denied, &request), "explicit_deny");
    }

    #[test]
    fn adding_a_deny_never_allows_more(policies in policies(), extra in statement(false), request in request()) {
        let mut extra = extra;
        extra["Effect"] = "Deny".into();
        let document = json!({ "Version": "2012-10-17", "Statement": [extra] });
        let more = with(&policies, "identity", |set| set.push(document));
        prop_assert!(answer(&more, &request) != "allow" || answer(&policies, &request) == "allow");
    }

    #[test]
    fn t09_limits_never_allow_more(policies in policies(), extra in document(false), request in request()) {
        for limit in ["session", "boundary", "scp"] {
            let mut unlimited = policies.clone();
            unlimited.as_object_mut().unwrap().remove(limit);
            let mut limited = unlimited.clone();
            limited[limit] = if limit == "scp" { json!([[extra]]) } else { json!([extra]) };
            prop_assert!(answer(&limited, &request) != "allow" || answer(&unlimited, &request) == "allow", "{}", limit);
        }
    }

    #[test]
    fn order_never_matters(policies in policies(), request in request()) {
        prop_assert_eq!(answer(&reversed(&policies), &request), answer(&policies, &request));
    }

    #[test]
    fn j30_a_value_is_never_a_pattern(value in "[a*?${}]{1,6}", name in "[a-c*?]{0,6}") {
        let document = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${t:one}" }] });
        let resource = format!("arn:aws:s3:::{name}");
        let request = json!({ "principal": USER, "action": "s3:GetObject", "resource": resource,
            "resource_account": ACCOUNT, "context": { "t:one": value } });
        let expected = if name == value { "allow" } else { "implicit_deny" };
        prop_assert_eq!(answer(&json!({ "identity": [document] }), &request), expected);
    }

    #[test]
    fn no_document_panics(text in "\\PC{0,200}") {
        for kind in [daypass_evaluator::Kind::Identity, daypass_evaluator::Kind::Trust] {
            let _ = daypass_evaluator::Policies::compile(&[daypass_evaluator::Document { name: "x", text: &text, kind }]);
        }
    }
}
