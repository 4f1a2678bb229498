//! `GetCallerIdentity`: every client learns who it is, by signed headers and by a presigned URL.

use aws_sdk_sts::config::Credentials as RustCredentials;
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Broker, Client, Credentials, JAVASCRIPT, PYTHON, Site, role},
    sign_in::rust_config,
};

const ARN: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/session";
const USER_ID: &str = "AROADEPLOYAAAAAAAAAAB:session";

fn signed_in() -> (Site, Broker, Credentials) {
    let site = Site::new();
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    (site, broker, credentials)
}

#[track_caller]
fn assert_me(answer: &Value) {
    assert_eq!(answer["Arn"], ARN, "{answer}");
    assert_eq!(answer["UserId"], USER_ID);
    assert_eq!(answer["Account"], "111122223333");
}

#[track_caller]
fn assert_me_in_xml(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.element("Arn").as_deref(), Some(ARN));
    assert_eq!(answer.element("UserId").as_deref(), Some(USER_ID));
    assert_eq!(answer.element("Account").as_deref(), Some("111122223333"));
}

#[test]
fn boto3_and_the_javascript_sdk_learn_who_they_are() {
    let (_site, broker, credentials) = signed_in();
    for client in [PYTHON, JAVASCRIPT] {
        assert_me(&client().at(&broker).with(&credentials).ask("caller", &json!({})));
    }
}

#[test]
fn the_aws_cli_learns_who_it_is() {
    let (_site, broker, credentials) = signed_in();
    let client = Client::aws_cli(&broker.url()).with(&credentials);
    let (code, output, errors) = client.run(&["sts", "get-caller-identity"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_me(&serde_json::from_str(&output).expect("its JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_learns_who_it_is() {
    let (_site, broker, credentials) = signed_in();
    let given = RustCredentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        None,
        "test",
    );
    let client = aws_sdk_sts::Client::from_conf(rust_config(&broker).credentials_provider(given).build());
    let answer = client.get_caller_identity().send().await.expect("an answer");
    assert_eq!(answer.arn(), Some(ARN));
    assert_eq!(answer.user_id(), Some(USER_ID));
}

#[test]
fn a_presigned_url_of_boto3_works_for_whoever_holds_it() {
    let (_site, broker, credentials) = signed_in();
    let made = PYTHON().at(&broker).with(&credentials).ask("presigned_caller", &json!({}));
    let url = made["url"].as_str().expect("a URL");
    let path = url.strip_prefix(&broker.url()).expect("its base URL");
    assert_me_in_xml(&broker.request(&format!("GET {path}"), &[], ""));
}

#[test]
fn a_signed_form_is_answered_in_the_envelope_of_sts() {
    let (_site, broker, credentials) = signed_in();
    let answer = broker.caller(&credentials);
    assert_me_in_xml(&answer);
    let envelope = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">";
    assert!(answer.body.contains(envelope), "{}", answer.body);
    assert_eq!(answer.header("x-amzn-requestid"), answer.element("RequestId").as_deref());
}
