//! Requests for a role, or with a session, that policy must not allow.

use serde_json::{Value, json};

use crate::harness::{ACCOUNT, Broker, Credentials, PYTHON, S3, Site, assert_refused, role};

const DENIED: &str = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
const UNKNOWN: &str = "The security token included in the request is invalid.";

/// The status that a client sees for reading an object.
fn reading(broker: &Broker, s3: &S3, credentials: &Credentials, key: &str) -> u64 {
    let client = PYTHON().at(broker).with(credentials).storing_at(s3);
    let answer = client.ask("get_object", &json!({ "Bucket": "reports", "Key": key }));
    answer["ResponseMetadata"]["HTTPStatusCode"].as_u64().unwrap_or_else(|| panic!("no status: {answer}"))
}

fn policy(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// A broker, its S3 service, and an object `plans/a`.
fn storing() -> (Site, Broker, S3) {
    let site = Site::new();
    let broker = site.start();
    let s3 = S3::start(&site, &broker);
    std::fs::create_dir_all(site.path("buckets/reports/plans")).expect("a folder");
    std::fs::write(site.path("buckets/reports/plans/a"), "text").expect("an object");
    (site, broker, s3)
}

#[test]
fn t09_t11_a_session_policy_never_widens_and_a_lone_deny_allows_nothing() {
    let (site, broker, s3) = storing();
    let token = site.issuer.token("plant:a");
    let wide = json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]);
    let narrow =
        json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/other/*" }]);
    let deny = json!([{ "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*" }]);
    for (statements, key, status) in [
        (&wide, "plans/a", 200),
        (&wide, "secret/a", 403),
        (&narrow, "plans/a", 403),
        (&deny, "plans/a", 403),
    ] {
        let answer = broker.assume_with(&token, &role("Deploy"), &[("Policy", &policy(statements))]);
        assert_eq!(reading(&broker, &s3, &Credentials::of(&answer), key), status, "{statements} {key}");
    }
}

#[test]
fn t14_t10_a_deny_wins_wherever_it_stands() {
    let (site, broker, s3) = storing();
    std::fs::create_dir_all(site.path("buckets/reports/secret")).expect("a folder");
    std::fs::write(site.path("buckets/reports/secret/a"), "text").expect("an object");
    let token = site.issuer.token("plant:a");
    let credentials = broker.assume(&token, &role("Deploy"));
    assert_eq!(reading(&broker, &s3, &credentials, "secret/a"), 403);
    assert_eq!(reading(&broker, &s3, &credentials, "plans/a"), 200);
    let both = json!([
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/plans/*" },
    ]);
    let answer = broker.assume_with(&token, &role("Deploy"), &[("Policy", &policy(&both))]);
    assert_eq!(reading(&broker, &s3, &Credentials::of(&answer), "plans/a"), 403);
}

#[test]
fn t12_t13_session_policies_that_are_hostile() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let stars = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}", "a*".repeat(900)) }]);
    let twice = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let unknown = json!([{ "Effect": "Allow", "Action": "*", "Resource": "*", "Unless": {} }]);
    for document in [twice.to_owned(), policy(&unknown), "[".repeat(2_000)] {
        let answer = broker.assume_with(&token, &role("Deploy"), &[("Policy", &document)]);
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("MalformedPolicyDocument")),
            "{document}: {answer:?}"
        );
    }
    let answer = broker.assume_with(&token, &role("Deploy"), &[("Policy", &policy(&stars))]);
    assert!([200, 400].contains(&answer.status), "{answer:?}");
    let huge = format!(
        "{}{}",
        policy(&json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }])),
        " ".repeat(300_000)
    );
    assert_eq!(broker.assume_with(&token, &role("Deploy"), &[("Policy", &huge)]).status, 400);
}

#[test]
fn t12_a_token_of_tags_beyond_what_a_session_may_carry() {
    let site = Site::new();
    let broker = site.start();
    let tags: serde_json::Map<String, Value> =
        (0..50).map(|number| (format!("key{number}"), json!(["v".repeat(256)]))).collect();
    let claims = json!({ "https://aws.amazon.com/tags": { "principal_tags": tags } });
    let answer = broker.assume_with(&site.issuer.token_with("plant:a", claims), &role("Deploy"), &[]);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("PackedPolicyTooLarge")),
        "{answer:?}"
    );
}

#[test]
fn t15_a_session_is_its_own_and_nobody_elses() {
    let site = Site::new();
    let broker = site.start();
    let first =
        broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &[("RoleSessionName", "first")]);
    let second =
        broker.assume_with(&site.issuer.token("plant:b"), &role("Plain"), &[("RoleSessionName", "second")]);
    let (first, second) = (Credentials::of(&first), Credentials::of(&second));
    assert!(broker.caller(&first).body.contains("assumed-role/Deploy/first"));
    assert!(broker.caller(&second).body.contains("assumed-role/Plain/second"));
}

#[test]
fn t18_a_role_of_another_account() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let stranger = "arn:aws:iam::444455556666:role/Stranger";
    let credentials = broker.assume(&token, stranger);
    assert!(
        broker.caller(&credentials).body.contains("arn:aws:sts::444455556666:assumed-role/Stranger/session")
    );
    let sessions = broker.run(&site, &["sessions", "revoke", "--account", ACCOUNT]);
    assert_eq!(sessions.code, Some(0), "{sessions:?}");
    assert_eq!(broker.caller(&credentials).status, 200, "another account's revocation does not reach it");
}

#[test]
fn t19_names_in_another_case() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    for name in ["deploy", "DEPLOY"] {
        assert_refused(&broker.assume_with(&token, &role(name), &[]), 403, "AccessDenied", DENIED);
    }
    assert_refused(
        &broker.assume_with(&site.issuer.token("PLANT:a"), &role("Deploy"), &[]),
        403,
        "AccessDenied",
        DENIED,
    );
    broker.assume(&token, &role("Deploy"));
}

#[test]
fn t20_dots_and_slashes_in_names_and_arns() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    for name in ["../Deploy", "x/../Deploy", "%2e%2e/Deploy", "Deploy/"] {
        let answer = broker.assume_with(&token, &role(name), &[]);
        assert!([400, 403].contains(&answer.status), "{name}: {answer:?}");
    }
    assert_eq!(broker.assume_with(&token, &role("Deploy"), &[("RoleSessionName", "../a")]).status, 400);
}

#[test]
fn t24_access_key_ids_never_repeat_or_follow_each_other() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let ids: std::collections::BTreeSet<String> =
        (0..20).map(|_| broker.assume(&token, &role("Deploy")).access_key_id).collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.iter().all(|id| id.len() == 20 && id.starts_with("ASIA")), "{ids:?}");
    // Five bits a character: 16 characters after the prefix hold 80 bits, so shared beginnings mean a counter.
    let beginnings: std::collections::BTreeSet<&str> = ids.iter().map(|id| &id[4..9]).collect();
    assert!(beginnings.len() >= 19, "{ids:?}");
}

#[test]
fn t16_a_role_recreated_under_its_old_name() {
    let site = Site::new();
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Plain"));
    let file = "directory/111122223333/roles/Plain/role.toml";
    site.write(file, &site.read(file).replace("AROAPLAINAAAAAAAAAAAB", "AROAPLAINAAAAAAAAAAA2"));
    broker.reloaded();
    assert_refused(&broker.caller(&credentials), 403, "InvalidClientTokenId", UNKNOWN);
    let anew = broker.assume(&site.issuer.token("plant:a"), &role("Plain"));
    assert!(broker.caller(&anew).body.contains("AROAPLAINAAAAAAAAAAA2:session"));
}

#[test]
fn k02_a_role_that_is_missing_and_one_that_denies_look_the_same() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("mallory");
    let [missing, denied] =
        [role("Missing"), role("Deploy")].map(|role| broker.assume_with(&token, &role, &[]));
    assert_refused(&missing, 403, "AccessDenied", DENIED);
    assert_refused(&denied, 403, "AccessDenied", DENIED);
    let names = |answer: &crate::harness::Answer| {
        answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&missing), names(&denied));
    assert_eq!(missing.body.len(), denied.body.len());
}

#[test]
fn t21_a_development_keyring_in_production() {
    let site = Site::new();
    site.keyring();
    let honest = site.read("keyring");
    site.write("keyring", &format!("development = true\n{honest}"));
    let served = crate::harness::Ran::of(&site, &["serve", "--config", "daypass.toml"]);
    assert_eq!(served.code, Some(1), "{served:?}");
    assert!(served.errors.contains("keyring"), "{served:?}");
    site.write("keyring", &honest);
    site.start();
}
