//! What a sign-in asks for and what its session gets: duration, tags, source identity, session policies, both forms.

use jiff::Timestamp;
use serde_json::json;

use crate::harness::{Credentials, Idp, PYTHON, S3, Site, assert_refused, document, form, now, role};

const NAMESPACE: &str =
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">";

#[test]
fn the_answer_has_the_envelope_and_headers_of_sts() {
    let site = Site::new();
    let broker = site.start();
    let answer = broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(NAMESPACE), "{}", answer.body);
    assert!(answer.body.contains("<AssumeRoleWithWebIdentityResult>"), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    let id = answer.element("RequestId").expect("a request id");
    assert_eq!(answer.header("x-amzn-requestid"), Some(id.as_str()));
    assert!(id.len() == 36 && id.split('-').count() == 5, "not a UUID: {id}");
    assert!(answer.header("date").is_some(), "SDKs correct their clocks by it");
}

#[test]
fn a_sign_in_by_get_works_as_by_post() {
    let site = Site::new();
    let broker = site.start();
    let (token, role) = (site.issuer.token("plant:a"), role("Deploy"));
    let query = form(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &role),
        ("RoleSessionName", "by-get"),
        ("WebIdentityToken", &token),
    ]);
    let answer = broker.request(&format!("GET /?{query}"), &[], "");
    let credentials = Credentials::of(&answer);
    assert!(broker.caller(&credentials).body.contains("assumed-role/Deploy/by-get"));
}

#[test]
fn a_session_lasts_an_hour_unless_asked_otherwise() {
    let site = Site::new();
    let broker = site.start();
    for (asked, seconds) in [(None, 3600), (Some("900"), 900), (Some("43200"), 43_200), (Some("+0901"), 901)]
    {
        let more: Vec<(&str, &str)> = asked.map(|asked| ("DurationSeconds", asked)).into_iter().collect();
        let answer = broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &more);
        let expiration: Timestamp = Credentials::of(&answer).expiration.parse().expect("a timestamp");
        let lasts = expiration.as_second() - now().as_second();
        assert!((seconds - 10..=seconds).contains(&lasts), "{asked:?}: {lasts} s");
    }
}

#[test]
fn t04_a_duration_beyond_the_roles_maximum() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let answer = broker.assume_with(&token, &role("Plain"), &[("DurationSeconds", "3601")]);
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_refused(&answer, 400, "ValidationError", message);
    Credentials::of(&broker.assume_with(&token, &role("Plain"), &[("DurationSeconds", "3600")]));
}

#[test]
fn tags_and_source_identity_of_the_token_reach_the_session() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let own = "arn:aws:s3:::reports/${aws:PrincipalTag/team}/*";
    let policy = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": own }]);
    site.write("directory/111122223333/roles/Web/policies/Main.json", &document(&policy));
    let broker = site.start();
    let answer = broker.assume_with(&idp.token("tagged"), &role("Web"), &[]);
    let credentials = Credentials::of(&answer);
    assert_eq!(answer.element("SourceIdentity").as_deref(), Some("alice"));
    let packed: u32 = answer.element("PackedPolicySize").and_then(|size| size.parse().ok()).expect("a size");
    assert!((1..=100).contains(&packed));
    assert_eq!(
        answer.element("SessionTokenUtilization").as_deref(),
        answer.element("PackedPolicySize").as_deref()
    );
    let sessions = broker.json(&site, &["sessions", "list"]);
    assert_eq!(sessions[0]["source_identity"], "alice", "{sessions}");
    let s3 = S3::start(&site, &broker);
    std::fs::create_dir_all(site.path("buckets/reports/core")).expect("a folder");
    std::fs::write(site.path("buckets/reports/core/a"), "text").expect("an object");
    for (key, status) in [("core/a", 200), ("other/a", 403)] {
        let client = PYTHON().at(&broker).with(&credentials).storing_at(&s3);
        let answer = client.ask("get_object", &json!({ "Bucket": "reports", "Key": key }));
        assert_eq!(answer["ResponseMetadata"]["HTTPStatusCode"], status, "{answer}");
    }
    let flattened = broker.assume_with(&idp.token("flattened"), &role("Web"), &[]);
    assert!(flattened.element("PackedPolicySize").is_some(), "{}", flattened.body);
}

#[test]
fn t07_tags_without_the_right_to_tag() {
    let site = Site::new();
    let broker = site.start();
    let tags = json!({ "https://aws.amazon.com/tags": { "principal_tags": { "team": ["core"] } } });
    let token = site.issuer.token_with("plant:a", tags);
    let answer = broker.assume_with(&token, &role("Plain"), &[]);
    assert_refused(&answer, 403, "AccessDenied", "Not authorized to perform sts:TagSession");
    Credentials::of(&broker.assume_with(&token, &role("Deploy"), &[]));
}

#[test]
fn t08_a_source_identity_without_the_right_to_set_it() {
    let site = Site::new();
    let broker = site.start();
    let token =
        site.issuer.token_with("plant:a", json!({ "https://aws.amazon.com/source_identity": "root" }));
    let answer = broker.assume_with(&token, &role("Plain"), &[]);
    assert_refused(&answer, 403, "AccessDenied", "Not authorized to perform sts:SetSourceIdentity");
    Credentials::of(&broker.assume_with(&token, &role("Deploy"), &[]));
}

#[test]
fn managed_and_inline_session_policies_are_measured() {
    let site = Site::new();
    let shared =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    site.write("directory/111122223333/policies/Read.json", shared);
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let arn = "arn:aws:iam::111122223333:policy/Read";
    let more = [("Policy", shared), ("PolicyArns.member.1.arn", arn)];
    let answer = broker.assume_with(&token, &role("Deploy"), &more);
    Credentials::of(&answer);
    assert!(answer.element("PackedPolicySize").is_some(), "{}", answer.body);
    let foreign = [("PolicyArns.member.1.arn", "arn:aws:iam::444455556666:policy/Read")];
    assert_eq!(broker.assume_with(&token, &role("Deploy"), &foreign).status, 400);
}
