//! Tokens that prove nothing: one fixed answer until a signature verifies, AWS's words after it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};

use crate::harness::{Broker, Credentials, Idp, Issuer, Site, assert_refused, role, seconds};

const UNVERIFIED: &str = "The web identity token that was passed could not be validated";
const HEADER: &str = r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#;

/// A broker, and whether it takes honest tokens of the issuer.
fn serving() -> (Site, Broker) {
    let site = Site::new();
    site.settings("embedded:state", "[limits]\nissues_per_second_per_peer = 1000\n");
    let broker = site.start();
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    (site, broker)
}

#[track_caller]
fn assert_unverified(broker: &Broker, token: &str) {
    assert_refused(&broker.assume_with(token, &role("Deploy"), &[]), 400, "InvalidIdentityToken", UNVERIFIED);
}

#[track_caller]
fn assert_invalid(broker: &Broker, token: &str) {
    let answer = broker.assume_with(token, &role("Deploy"), &[]);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("InvalidIdentityToken")),
        "{answer:?}"
    );
}

fn unsigned(header: &str, claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(header), part(&claims.to_string()))
}

#[test]
fn j01_algorithm_none_in_any_spelling() {
    let (site, broker) = serving();
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": name, "kid": "k1" }).to_string();
        assert_unverified(&broker, &unsigned(&header, &site.issuer.claims("plant:a")));
        assert_unverified(&broker, &site.issuer.raw(&header, &site.issuer.claims("plant:a").to_string()));
    }
}

#[test]
fn j02_a_mac_keyed_with_the_public_key() {
    let idp = Idp::shared();
    let site = Site::with_idp(idp);
    let broker = site.start();
    let token = idp.token("alice");
    let claims = token.split('.').nth(1).expect("claims");
    let key = idp.keys()["keys"][0].clone();
    let header = json!({ "alg": "HS256", "kid": key["kid"], "typ": "JWT" }).to_string();
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
    for secret in [key.to_string(), key["n"].as_str().expect("a modulus").to_owned()] {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
        let answer = broker.assume_with(&forged, &role("Web"), &[]);
        assert_refused(&answer, 400, "InvalidIdentityToken", UNVERIFIED);
    }
    broker.assume(&token, &role("Web"));
}

#[test]
fn j05_keys_brought_along_in_the_header() {
    let (site, broker) = serving();
    let forger = Issuer::new(&site.issuer.url);
    let claims = forger.claims("plant:a").to_string();
    let headers = [
        json!({ "alg": "ES256", "jwk": forger.jwk() }),
        json!({ "alg": "ES256", "kid": "k1", "jwk": forger.jwk() }),
        json!({ "alg": "ES256", "kid": "k1", "x5c": ["MIIB"] }),
        json!({ "alg": "ES256", "kid": "k1", "jku": "https://attacker.test/jwks" }),
    ];
    for header in headers {
        assert_unverified(&broker, &forger.raw(&header.to_string(), &claims));
        assert_unverified(&broker, &site.issuer.raw(&header.to_string(), &claims));
    }
}

#[test]
fn j07_key_ids_that_try_to_be_something_else() {
    let (site, broker) = serving();
    let forger = Issuer::new(&site.issuer.url);
    for kid in ["../../../../dev/null", "k1' OR '1'='1", "*", "k1\r\nDEL daypass", "/proc/self/environ", ""] {
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        assert_unverified(&broker, &forger.raw(&header, &forger.claims("plant:a").to_string()));
    }
}

#[test]
fn j08_extensions_that_must_be_understood() {
    let (site, broker) = serving();
    for header in [
        json!({ "alg": "ES256", "kid": "k1", "crit": ["exp"], "exp": 1 }),
        json!({ "alg": "ES256", "kid": "k1", "crit": [] }),
        json!({ "alg": "ES256", "kid": "k1", "b64": false, "crit": ["b64"] }),
    ] {
        assert_unverified(
            &broker,
            &site.issuer.raw(&header.to_string(), &site.issuer.claims("plant:a").to_string()),
        );
    }
}

#[test]
fn j09_members_said_twice() {
    let (site, broker) = serving();
    let now = seconds();
    let claims = |subject: &str| {
        format!(
            "{{\"iss\":\"{}\",\"aud\":\"sts.amazonaws.com\",{subject},\"iat\":{now},\"exp\":{}}}",
            site.issuer.url,
            now + 600
        )
    };
    broker.assume(&site.issuer.raw(HEADER, &claims(r#""sub":"plant:a""#)), &role("Deploy"));
    assert_invalid(&broker, &site.issuer.raw(HEADER, &claims(r#""sub":"mallory","sub":"plant:a""#)));
    assert_invalid(&broker, &site.issuer.raw(HEADER, &claims(r#""s\u0075b":"mallory","sub":"plant:a""#)));
    assert_invalid(
        &broker,
        &site.issuer.raw(r#"{"alg":"none","alg":"ES256","kid":"k1"}"#, &claims(r#""sub":"plant:a""#)),
    );
}

#[test]
fn j10_j11_times_that_are_missing_or_absurd() {
    let (site, broker) = serving();
    let later = seconds() + 600;
    for exp in [
        json!(null),
        json!("9999999999"),
        json!([later]),
        json!({ "at": later }),
        json!(true),
        json!(later as f64 + 0.5),
    ] {
        assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ "exp": exp })));
    }
    assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ "iat": null })));
    assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ "nbf": "0" })));
    let raw = format!(
        "{{\"iss\":\"{}\",\"aud\":\"sts.amazonaws.com\",\"sub\":\"plant:a\",\"iat\":1,\"exp\":1e400}}",
        site.issuer.url
    );
    assert_invalid(&broker, &site.issuer.raw(HEADER, &raw));
    for exp in [json!(-1), json!(0), json!(seconds() - 3600)] {
        let answer = broker.assume_with(
            &site.issuer.token_with("plant:a", json!({ "exp": exp })),
            &role("Deploy"),
            &[],
        );
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("ExpiredTokenException")),
            "{exp}: {answer:?}"
        );
        assert!(
            answer.element("Message").is_some_and(|text| text.starts_with("Token expired: ")),
            "{answer:?}"
        );
    }
}

#[test]
fn j12_tokens_from_the_future() {
    let (site, broker) = serving();
    for name in ["nbf", "iat"] {
        assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ name: seconds() + 600 })));
        broker.assume(&site.issuer.token_with("plant:a", json!({ name: seconds() + 20 })), &role("Deploy"));
    }
}

#[test]
fn j13_audiences_that_are_not_ours() {
    let (site, broker) = serving();
    for audience in [
        json!("sts.amazonaws.com.evil.test"),
        json!("sts"),
        json!("STS.amazonaws.com"),
        json!("kubernetes.default.svc"),
        json!([]),
    ] {
        assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ "aud": audience })));
    }
    assert_invalid(&broker, &site.issuer.token_with("plant:a", json!({ "aud": null })));
    let answer = broker.assume_with(
        &site.issuer.token_with("plant:a", json!({ "aud": "other" })),
        &role("Deploy"),
        &[],
    );
    assert_refused(&answer, 400, "InvalidIdentityToken", "Incorrect token audience");
}

#[test]
fn j14_issuers_that_look_alike() {
    let (site, broker) = serving();
    for issuer in [
        "https://issuer.test/",
        "https://ISSUER.test",
        "http://issuer.test",
        "https://user@issuer.test",
        "https://issuer.test:443",
        "https://issuer.test\u{0}",
    ] {
        assert_unverified(&broker, &site.issuer.token_with("plant:a", json!({ "iss": issuer })));
    }
}

#[test]
fn j15_a_key_of_another_issuer() {
    let (site, broker) = serving();
    let other = Issuer::new("https://issuer.test");
    assert_unverified(&broker, &other.token("plant:a"));
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
}

#[test]
fn j16_j04_other_forms_than_three_signed_parts() {
    let (site, broker) = serving();
    let token = site.issuer.token("plant:a");
    let parts: Vec<&str> = token.split('.').collect();
    let json = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string();
    let encrypted = format!("{}.a.b.c.d", URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#));
    for other in [
        json,
        encrypted,
        format!("{token}.{token}"),
        format!("{}.{}", parts[0], parts[1]),
        ".".repeat(19_999),
    ] {
        assert_unverified(&broker, &other);
    }
}

#[test]
fn j18_a_signature_changed_or_turned_around() {
    let (site, broker) = serving();
    let token = site.issuer.token("plant:a");
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let mut variants = vec![
        bytes[..63].to_vec(),
        [&bytes[..], &[0]].concat(),
        vec![0; 64],
        [&bytes[32..], &bytes[..32]].concat(),
    ];
    for at in [0, 31, 32, 63] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        variants.push(changed);
    }
    for variant in variants {
        assert_unverified(&broker, &format!("{signed}.{}", URL_SAFE_NO_PAD.encode(variant)));
    }
}

#[test]
fn j20_tokens_too_long_to_be_looked_at() {
    let (_site, broker) = serving();
    for token in ["a".repeat(20_001), ".".repeat(1_000_000)] {
        let answer = broker.assume_with(&token, &role("Deploy"), &[]);
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("ValidationError")),
            "{answer:?}"
        );
        assert!(!answer.body.contains("aaaa"), "the token is not echoed");
    }
}

#[test]
fn j22_claims_too_deep_to_be_read() {
    let (site, broker) = serving();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(6_000), "]".repeat(6_000));
    assert_invalid(&broker, &site.issuer.raw(HEADER, &deep));
}

#[test]
fn j23_other_spellings_of_the_same_bytes() {
    let (site, broker) = serving();
    let token = site.issuer.token("plant:a");
    assert_unverified(&broker, &format!("{token}="));
    assert_unverified(&broker, &token.replacen('.', ".\n", 1));
    assert_unverified(&broker, &format!(" {token}"));
}

#[test]
fn j28_what_is_wrong_before_the_signature_looks_the_same() {
    let (site, broker) = serving();
    let stranger = Issuer::new("https://stranger.test");
    let known = Issuer::new(&site.issuer.url);
    let answers = [stranger.token("plant:a"), known.token("plant:a"), "a.b.c".to_owned()]
        .map(|token| broker.assume_with(&token, &role("Deploy"), &[]));
    let missing = broker.assume_with(&stranger.token("plant:a"), &role("Missing"), &[]);
    for answer in answers.iter().chain([&missing]) {
        assert_refused(answer, 400, "InvalidIdentityToken", UNVERIFIED);
        let names: Vec<&String> = answer.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, answers[0].headers.iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(answer.body.len(), answers[0].body.len());
    }
}

#[test]
fn j33_a_session_token_as_the_proof() {
    let (site, broker) = serving();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_unverified(&broker, &credentials.session_token);
}

#[test]
fn j35_no_route_makes_credentials_without_a_proof() {
    let (_site, broker) = serving();
    let role = role("Deploy");
    for action in ["AssumeRole", "AssumeRoleWithSAML", "GetSessionToken", "GetFederationToken", "AssumeRoot"]
    {
        let fields = [
            ("Action", action),
            ("Version", "2011-06-15"),
            ("RoleArn", &role),
            ("RoleSessionName", "session"),
            ("Name", "session"),
        ];
        let answer = broker.post(&fields);
        assert!((400..=403).contains(&answer.status), "{action}: {answer:?}");
        assert!(!answer.body.contains("SecretAccessKey"), "{action}: {answer:?}");
    }
}

#[test]
fn j37_the_authorized_party_is_the_audience() {
    let (site, broker) = serving();
    let token = |changes: Value| site.issuer.token_with("plant:a", changes);
    assert_invalid(&broker, &token(json!({ "azp": "someone-else" })));
    assert_invalid(
        &broker,
        &token(json!({ "azp": "someone-else", "aud": ["sts.amazonaws.com", "someone-else"] })),
    );
    let answer = broker.assume_with(
        &token(json!({ "azp": "sts.amazonaws.com", "aud": "someone-else" })),
        &role("Deploy"),
        &[],
    );
    Credentials::of(&answer);
    assert_eq!(answer.element("Audience").as_deref(), Some("sts.amazonaws.com"));
}

#[test]
fn j34_a_token_alone_never_opens_a_role_that_does_not_trust_it() {
    let (site, broker) = serving();
    let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    for (subject, name) in
        [("mallory", role("Deploy")), ("plant:a", "arn:aws:iam::444455556666:role/Missing".to_owned())]
    {
        let answer = broker.assume_with(&site.issuer.token(subject), &name, &[]);
        assert_refused(&answer, 403, "AccessDenied", message);
    }
}

#[test]
fn j30_wildcards_and_variables_in_a_claim_stay_text() {
    let site = Site::new();
    let name = site.issuer.url.trim_start_matches("https://").to_owned();
    let own = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::reports/${{{name}:sub}}") }]);
    let everything = ["AssumeRoleWithWebIdentity"];
    site.role("Own", "AROAOWNAAAAAAAAAAAAAB", "1h", &site.trust("111122223333", &everything), &own);
    let broker = site.start();
    let s3 = crate::harness::S3::start(&site, &broker);
    std::fs::write(site.path("buckets/reports/plant:b"), "another's").expect("an object");
    for (subject, status) in
        [("plant:*", 403), ("plant:?", 403), ("plant:${aws:userid}", 403), ("plant:b", 200)]
    {
        let credentials = broker.assume(&site.issuer.token(subject), &role("Own"));
        let client = crate::harness::PYTHON().at(&broker).with(&credentials).storing_at(&s3);
        let answer = client.ask("get_object", &json!({ "Bucket": "reports", "Key": "plant:b" }));
        assert_eq!(answer["ResponseMetadata"]["HTTPStatusCode"], status, "{subject}: {answer}");
    }
}
