//! After a life of sign-ins, refusals and questions: no token, secret or assertion in anything that was written.

use serde_json::json;

use crate::harness::{Answer, CALLER, Credentials, PYTHON, Redis, S3, Site, role};

/// What must not be found, by the name it is reported under.
type Canaries = Vec<(&'static str, String)>;

#[test]
fn t22_nothing_secret_is_written_with_the_embedded_store() {
    lived(&Site::new(), Vec::new);
}

#[test]
fn t22_nothing_secret_is_written_with_redis() {
    let redis = Redis::start();
    lived(&Site::on_redis(&redis), || redis.everything());
}

fn lived(site: &Site, state: impl FnOnce() -> Vec<u8>) {
    let mut broker = site.start();
    let s3 = S3::start(site, &broker);
    let mut answers: Vec<Answer> = Vec::new();
    let token = site.issuer.token("plant:a");
    let credentials = broker.assume(&token, &role("Deploy"));
    let expired = site.issuer.token_with("plant:a", json!({ "exp": 1 }));
    let forged = format!("{}x", site.issuer.token("plant:forged"));
    for bad in [&expired, &forged] {
        answers.push(broker.assume_with(bad, &role("Deploy"), &[]));
    }
    answers.push(broker.assume_with(&site.issuer.token("mallory"), &role("Deploy"), &[]));
    answers.push(broker.assume_with(&token, &role("Deploy"), &[("RoleSessionName", "/")]));
    let wrong = Credentials { secret_access_key: "wrong".to_owned(), ..credentials.clone() };
    answers.push(broker.caller(&wrong));
    answers.push(broker.caller(&credentials));
    answers.push(broker.signed(&credentials, &[CALLER[0], ("Version", "1")]));
    let query = credentials.presigned(&broker, 60);
    answers.push(broker.request(&format!("GET /?{query}"), &[], ""));
    for key in ["a", "secret/a"] {
        PYTHON()
            .at(&broker)
            .with(&credentials)
            .storing_at(&s3)
            .ask("put_object", &json!({ "Bucket": "reports", "Key": key, "Body": "text" }));
    }
    for arguments in [&["sessions", "list"][..], &["sessions", "revoke", "--role", &role("Deploy")]] {
        let ran = broker.run(site, arguments);
        answers.push(Answer {
            status: 0,
            headers: Vec::new(),
            body: format!("{}{}", ran.output, ran.errors),
        });
    }
    answers.push(broker.telemetry("/metrics"));
    let canaries = canaries(&credentials, &[&token, &expired, &forged]);
    let stored = state();
    drop(s3);
    assert_eq!(broker.stop(), Some(0));
    for answer in &answers {
        assert_clean("an answer", answer.body.as_bytes(), &canaries);
    }
    assert_clean("Redis", &stored, &canaries);
    for (path, bytes) in site.everything() {
        if !path.ends_with("service-token") {
            assert_clean(&path.display().to_string(), &bytes, &canaries);
        }
    }
    let audit = site.read("audit.jsonl");
    assert!(audit.contains(&credentials.access_key_id), "the audit file says what was issued");
}

/// The secrets themselves, and the part of each token that nobody could have guessed.
fn canaries(credentials: &Credentials, tokens: &[&String]) -> Canaries {
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    let claims = |token: &str| token.split('.').nth(1).unwrap_or_default().to_owned();
    let mut canaries = vec![
        ("the secret access key", credentials.secret_access_key.clone()),
        ("the session token", credentials.session_token[..60].to_owned()),
        (
            "the end of the session token",
            credentials.session_token[credentials.session_token.len() - 60..].to_owned(),
        ),
    ];
    for token in tokens {
        canaries.push(("a token's claims", claims(token)));
        canaries.push(("a token's signature", signature(token)));
    }
    canaries
}

#[track_caller]
fn assert_clean(place: &str, bytes: &[u8], canaries: &Canaries) {
    for (name, canary) in canaries {
        let found = bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
        assert!(!found, "{name} is in {place}");
    }
}
