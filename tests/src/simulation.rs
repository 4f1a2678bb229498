//! IAM's simulation by real clients, within its budget, and in the audit trail.

use serde_json::{Value, json};

use crate::harness::{Broker, Client, Credentials, PYTHON, Site, document, role};

const VERSION: (&str, &str) = ("Version", "2010-05-08");
const READ: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::reports/*"}}"#;

/// Adds the role `Auditor`, which may simulate any role of its account but `Plain`.
pub(crate) fn auditor(site: &Site) {
    let simulate = json!([
        { "Effect": "Allow", "Action": ["iam:Simulate*", "iam:GetContextKeys*"], "Resource": "*" },
        { "Effect": "Deny", "Action": "iam:SimulatePrincipalPolicy", "Resource": role("Plain") },
    ]);
    let trust = site.trust("111122223333", &["AssumeRoleWithWebIdentity"]);
    site.role("Auditor", "AROAAUDITORAAAAAAAAAB", "1h", &trust, &simulate);
}

fn signed_in() -> (Site, Broker, Credentials) {
    let site = Site::new();
    auditor(&site);
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Auditor"));
    (site, broker, credentials)
}

fn decisions(answer: &Value) -> Vec<(String, String)> {
    let results = answer["EvaluationResults"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    results.iter().map(|one| (text(&one["EvalActionName"]), text(&one["EvalDecision"]))).collect()
}

#[test]
fn boto3_asks_beforehand_what_a_role_may_do() {
    let (_site, broker, credentials) = signed_in();
    let ask = |call: &str, parameters: Value| {
        let arguments = json!({ "call": call, "parameters": parameters });
        PYTHON().at(&broker).with(&credentials).ask("iam", &arguments)
    };
    let answer = ask(
        "simulate_principal_policy",
        json!({ "PolicySourceArn": role("Deploy"), "ActionNames": ["s3:GetObject", "s3:DeleteObject"],
            "ResourceArns": ["arn:aws:s3:::reports/a"] }),
    );
    let expected = [("s3:GetObject", "allowed"), ("s3:DeleteObject", "implicitDeny")];
    assert_eq!(decisions(&answer), expected.map(|(action, word)| (action.to_owned(), word.to_owned())));
    assert_eq!(answer["IsTruncated"], false);
    let matched = &answer["EvaluationResults"][0]["MatchedStatements"][0];
    assert_eq!(
        (&matched["SourcePolicyId"], &matched["SourcePolicyType"]),
        (&json!("role_Deploy_Main"), &json!("role"))
    );
    assert!(matched["StartPosition"]["Line"].is_number() && matched["EndPosition"]["Column"].is_number());

    let keys = ask("get_context_keys_for_principal_policy", json!({ "PolicySourceArn": role("Deploy") }));
    assert_eq!(keys["ContextKeyNames"], json!([]));
    let denied = ask(
        "simulate_principal_policy",
        json!({ "PolicySourceArn": role("Plain"), "ActionNames": ["s3:GetObject"] }),
    );
    assert_eq!((&denied["Error"]["Code"], &denied["status"]), (&json!("AccessDenied"), &json!(403)));
}

fn outcomes(answer: &Value) -> Vec<String> {
    decisions(answer).into_iter().map(|(_, decision)| decision).collect()
}

/// Adds the user `kim`, one of the builders, whom the organization lets do nothing but S3.
fn with_kim(site: &Site) {
    let files = [
        (
            "111122223333/users/kim/user.toml",
            "id = \"AIDAKIMKIMKIMKIMKIMKI\"\ngroups = [\"builders\"]\n".to_owned(),
        ),
        ("111122223333/users/kim/policies/Own.json", READ.to_owned()),
        ("111122223333/groups/builders/group.toml", "id = \"AGPABUILDERSBUILDERSB\"\n".to_owned()),
        ("111122223333/groups/builders/policies/Put.json", READ.replace("s3:Get*", "*")),
        (
            "organization.toml",
            "[root]\naccounts = [\"111122223333\"]\nscps = [\"FullAWSAccess\", \"S3\"]\n".to_owned(),
        ),
        (
            "organization/scps/S3.json",
            document(&json!([{ "Effect": "Deny", "NotAction": ["s3:*", "iam:*"], "Resource": "*" }])),
        ),
    ];
    files.iter().for_each(|(name, text)| site.write(&format!("directory/{name}"), text));
}

#[test]
fn boto3_asks_what_a_user_and_a_group_may_do_within_the_organization() {
    let site = Site::new();
    auditor(&site);
    with_kim(&site);
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Auditor"));
    let ask = |call: &str, parameters: Value| {
        let arguments = json!({ "call": call, "parameters": parameters });
        PYTHON().at(&broker).with(&credentials).ask("iam", &arguments)
    };
    let of = |entity: &str| {
        let parameters = json!({ "PolicySourceArn": format!("arn:aws:iam::111122223333:{entity}"),
            "ActionNames": ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"], "ResourceArns": ["arn:aws:s3:::reports/a"] });
        ask("simulate_principal_policy", parameters)
    };
    let (user, group) = (of("user/kim"), of("group/builders"));
    for answer in [&user, &group] {
        assert_eq!(outcomes(answer), ["allowed", "allowed", "explicitDeny"]);
        let within = |index: usize| answer["EvaluationResults"][index]["OrganizationsDecisionDetail"].clone();
        assert_eq!(within(0), json!({ "AllowedByOrganizations": true }), "{answer}");
        assert_eq!(within(2), json!({ "AllowedByOrganizations": false }));
    }
    let sources = |answer: &Value, index: usize| -> Vec<String> {
        let matched = answer["EvaluationResults"][index]["MatchedStatements"].as_array().expect("statements");
        matched.iter().map(|one| format!("{} {}", one["SourcePolicyId"], one["SourcePolicyType"])).collect()
    };
    assert_eq!(sources(&user, 0), ["\"user_kim_Own\" \"user\"", "\"group_builders_Put\" \"group\""]);
    assert_eq!(sources(&group, 0), ["\"group_builders_Put\" \"group\""]);
    let unknown = of("user/lee");
    assert_eq!((&unknown["Error"]["Code"], &unknown["status"]), (&json!("NoSuchEntity"), &json!(404)));
    let keys = ask(
        "get_context_keys_for_principal_policy",
        json!({ "PolicySourceArn": "arn:aws:iam::111122223333:group/builders" }),
    );
    assert_eq!(keys["ContextKeyNames"], json!([]));

    let levels = |allowed: &[&str]| -> Value {
        let policy = |action: &&str| READ.replace("s3:Get*", action).replace("arn:aws:s3:::reports/*", "*");
        let level = |action: &&str| json!({ "ServiceControlPolicyInputList": [policy(action)] });
        let levels: Vec<Value> = allowed.iter().map(level).collect();
        json!({ "PolicyInputList": [READ], "ActionNames": ["s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::reports/a"], "OrderedOrganizationPolicyInputList": levels })
    };
    for (allowed, outcome, within) in [
        (["*", "s3:*"], "allowed", true),
        (["*", "sqs:*"], "implicitDeny", false),
        (["sqs:*", "*"], "implicitDeny", false),
    ] {
        let answer = ask("simulate_custom_policy", levels(&allowed));
        assert_eq!(outcomes(&answer), [outcome], "{answer}");
        let detail = &answer["EvaluationResults"][0]["OrganizationsDecisionDetail"];
        assert_eq!(detail, &json!({ "AllowedByOrganizations": within }));
    }
    let deep = ask("simulate_custom_policy", levels(&["*"; 8]));
    let message = "1 validation error detected: Value null at 'orderedOrganizationPolicyInputList' failed to satisfy \
                   constraint: Member must have length less than or equal to 7";
    assert_eq!(deep["Error"]["Message"], message);
}

#[test]
fn the_aws_cli_simulates_policies_that_are_nobodys_yet() {
    let (_site, broker, credentials) = signed_in();
    let run = |arguments: &[&str]| {
        let (code, output, errors) = Client::aws_cli(&broker.url()).with(&credentials).run(arguments);
        assert_eq!(code, Some(0), "{errors}");
        serde_json::from_str::<Value>(&output).expect("its JSON")
    };
    let answer = run(&[
        "iam",
        "simulate-custom-policy",
        "--policy-input-list",
        READ,
        "--action-names",
        "s3:GetObject",
        "s3:PutObject",
        "--resource-arns",
        "arn:aws:s3:::reports/a",
        "--context-entries",
        "ContextKeyName=aws:SourceIp,ContextKeyValues=192.0.2.7,ContextKeyType=ip",
    ]);
    let expected = [("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")];
    assert_eq!(decisions(&answer), expected.map(|(action, word)| (action.to_owned(), word.to_owned())));
    let answer = run(&[
        "iam",
        "simulate-principal-policy",
        "--policy-source-arn",
        &role("Deploy"),
        "--action-names",
        "s3:ListBucket",
        "--resource-arns",
        "arn:aws:s3:::reports",
    ]);
    assert_eq!(decisions(&answer), [("s3:ListBucket".to_owned(), "allowed".to_owned())]);
    let keys = run(&["iam", "get-context-keys-for-custom-policy", "--policy-input-list", READ]);
    assert_eq!(keys["ContextKeyNames"], json!([]));
}

/// Asks `actions` on `resources` by the policies; pages are followed as clients do.
fn simulate(
    broker: &Broker,
    credentials: &Credentials,
    policy: &str,
    actions: usize,
    resources: usize,
) -> Result<(usize, usize), (u16, String, String)> {
    let (mut pages, mut answered, mut marker) = (0, 0, None::<String>);
    loop {
        let list = |name: &str, value: &str, count: usize| -> Vec<(String, String)> {
            (1..=count).map(|n| (format!("{name}.member.{n}"), format!("{value}{n}"))).collect()
        };
        let mut fields = list("ActionNames", "s3:Get", actions);
        fields.extend(list("ResourceArns", "arn:aws:s3:::reports/", resources));
        fields.extend(marker.take().map(|marker| ("Marker".to_owned(), marker)));
        let mut pairs =
            vec![("Action", "SimulateCustomPolicy"), VERSION, ("PolicyInputList.member.1", policy)];
        pairs.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let answer = broker.signed_for("iam", credentials, &pairs);
        if answer.status != 200 {
            return Err(answer.refusal());
        }
        pages += 1;
        answered += answer.body.matches("<EvalResourceDecision>allowed<").count();
        marker = answer.element("Marker");
        if marker.is_none() {
            return Ok((pages, answered));
        }
    }
}

#[test]
fn what_is_asked_at_once_is_bounded_and_comes_in_pages() {
    let (_site, broker, credentials) = signed_in();
    let ask = |policy: &str, actions, resources| simulate(&broker, &credentials, policy, actions, resources);
    assert_eq!(ask(READ, 2, 2), Ok((1, 4)));
    assert_eq!(ask(READ, 150, 20), Ok((3, 3_000)), "50 actions on 20 resources are 1,000 questions");
    let statement = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#;
    let large =
        |count| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![statement; count].join(",\n"));
    assert_eq!(ask(&large(180), 8, 20), Ok((8, 160)), "a large policy makes pages short");
    let (status, code, message) = ask(&large(180), 1, 300).expect_err("too many resources for its size");
    assert_eq!((status, code.as_str()), (400, "InvalidInput"));
    assert!(message.starts_with("At most "), "{message}");
    let (status, code, message) = ask(&large(400), 1, 1).expect_err("a policy over size");
    assert_eq!((status, code.as_str()), (400, "InvalidInput"));
    assert!(message.contains("Maximum policy size of 10240 bytes exceeded"), "{message}");
    let (status, code, message) = ask(&format!("{READ}{}", " ".repeat(131_072)), 1, 1).expect_err("too long");
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert!(message.ends_with("Member must have length less than or equal to 131072"), "{message}");
    let (status, code, message) = ask(READ, 500, 1).expect_err("more fields than any request has");
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (400, "ValidationError", "more than 500 parameters")
    );
}

#[test]
fn t12_long_texts_and_searching_patterns_make_pages_shorter() {
    let (_site, broker, credentials) = signed_in();
    let search = format!("arn:aws:s3:::*{}*", "a?".repeat(30));
    let policy = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*",
        "Resource": [search, "arn:aws:s3:::*"] } });
    let pages = |characters: usize| {
        let resource = format!("arn:aws:s3:::{}", "r".repeat(characters));
        let mut fields = vec![
            ("Action".to_owned(), "SimulateCustomPolicy".to_owned()),
            ("Version".to_owned(), VERSION.1.to_owned()),
            ("PolicyInputList.member.1".to_owned(), policy.to_string()),
            ("ResourceArns.member.1".to_owned(), resource),
        ];
        fields.extend((1..=60).map(|n| (format!("ActionNames.member.{n}"), format!("s3:Get{n}"))));
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = broker.signed_for("iam", &credentials, &pairs);
        assert_eq!(answer.status, 200);
        answer.body.matches("<EvalResourceDecision>allowed<").count()
    };
    assert_eq!(pages(20), 60);
    assert_eq!(pages(2_000), 17);
}

#[test]
fn what_is_supposed_at_once_is_bounded() {
    let (_site, broker, credentials) = signed_in();
    let ask = |values: usize| {
        let value = "v".repeat(1_000);
        let names: Vec<_> =
            (1..=values).map(|n| format!("ContextEntries.member.1.ContextKeyValues.member.{n}")).collect();
        let mut fields = vec![
            ("Action", "SimulateCustomPolicy"),
            VERSION,
            ("PolicyInputList.member.1", READ),
            ("ActionNames.member.1", "s3:GetObject"),
            ("ContextEntries.member.1.ContextKeyName", "aws:TagKeys"),
            ("ContextEntries.member.1.ContextKeyType", "stringList"),
        ];
        fields.extend(names.iter().map(|name| (name.as_str(), value.as_str())));
        broker.signed_for("iam", &credentials, &fields).refusal()
    };
    assert_eq!(ask(7).0, 200);
    let message = "ContextEntries has too many values, or too long ones.";
    assert_eq!(ask(8), (400, "InvalidInput".to_owned(), message.to_owned()));
}

#[test]
fn every_question_is_in_the_audit_trail() {
    let (site, mut broker, credentials) = signed_in();
    let ask = |broker: &Broker, source: &str| {
        let fields = [
            ("Action", "SimulatePrincipalPolicy"),
            VERSION,
            ("PolicySourceArn", source),
            ("ActionNames.member.1", "s3:GetObject"),
        ];
        let answer = broker.signed_for("iam", &credentials, &fields);
        (answer.status, answer.element("RequestId").expect("a request id"))
    };
    let (deploy, plain, nobody) = (role("Deploy"), role("Plain"), role("Nobody"));
    let asked =
        [(200, None, &deploy), (403, Some("AccessDenied"), &plain), (404, Some("NoSuchEntity"), &nobody)];
    let answers = asked.map(|(status, code, source)| (status, code, source, ask(&broker, source)));
    assert_eq!(broker.stop(), Some(0));
    let trail = site.read("audit.jsonl") + &site.read("refusals.jsonl");
    for (status, code, source, (answered, request)) in answers {
        assert_eq!(answered, status);
        let line = trail.lines().find(|line| line.contains(&request)).expect("a line of the trail");
        let event: Value = serde_json::from_str(line).expect("its JSON");
        assert_eq!(event["eventSource"], "iam.amazonaws.com", "{line}");
        assert_eq!(event["eventName"], "SimulatePrincipalPolicy");
        assert_eq!(event["requestParameters"]["resource"], source.as_str());
        assert_eq!(event["errorCode"].as_str(), code, "{line}");
        assert!(line.contains("assumed-role/Auditor/session"), "{line}");
    }
}
