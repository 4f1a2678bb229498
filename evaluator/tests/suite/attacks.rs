//! Attacks, named after the row of the threat list that they belong to; each with an honest twin.

use daypass_evaluator::{Document, Kind, Policies, PolicyError, Resolved};
use serde_json::{Value, json};

use crate::support;

const ACCOUNT: &str = "111122223333";
const KIM: &str = "arn:aws:iam::111122223333:user/kim";
const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";
const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

fn load(kind: Kind, statement: &Value) -> Result<Policies, Vec<PolicyError>> {
    let text = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    Policies::compile(&[Document { name: "trust.json", text: &text, kind }])
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn trust(principal: &Value, condition: &Value) -> Value {
    json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition })
}

fn ask(policies: &Value, action: &str, resource: &str, context: &Value) -> &'static str {
    support::decide(&json!({ "policies": policies, "request": { "principal": KIM, "action": action,
        "resource": resource, "resource_account": ACCOUNT, "context": context } }))
}

fn assume(trust: Value, context: &Value) -> &'static str {
    ask(&json!({ "identity": [], "trust": document(&[trust]) }), "sts:AssumeRole", ROLE, context)
}

#[test]
fn t01_principal_star_unconditioned() {
    for principal in [json!("*"), json!({ "AWS": "*" }), json!({ "AWS": [KIM, "*"] })] {
        let errors = load(Kind::Trust, &trust(&principal, &json!({}))).unwrap_err();
        assert_eq!(errors[0].message, "AssumeRolePolicy contained an invalid principal: \"STAR\".");
        assert_eq!((errors[0].line, errors[0].policy.as_str()), (1, "trust.json"));
        assert!(
            load(
                Kind::Trust,
                &trust(&principal, &json!({ "StringEquals": { "aws:PrincipalAccount": ACCOUNT } }))
            )
            .is_ok()
        );
    }
}

#[test]
fn t02_external_id_missing_empty_or_list() {
    let wanted = || trust(&json!({ "AWS": KIM }), &json!({ "StringEquals": { "sts:ExternalId": "secret" } }));
    for context in [
        json!({}),
        json!({ "sts:ExternalId": "" }),
        json!({ "sts:ExternalId": ["secret", "x"] }),
        json!({ "sts:ExternalId": "Secret" }),
    ] {
        assert_eq!(assume(wanted(), &context), "implicit_deny", "{context}");
    }
    assert_eq!(assume(wanted(), &json!({ "sts:ExternalId": "secret" })), "allow");
}

#[test]
fn t03_absent_key_with_negation_if_exists_and_null() {
    let answers = [
        (json!({ "StringNotEquals": { "a:b": "x" } }), "allow"),
        (json!({ "StringEquals": { "a:b": "x" } }), "implicit_deny"),
        (json!({ "StringEqualsIfExists": { "a:b": "x" } }), "allow"),
        (json!({ "Null": { "a:b": "true" } }), "allow"),
        (json!({ "Null": { "a:b": "false" } }), "implicit_deny"),
        (json!({ "StringNotEquals": { "a:b": "x" }, "Null": { "a:b": "false" } }), "implicit_deny"),
    ];
    for (condition, expected) in answers {
        assert_eq!(assume(trust(&json!({ "AWS": KIM }), &condition), &json!({})), expected, "{condition}");
    }
}

#[test]
fn t10_session_deny_counts() {
    let all = document(&[json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })]);
    let deny = document(&[
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
        json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }),
    ]);
    for session in [json!([deny]), json!([all, deny]), json!([deny, all])] {
        let policies = json!({ "identity": [all], "session": session });
        assert_eq!(ask(&policies, "s3:GetObject", "arn:aws:s3:::a", &json!({})), "explicit_deny");
        assert_eq!(ask(&policies, "ec2:Run", "*", &json!({})), "allow");
    }
}

#[test]
fn t11_no_deny_is_no_allow() {
    let deny = document(&[json!({ "Effect": "Deny", "Action": "ec2:*", "Resource": "*" })]);
    for policies in [json!({ "identity": [deny] }), json!({ "identity": [] }), json!({ "boundary": [deny] })]
    {
        assert_eq!(ask(&policies, "s3:GetObject", "arn:aws:s3:::a", &json!({})), "implicit_deny");
    }
}

#[test]
fn t12_patterns_match_in_linear_time() {
    let patterns = [
        "a*".repeat(800),
        format!("{}b", "*a".repeat(800)),
        format!("*{}b*", "a".repeat(1600)),
        format!("*{}b", "?".repeat(200)),
        format!("*{}b*", "a?".repeat(31)),
        format!("{}*", "*a?b".repeat(400)),
    ];
    for pattern in patterns {
        let document = document(&[
            json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{pattern}x") }),
        ]);
        let policies = json!({ "identity": [document] });
        let sets = support::Sets::read(&policies, "s3:GetObject").unwrap();
        let resource = format!("arn:aws:s3:::{}", "a".repeat(8_000));
        let request = json!({ "principal": KIM, "action": "s3:GetObject", "resource": resource, "resource_account": ACCOUNT });
        let spent = cpu_time(|| {
            support::with_request(&request, |request| {
                assert!(!sets.with(|all| daypass_evaluator::evaluate(request, all).is_allowed()));
            });
        });
        assert!(spent < 50, "{} characters took {spent} ms", pattern.len());
    }
}

/// Milliseconds of this process's own time, so that busy neighbours don't count.
fn cpu_time(work: impl FnOnce()) -> u64 {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    work();
    (ticks() - before) * 10
}

#[test]
fn t12_a_stretch_that_would_cost_too_much_is_refused() {
    let pattern = format!("arn:aws:s3:::*{}*", "a?".repeat(200));
    let errors =
        load(Kind::Identity, &json!({ "Effect": "Allow", "Action": "*", "Resource": pattern })).unwrap_err();
    assert_eq!(errors[0].message, "The policy failed legacy parsing");
    let pattern = format!("arn:aws:s3:::*{}*", "a?".repeat(32));
    assert!(load(Kind::Identity, &json!({ "Effect": "Allow", "Action": "*", "Resource": pattern })).is_ok());
}

#[test]
fn t12_patterns_that_would_cost_too_much_together_are_refused() {
    let patterns = |count: usize| {
        let one = |number| format!("arn:aws:s3:::{number}*{}*", "a?".repeat(32));
        let patterns: Vec<String> = (0..count).map(one).collect();
        let resources = json!({ "Effect": "Allow", "Action": "*", "Resource": patterns });
        let values = json!({ "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": { "StringLike": { "aws:UserAgent": patterns } } });
        let arns = json!({ "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": { "ArnLike": { "aws:SourceArn": patterns } } });
        [resources, values, arns]
    };
    for statement in patterns(9) {
        let errors = load(Kind::Identity, &statement).unwrap_err();
        assert_eq!(errors[0].message, "The policy failed legacy parsing", "{statement}");
        assert_eq!(errors[0].fix, "use fewer `?` and variables between two `*`, in all patterns together");
    }
    for statement in patterns(8) {
        assert!(load(Kind::Identity, &statement).is_ok(), "{statement}");
    }
}

#[test]
fn t12_what_deciding_can_cost_counts_patterns_and_texts() {
    let resource = |resource: &str| json!({ "Effect": "Allow", "Action": "*", "Resource": resource });
    let dense = load(Kind::Identity, &resource(&format!("arn:aws:s3:::*{}*", "a?".repeat(32)))).unwrap();
    let plain = load(Kind::Identity, &resource(&format!("arn:aws:s3:::{}*", "ab".repeat(32)))).unwrap();
    assert_eq!(dense.work(800), dense.work(0) + 64 * 100);
    assert_eq!(plain.work(800), plain.work(0));
}

#[test]
fn t12_places_of_many_statements_are_found_in_linear_time() {
    let (pad, one) = (" ".repeat(120_000), r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#);
    let statements = |one: &str, count| {
        format!("{pad}{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", vec![one; count].join(","))
    };
    for (text, sound) in [(statements(one, 200), true), (statements("{}", 3_000), false)] {
        let spent = cpu_time(|| {
            let document = Document { name: "x", text: &text, kind: Kind::Identity };
            assert_eq!(Policies::compile(&[document]).is_ok(), sound);
        });
        assert!(spent < 200, "{spent} ms");
    }
}

#[test]
fn t12_huge_documents_are_refused_unread() {
    let text = format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", "[".repeat(200_000));
    let kinds = [
        (Kind::Identity, "Maximum policy size of 10240 bytes exceeded"),
        (Kind::Session, "Cannot exceed quota for PolicySize: 2048"),
        (Kind::Trust, "Cannot exceed quota for ACLSizePerRole: 4096"),
        (Kind::Resource, "Cannot exceed quota for PolicySize: 20480"),
    ];
    for (kind, message) in kinds {
        let errors = Policies::compile(&[Document { name: "x", text: &text, kind }]).unwrap_err();
        assert_eq!(errors[0].message, message);
    }
}

#[test]
fn t12_inline_policies_share_one_quota() {
    let statement = json!({ "Sid": "a".repeat(6_000), "Effect": "Allow", "Action": "*", "Resource": "*" });
    let text = document(&[statement]).to_string();
    let document = Document { name: "x", text: &text, kind: Kind::Identity };
    assert!(Policies::compile(&[document]).is_ok());
    let errors = Policies::compile(&[document, document]).unwrap_err();
    assert_eq!(errors[0].message, "Maximum policy size of 10240 bytes exceeded");
}

#[test]
fn t13_duplicate_keys_and_unknown_fields() {
    let texts = [
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Version":"2012-10-17","Statement":[],"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","condition":{}}}"#,
    ];
    for text in texts {
        let errors = Policies::compile(&[Document { name: "x", text, kind: Kind::Session }]).unwrap_err();
        assert_eq!(errors[0].message, "Syntax errors in policy.", "{text}");
        assert!(errors[0].column > 1, "{text}");
    }
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}}"#;
    assert!(Policies::compile(&[Document { name: "x", text, kind: Kind::Session }]).is_ok());
}

#[test]
fn t14_identity_deny_holds_at_the_trust_policy() {
    let trust = document(&[trust(&json!({ "AWS": KIM }), &json!({}))]);
    for action in ["*", "sts:*", "sts:AssumeRole"] {
        let deny = document(&[json!({ "Effect": "Deny", "Action": action, "Resource": ROLE })]);
        let policies = json!({ "identity": [deny], "trust": trust });
        assert_eq!(ask(&policies, "sts:AssumeRole", ROLE, &json!({})), "explicit_deny");
    }
    assert_eq!(ask(&json!({ "identity": [], "trust": trust }), "sts:AssumeRole", ROLE, &json!({})), "allow");
}

#[test]
fn t16_a_recreated_namesake_gains_nothing() {
    let loaded = load(Kind::Trust, &trust(&json!({ "AWS": KIM }), &json!({}))).unwrap();
    let pinned = loaded.clone().pin(|_| Resolved::Id("AIDAFIRSTKIMFIRSTKIM".to_owned())).unwrap();
    for (id, expected) in [("AIDAFIRSTKIMFIRSTKIM", true), ("AIDASECONDKIMSECOND", false)] {
        let request = json!({ "principal": KIM, "id": id, "action": "sts:AssumeRole", "resource": ROLE, "resource_account": ACCOUNT });
        let sets = support::Sets { resource: Some(pinned.clone()), ..Default::default() };
        let allowed = support::with_request(&request, |r| {
            sets.with(|all| daypass_evaluator::evaluate(r, all).is_allowed())
        });
        assert_eq!(allowed, expected, "{id}");
    }
    let missing = loaded.clone().pin(|_| Resolved::Missing).unwrap_err();
    assert_eq!(missing[0].message, format!("Invalid principal in policy: \"AWS\":\"{KIM}\""));
    assert!(missing[0].column > 1);
    assert!(loaded.pin(|_| Resolved::Foreign).is_ok());
}

#[test]
fn t19_names_are_exact() {
    for name in [
        "arn:aws:iam::111122223333:user/Kim",
        "arn:aws:iam::111122223333:user/a/kim",
        "arn:AWS:iam::111122223333:user/kim",
    ] {
        let policies =
            json!({ "identity": [], "trust": document(&[trust(&json!({ "AWS": name }), &json!({}))]) });
        assert_eq!(ask(&policies, "sts:AssumeRole", ROLE, &json!({})), "implicit_deny", "{name}");
    }
}

#[test]
fn j29_a_trust_that_pins_no_subject_is_seen() {
    let key = "token.actions.githubusercontent.com:sub";
    let statement = |condition: Value| {
        json!({ "Effect": "Allow", "Principal": { "Federated": GITHUB },
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition })
    };
    let pins = |condition: Value| {
        let policies = load(Kind::Trust, &statement(condition)).unwrap();
        assert_eq!(policies.trusts(GITHUB).count(), 1);
        assert_eq!(policies.trusts("accounts.google.com").count(), 0);
        policies.trusts(GITHUB).all(|view| view.pins(key))
    };
    for loose in [
        json!({}),
        json!({ "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } }),
        json!({ "StringLike": { key: "*" } }),
        json!({ "StringLike": { key: ["repo:octo/app:*", "*:octo"] } }),
        json!({ "StringEqualsIfExists": { key: "repo:octo/app:x" } }),
        json!({ "ForAllValues:StringEquals": { key: "repo:octo/app:x" } }),
        json!({ "StringNotEquals": { key: "repo:evil/app:x" } }),
    ] {
        assert!(!pins(loose.clone()), "{loose}");
    }
    assert!(pins(json!({ "StringLike": { key: "repo:octo/app:*" } })));
    assert!(pins(
        json!({ "StringEquals": { "TOKEN.actions.githubusercontent.com:SUB": "repo:octo/app:x" } })
    ));
}

#[test]
fn j31_the_context_never_says_who_asks() {
    let reserved = [
        ("aws:PrincipalArn", ROLE),
        ("aws:username", "admin"),
        ("aws:userid", "AIDAADMIN"),
        ("aws:PrincipalAccount", "444455556666"),
        ("AWS:PRINCIPALTYPE", "Account"),
    ];
    for (key, forged) in reserved {
        let document = document(&[
            json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "StringEquals": { key: forged } } }),
        ]);
        let policies = json!({ "identity": [document] });
        assert_eq!(
            ask(&policies, "s3:GetObject", "arn:aws:s3:::a", &json!({ key: forged })),
            "implicit_deny",
            "{key}"
        );
    }
    let own =
        document(&[json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}" })]);
    let policies = json!({ "identity": [own] });
    assert_eq!(
        ask(&policies, "s3:GetObject", "arn:aws:s3:::admin", &json!({ "aws:username": "admin" })),
        "implicit_deny"
    );
    assert_eq!(
        ask(&policies, "s3:GetObject", "arn:aws:s3:::kim", &json!({ "aws:username": "admin" })),
        "allow"
    );
}

#[test]
fn j32_quantifiers_and_negation_are_not_swapped() {
    let answers = [
        ("ForAllValues:StringEquals", json!(["a"]), json!(["a", "b"]), "implicit_deny"),
        ("ForAnyValue:StringEquals", json!(["a"]), json!(["a", "b"]), "allow"),
        ("ForAllValues:StringNotEquals", json!(["a"]), json!(["a", "b"]), "implicit_deny"),
        ("ForAnyValue:StringNotEquals", json!(["a"]), json!(["a", "b"]), "allow"),
        ("ForAllValues:StringEquals", json!(["a"]), json!([]), "allow"),
        ("ForAnyValue:StringEquals", json!(["a"]), json!([]), "implicit_deny"),
        ("ForAnyValue:StringNotEquals", json!(["a"]), json!([]), "implicit_deny"),
    ];
    for (operator, wanted, seen, expected) in answers {
        let condition = json!({ operator: { "aws:TagKeys": wanted } });
        let context = json!({ "aws:TagKeys": seen });
        assert_eq!(
            assume(trust(&json!({ "AWS": KIM }), &condition), &context),
            expected,
            "{operator} {context}"
        );
    }
}
