//! `AssumeRoleWithSAML` by clients nobody here wrote, and what the session is worth.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest;
use serde_json::{Value, json};

use crate::harness::{
    Broker, Client, Credentials, PYTHON, SamlIdp, Site, assert_refused, role,
    saml::{ENTITY, FORMS, RECIPIENT, Signed, assertion, provider_arn, with_attribute},
};

fn serving() -> (Site, Broker, &'static SamlIdp) {
    let idp = SamlIdp::shared();
    let site = Site::new();
    site.trust_saml(idp, "idp_initiated = true\n");
    let broker = site.start();
    (site, broker, idp)
}

/// What every client must have got for `kim`, in the spelling that AWS's models give it.
#[track_caller]
fn assert_kim(answer: &Value) {
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/Engineer/kim");
    assert_eq!(answer["AssumedRoleUser"]["AssumedRoleId"], "AROAENGINEERAAAAAAAAB:kim");
    assert_eq!(answer["Subject"], "kim");
    assert_eq!(answer["SubjectType"], "persistent");
    assert_eq!(answer["Issuer"], ENTITY);
    assert_eq!(answer["Audience"], RECIPIENT);
    let qualifier =
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{ENTITY}111122223333/Corp").as_bytes());
    assert_eq!(answer["NameQualifier"], STANDARD.encode(qualifier));
    assert!(answer.get("PackedPolicySize").is_none(), "absent without policies and tags: {answer}");
    assert!(
        answer["Credentials"]["SessionToken"].as_str().is_some_and(|token| token.len() > 100),
        "{answer}"
    );
}

#[test]
fn boto3_gets_credentials_for_a_saml_assertion() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let response = STANDARD.encode(idp.response(form));
        let arguments =
            json!({ "RoleArn": role("Engineer"), "PrincipalArn": provider_arn(), "SAMLAssertion": response });
        assert_kim(&PYTHON().at(&broker).ask("saml", &arguments));
    }
}

#[test]
fn the_aws_cli_gets_credentials_for_a_saml_assertion() {
    let (_site, broker, idp) = serving();
    let (role, provider, response) =
        (role("Engineer"), provider_arn(), STANDARD.encode(idp.response(Signed::Both)));
    let names = ["--role-arn", &role, "--principal-arn", &provider, "--saml-assertion", &response];
    let command = [&["sts", "assume-role-with-saml"], &names[..]].concat();
    let (code, output, errors) = Client::aws_cli(&broker.url()).run(&command);
    assert_eq!(code, Some(0), "{errors}");
    assert_kim(&serde_json::from_str(&output).expect("its JSON"));
}

#[test]
fn a_session_carries_what_the_assertion_said() {
    let (site, broker, idp) = serving();
    let text = with_attribute(&assertion(), "PrincipalTag:team", &["core"]);
    let text = with_attribute(&text, "SourceIdentity", &["kim@corp.test"]);
    let answer = broker.redeem(&idp.response_of(Signed::Both, &text));
    let credentials = Credentials::of(&answer);
    let caller = broker.caller(&credentials);
    assert_eq!(
        caller.element("Arn").as_deref(),
        Some("arn:aws:sts::111122223333:assumed-role/Engineer/kim"),
        "{caller:?}"
    );
    let shown = broker.json(&site, &["sessions", "show", &credentials.access_key_id]);
    let shown = shown.to_string();
    for part in [ENTITY, "kim@corp.test", "saml-provider/Corp"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let trail = site.read("audit.jsonl");
    let line =
        trail.lines().find(|line| line.contains("\"AssumeRoleWithSAML\"")).expect("a line of the trail");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["userIdentity"]["type"], "SAMLUser");
    assert_eq!(line["userIdentity"]["userName"], "kim");
    assert_eq!(line["requestParameters"]["roleSessionName"], "kim");
    assert_eq!(line["additionalEventData"]["sourceIdentity"], "kim@corp.test");
}

#[test]
fn an_operator_sees_which_step_refused_and_no_proof() {
    let (site, broker, idp) = serving();
    let response = idp.response(Signed::Both);
    let forged = response.replacen(">kim<", ">mallory<", 1);
    let answer = broker.redeem(&forged);
    assert_refused(&answer, 400, "InvalidIdentityToken", "Response signature invalid");
    let request = answer.header("x-amzn-requestid").expect("a request id").to_owned();
    site.refusal_recorded(&request);
    let explained = broker.run(&site, &["explain", &request]);
    assert!(explained.output.contains("signature"), "{explained:?}");
    assert!(explained.output.contains("it is by none of the provider's certificates"), "{explained:?}");
    let refusals = site.read("refusals.jsonl");
    assert!(
        !refusals.contains("mallory") && !refusals.contains(&STANDARD.encode(&forged)[..64]),
        "{refusals}"
    );
    let elsewhere = idp.response_of(Signed::Both, &assertion().replace(RECIPIENT, "https://elsewhere.test"));
    let request = broker.redeem(&elsewhere).header("x-amzn-requestid").expect("a request id").to_owned();
    site.refusal_recorded(&request);
    let explained = broker.run(&site, &["explain", &request]);
    assert!(explained.output.contains("https://elsewhere.test"), "{explained:?}");
    assert!(explained.output.contains("recipients"), "{explained:?}");
}
