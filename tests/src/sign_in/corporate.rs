//! Employees of a company: a real identity provider's response becomes credentials that boto3 uses.

use serde_json::{Value, json};

use crate::harness::{ACS, Broker, CorporateIdp, Credentials, PYTHON, S3, Signed, Site, role};

/// A broker that trusts the provider as its `idp.name`, and the roles that it tells of.
fn trusting(idp: &CorporateIdp) -> (Site, Broker) {
    let site = Site::new();
    let metadata = idp.metadata();
    let entity = metadata.split("entityID=\"").nth(1).and_then(|rest| rest.split('"').next());
    let folder = format!("directory/111122223333/saml-providers/{}", idp.name);
    site.write(&format!("{folder}/metadata.xml"), &metadata);
    let provider = format!(
        "id = \"SAMLCORPORATE1\"\nentity_id = \"{}\"\nmetadata_file = \"metadata.xml\"\n\
         audiences = [\"urn:amazon:webservices\", \"urn:corp:response-signed\", \"urn:corp:both-signed\"]\n\
         recipients = [\"{ACS}\"]\nidp_initiated = true\n",
        entity.expect("an entity id")
    );
    site.write(&format!("{folder}/provider.toml"), &provider);
    for (name, id) in [("Federated", "AROAFEDERATEDAAAAAAAB"), ("Auditor", "AROAAUDITORAAAAAAAAAB")] {
        let trust = json!([{
            "Effect": "Allow",
            "Principal": { "Federated": arn(idp) },
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": { "StringEquals": { "SAML:aud": ACS } },
        }]);
        let own = json!([{ "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"],
            "Resource": "arn:aws:s3:::reports/${aws:PrincipalTag/team}/*" }]);
        site.role(name, id, "12h", &trust, &own);
    }
    let broker = site.start();
    (site, broker)
}

fn arn(idp: &CorporateIdp) -> String {
    format!("arn:aws:iam::111122223333:saml-provider/{}", idp.name)
}

/// The provider's response about a person, as it would be posted.
fn response(idp: &CorporateIdp, signed: Signed, user: &str) -> String {
    idp.sign_in(signed, user, &format!("{user}'s own password")).expect("a response").response
}

fn redeem(broker: &Broker, idp: &CorporateIdp, role_name: &str, response: &str) -> Value {
    let arguments =
        json!({ "RoleArn": role(role_name), "PrincipalArn": arn(idp), "SAMLAssertion": response });
    PYTHON().at(broker).ask("saml", &arguments)
}

fn credentials(answer: &Value) -> Credentials {
    let text = |name: &str| answer["Credentials"][name].as_str().expect("credentials").to_owned();
    Credentials {
        access_key_id: text("AccessKeyId"),
        secret_access_key: text("SecretAccessKey"),
        session_token: text("SessionToken"),
        expiration: text("Expiration"),
    }
}

#[test]
fn keycloak_signs_employees_in() {
    signs_employees_in(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_signs_employees_in() {
    signs_employees_in(&CorporateIdp::simplesamlphp());
}

fn signs_employees_in(idp: &CorporateIdp) {
    let (site, broker) = trusting(idp);
    let s3 = S3::start(&site, &broker);
    for signed in [Signed::Assertion, Signed::Response, Signed::Both] {
        let answer = redeem(&broker, idp, "Federated", &response(idp, signed, "kim"));
        let session = "arn:aws:sts::111122223333:assumed-role/Federated/kim";
        assert_eq!(answer["AssumedRoleUser"]["Arn"], session, "{signed:?}: {answer}");
        assert_eq!((&answer["Audience"], &answer["SourceIdentity"]), (&json!(ACS), &json!("kim@corp.test")));
        if let Signed::Assertion = signed {
            assert_eq!(answer["Subject"], format!("kim-at-{}", idp.name.to_lowercase()));
            assert_eq!(answer["SubjectType"], "persistent");
        }
        let kim = credentials(&answer);
        assert_eq!(broker.caller(&kim).element("Arn").as_deref(), Some(session));
        let put = |key: &str| {
            let client = PYTHON().at(&broker).with(&kim).storing_at(&s3);
            client.ask("put_object", &json!({ "Bucket": "reports", "Key": key, "Body": "text" }))
        };
        assert!(put("core/plan")["ETag"].is_string(), "the tag that the provider asserts names the folder");
        assert_eq!(put("ops/plan")["Error"]["Code"], "AccessDenied");
    }
}

#[test]
fn keycloak_gives_nobody_more_than_it_says() {
    gives_nobody_more(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_gives_nobody_more_than_it_says() {
    gives_nobody_more(&CorporateIdp::simplesamlphp());
}

fn gives_nobody_more(idp: &CorporateIdp) {
    let (_site, broker) = trusting(idp);
    let refused = |role_name: &str, response: &str| {
        let answer = redeem(&broker, idp, role_name, response);
        (answer["status"].clone(), answer["Error"]["Code"].clone())
    };
    let of_lee = response(idp, Signed::Assertion, "lee");
    assert_eq!(refused("Auditor", &of_lee), (json!(403), json!("AccessDenied")), "lee has one role only");
    let honest = redeem(&broker, idp, "Federated", &of_lee);
    assert!(honest["Credentials"].is_object(), "a refusal spends nothing: {honest}");
    let again = PYTHON().at(&broker).ask(
        "saml",
        &json!({ "RoleArn": role("Federated"), "PrincipalArn": arn(idp), "SAMLAssertion": of_lee,
            "DurationSeconds": 900 }),
    );
    assert_eq!(again["Error"]["Code"], "InvalidIdentityToken", "an assertion serves a role once: {again}");

    let of_kim = response(idp, Signed::Both, "kim");
    for name in ["Auditor", "Federated"] {
        let answer = redeem(&broker, idp, name, &of_kim);
        assert!(answer["Credentials"].is_object(), "each of its roles once: {answer}");
    }
}
