//! `AssumeRoleWithWebIdentity`: a real provider's token becomes credentials, by clients nobody here wrote.

mod corporate;
mod saml;
mod session;

use aws_sdk_sts::config::{BehaviorVersion, Region};
use serde_json::{Value, json};

use crate::harness::{Broker, Client, Idp, JAVASCRIPT, PYTHON, Site, role};

/// What every client must have got for `alice`, in the spelling that AWS's models give it.
#[track_caller]
fn assert_alice(answer: &Value, idp: &Idp) {
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        "arn:aws:sts::111122223333:assumed-role/Web/from-the-client"
    );
    assert_eq!(answer["AssumedRoleUser"]["AssumedRoleId"], "AROAWEBAAAAAAAAAAAAAB:from-the-client");
    assert_eq!(answer["SubjectFromWebIdentityToken"], "alice");
    assert_eq!(answer["Audience"], "sts.amazonaws.com");
    assert_eq!(answer["Provider"], format!("arn:aws:iam::111122223333:oidc-provider/{}", idp.name()));
    assert!(answer.get("PackedPolicySize").is_none(), "absent without policies and tags: {answer}");
    let credentials = &answer["Credentials"];
    assert!(credentials["AccessKeyId"].as_str().is_some_and(|id| id.starts_with("ASIA")), "{answer}");
    for part in ["SecretAccessKey", "SessionToken", "Expiration"] {
        assert!(credentials[part].as_str().is_some_and(|text| text.len() > 18), "{part}: {answer}");
    }
}

fn arguments(idp: &Idp) -> Value {
    json!({ "RoleArn": role("Web"), "RoleSessionName": "from-the-client", "WebIdentityToken": idp.token("alice") })
}

#[test]
fn boto3_gets_credentials_from_a_real_providers_token() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    assert_alice(&PYTHON().at(&broker).ask("web_identity", &arguments(idp)), idp);
}

#[test]
fn the_javascript_sdk_gets_credentials_from_a_real_providers_token() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    assert_alice(&JAVASCRIPT().at(&broker).ask("web_identity", &arguments(idp)), idp);
}

#[test]
fn the_aws_cli_gets_credentials_from_a_real_providers_token() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    let (role, token) = (role("Web"), idp.token("alice"));
    let names =
        ["--role-arn", &role, "--role-session-name", "from-the-client", "--web-identity-token", &token];
    let command = [&["sts", "assume-role-with-web-identity"], &names[..]].concat();
    let (code, output, errors) = Client::aws_cli(&broker.url()).run(&command);
    assert_eq!(code, Some(0), "{errors}");
    assert_alice(&serde_json::from_str(&output).expect("its JSON"), idp);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_gets_credentials_from_a_real_providers_token() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    let answer = rust_client(&broker)
        .assume_role_with_web_identity()
        .role_arn(role("Web"))
        .role_session_name("from-the-client")
        .web_identity_token(idp.token("alice"))
        .send()
        .await
        .expect("credentials");
    assert_eq!(answer.subject_from_web_identity_token(), Some("alice"));
    assert_eq!(answer.audience(), Some("sts.amazonaws.com"));
    let user = answer.assumed_role_user().expect("a user");
    assert_eq!(user.arn(), "arn:aws:sts::111122223333:assumed-role/Web/from-the-client");
    assert!(answer.credentials().is_some_and(|credentials| credentials.access_key_id().starts_with("ASIA")));
}

/// The Rust SDK over plain http, without credentials.
pub(crate) fn rust_client(broker: &Broker) -> aws_sdk_sts::Client {
    aws_sdk_sts::Client::from_conf(rust_config(broker).build())
}

/// Its configuration, before credentials.
pub(crate) fn rust_config(broker: &Broker) -> aws_sdk_sts::config::Builder {
    aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(broker.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
}

#[test]
fn a_token_file_is_all_that_boto3_and_the_javascript_sdk_need() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    for client in [PYTHON, JAVASCRIPT] {
        let client = client().at(&broker).with_token_file(&idp.token("alice"), &role("Web"));
        let answer = client.ask("from_token_file", &json!({}));
        assert_eq!(answer["Arn"], "arn:aws:sts::111122223333:assumed-role/Web/from-a-file", "{answer}");
    }
}

#[test]
fn a_sign_in_works_after_the_provider_rotates_its_key() {
    let idp = Idp::start();
    let site = Site::with_idp(&idp);
    let broker = site.start();
    broker.assume(&idp.token("alice"), &role("Web"));
    idp.rotate();
    broker.assume(&idp.token("alice"), &role("Web"));
    assert_eq!(idp.fetches(), 2, "each key set is fetched once");
}

#[test]
fn a_token_for_another_client_of_the_provider_is_refused() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    let answer = broker.assume_with(&idp.token_for("another-client", "alice"), &role("Web"), &[]);
    crate::harness::assert_refused(&answer, 400, "InvalidIdentityToken", "Incorrect token audience");
}

#[test]
fn an_account_that_the_trust_policy_does_not_name_is_refused() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    let answer = broker.assume_with(&idp.token("mallory"), &role("Web"), &[]);
    let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    crate::harness::assert_refused(&answer, 403, "AccessDenied", message);
}
