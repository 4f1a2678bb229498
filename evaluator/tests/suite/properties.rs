//! What holds for all policies and requests, and that the compiled evaluator agrees with the plain one.

use std::collections::BTreeMap;

use daypass_evaluator::{evaluate, explain};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::generate::{self, ACCOUNT, Kind, USER, policies, request};
use crate::{plain, support};

/// Requests put to each set of policies.
const REQUESTS: usize = 16;

/// Requests that are answered without looking at policies, among others.
fn any_request() -> impl Strategy<Value = Value> {
    let odd =
        proptest::sample::select(&["sts:GetCallerIdentity", "s3", "s3:", ":Get", "s3:Get:Object", ""][..]);
    let odd = (request(), odd, proptest::sample::select(&["arn:aws:s3:::a", "*", "arn:aws:s3", ""][..]));
    let odd = odd.prop_map(|(mut request, action, resource)| {
        request["action"] = action.into();
        request["resource"] = resource.into();
        request
    });
    prop_oneof![30 => request(), 1 => odd]
}

fn answer(policies: &Value, request: &Value) -> &'static str {
    answers(policies, std::slice::from_ref(request))[0]
}

fn answers(policies: &Value, requests: &[Value]) -> Vec<&'static str> {
    let sets = support::Sets::read(policies, "").unwrap_or_else(|errors| panic!("{errors:?}: {policies:#}"));
    let ask = |request: &Value| {
        support::with_request(request, |request| sets.with(|all| support::name(evaluate(request, all))))
    };
    requests.iter().map(ask).collect()
}

/// `DAYPASS_DECISIONS` says how many requests are decided by both.
#[test]
fn compiled_and_plain_agree() {
    let wanted = std::env::var("DAYPASS_DECISIONS").map_or(8_000, |text| text.parse::<u32>().unwrap());
    let cases = wanted.div_ceil(u32::try_from(REQUESTS).unwrap());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let counted = std::cell::RefCell::new(BTreeMap::<&str, u32>::new());
    let outcome =
        TestRunner::new(config).run(&(policies(), vec(any_request(), REQUESTS)), |(policies, requests)| {
            for (request, answer) in requests.iter().zip(answers(&policies, &requests)) {
                prop_assert_eq!(answer, plain::decide(&policies, request), "{} {}", policies, request);
                *counted.borrow_mut().entry(answer).or_default() += 1;
            }
            Ok(())
        });
    outcome.unwrap();
    let counted = counted.into_inner();
    println!("{counted:?}");
    let total: u32 = counted.values().sum();
    assert!(total >= wanted, "{total} decisions");
    for (outcome, count) in counted {
        assert!(count * 20 >= total, "{outcome} only {count} times of {total}: the alphabets don't meet");
    }
}

/// The policies with another document, or another level, of a type.
fn with(policies: &Value, name: &str, added: Value) -> Value {
    let mut changed = policies.clone();
    let mut set = changed[name].as_array().cloned().unwrap_or_default();
    set.push(added);
    changed[name] = Value::from(set);
    changed
}

fn without(policies: &Value, name: &str) -> Value {
    let mut changed = policies.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

/// The policies with another statement in the resource's own, which takes the place of a trust policy.
fn with_resource(policies: &Value, statement: &Value) -> Value {
    let mut changed = without(policies, "trust");
    let mut statements = changed["resource"]["Statement"].as_array().cloned().unwrap_or_default();
    statements.push(statement.clone());
    let old = changed["resource"].is_object() && changed["resource"]["Version"] != "2012-10-17";
    changed["resource"] = match old {
        false => json!({ "Version": "2012-10-17", "Statement": statements }),
        true => json!({ "Statement": generate::without_variables(&statements) }),
    };
    changed
}

fn open() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] })
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
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn explanation_and_decision_agree(policies in policies(), request in any_request()) {
        let sets = support::Sets::read(&policies, "").unwrap();
        support::with_request(&request, |request| sets.with(|all| {
            let (decision, explained) = (evaluate(request, all), explain(request, all));
            prop_assert_eq!(explained.outcome, decision.outcome());
            prop_assert_eq!(explained.decided_by, decision.policy_type());
            Ok(())
        }))?;
    }

    #[test]
    fn a_deny_wins(policies in policies(), request in request(), set in 0..6_usize) {
        let everything = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        let mut of_everyone = everything.clone();
        of_everyone["Principal"] = "*".into();
        let document = |statement: &Value| json!({ "Version": "2012-10-17", "Statement": [statement] });
        let denied = match ["identity", "boundary", "session", "scp", "rcp", "resource"][set] {
            "resource" => with_resource(&policies, &of_everyone),
            "rcp" => with(&policies, "rcp", json!([document(&of_everyone)])),
            "scp" => with(&policies, "scp", json!([document(&everything)])),
            set => with(&policies, set, document(&everything)),
        };
        prop_assert_eq!(answer(&denied, &request), "explicit_deny");
    }

    #[test]
    fn adding_a_deny_never_allows_more(
        policies in policies(),
        own in generate::statement(Kind::Unnamed),
        named in generate::statement(Kind::Resource),
        requests in vec(request(), 4),
    ) {
        let (mut own, mut named) = (own, named);
        (own["Effect"], named["Effect"]) = ("Deny".into(), "Deny".into());
        let document = json!({ "Version": "2012-10-17", "Statement": [own] });
        // A trust policy has no room for the statement, and a boundary where there was none limits by itself.
        let without_trust = without(&policies, "trust");
        let bounded = with(&policies, "boundary", open());
        let pairs = [
            (&policies, with(&policies, "identity", document.clone())),
            (&without_trust, with_resource(&without_trust, &named)),
            (&bounded, with(&bounded, "boundary", document)),
        ];
        for (less, more) in pairs {
            for (before, after) in answers(less, &requests).into_iter().zip(answers(&more, &requests)) {
                prop_assert!(after != "allow" || before == "allow", "{}", more);
            }
        }
    }

    #[test]
    fn t09_limits_never_allow_more(
        policies in policies(),
        session in generate::session(),
        level in generate::level(Kind::Unnamed),
        of_everyone in generate::level(Kind::ResourceControl),
        requests in vec(request(), 4),
    ) {
        for (limit, documents) in
            [("session", &session), ("boundary", &session), ("scp", &level), ("rcp", &of_everyone)]
        {
            let is_level = limit.ends_with("cp");
            let unlimited = if is_level { policies.clone() } else { without(&policies, limit) };
            let mut limited = unlimited.clone();
            if is_level {
                limited = with(&unlimited, limit, documents.clone());
            } else {
                limited[limit] = documents.clone();
            }
            let before = answers(&unlimited, &requests);
            for ((request, before), after) in requests.iter().zip(before).zip(answers(&limited, &requests)) {
                // A federated user has nothing but what its session policy gives.
                let gains = limit == "session" && request["principal"].as_str().unwrap().contains(":federated-user/");
                prop_assert!(gains || after != "allow" || before == "allow", "{} {}", limit, request);
            }
        }
    }

    #[test]
    fn order_never_matters(policies in policies(), requests in vec(request(), 4)) {
        prop_assert_eq!(answers(&reversed(&policies), &requests), answers(&policies, &requests));
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
