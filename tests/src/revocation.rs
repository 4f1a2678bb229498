//! Sessions end by every scope that the command line offers, on both stores, and a sign-in afterwards works.

use serde_json::Value;

use crate::harness::{ACCOUNT, Broker, Credentials, Redis, Site, assert_refused, role};

const UNKNOWN: &str = "The security token included in the request is invalid.";

/// A session as the command line shows it.
fn shown(broker: &Broker, site: &Site, credentials: &Credentials) -> Value {
    broker.json(site, &["sessions", "show", &credentials.access_key_id])
}

/// Revokes by one scope; the session ends and another that was issued afterwards lives.
fn ends(site: &Site, broker: &Broker, scope: impl FnOnce(&Value) -> [String; 2], again: bool) {
    let token = site.issuer.token("plant:a");
    let credentials = broker.assume(&token, &role("Deploy"));
    let [flag, value] = scope(&shown(broker, site, &credentials));
    let ran = broker.run(site, &["sessions", "revoke", &flag, &value]);
    assert_eq!(ran.code, Some(0), "{flag} {value}: {ran:?}");
    let after = broker.caller(&credentials);
    assert_eq!(after.status, 403, "{flag} {value}: {ran:?} {}", after.body);
    assert_refused(&after, 403, "InvalidClientTokenId", UNKNOWN);
    let anew = broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &[]);
    if again {
        assert_eq!(broker.caller(&Credentials::of(&anew)).status, 200, "{flag}: what comes later lives");
    }
}

/// The digest that the audit trail gives the proof of a session.
fn proof(site: &Site, session: &Value) -> String {
    let audit = site.read("audit.jsonl");
    let id = session["access_key_id"].as_str().expect("an access key id");
    let line = audit.lines().find(|line| line.contains(id)).expect("its line");
    let event: Value = serde_json::from_str(line).expect("JSON");
    event["additionalEventData"]["proofDigest"]
        .as_str()
        .unwrap_or_else(|| panic!("no digest in {line}"))
        .to_owned()
}

fn every_scope(site: &Site) {
    let broker = site.start();
    let of = |flag: &str, name: &'static str| {
        let flag = flag.to_owned();
        move |session: &Value| {
            [flag, session[name].as_str().unwrap_or_else(|| panic!("no {name} in {session}")).to_owned()]
        }
    };
    ends(site, &broker, of("--session", "session"), true);
    ends(site, &broker, of("--principal", "principal"), true);
    ends(site, &broker, |_| ["--role".to_owned(), role("Deploy")], true);
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.test");
    ends(site, &broker, |_| ["--provider".to_owned(), provider], true);
    ends(site, &broker, |session| ["--proof".to_owned(), proof(site, session)], true);
    ends(site, &broker, |_| ["--account".to_owned(), ACCOUNT.to_owned()], true);
}

#[test]
fn every_scope_ends_sessions_on_the_embedded_store() {
    every_scope(&Site::new());
}

#[test]
fn every_scope_ends_sessions_on_redis() {
    let redis = Redis::start();
    every_scope(&Site::on_redis(&redis));
}

#[test]
fn a_revocation_outlives_a_restart() {
    let site = Site::new();
    let mut broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    let kept = broker.assume(&site.issuer.token("plant:b"), &role("Plain"));
    let ran = broker.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    broker.crash();
    let broker = site.start();
    assert_refused(&broker.caller(&credentials), 403, "InvalidClientTokenId", UNKNOWN);
    assert_eq!(broker.caller(&kept).status, 200, "what was not revoked goes on");
}

#[test]
fn ending_a_session_bars_its_proof_from_new_ones() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let first = broker.assume(&token, &role("Deploy"));
    let session = shown(&broker, &site, &first)["session"].as_str().expect("an id").to_owned();
    let second = broker.assume(&token, &role("Deploy"));
    let ran = broker.run(&site, &["sessions", "revoke", "--session", &session]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_refused(&broker.caller(&first), 403, "InvalidClientTokenId", UNKNOWN);
    assert_eq!(broker.caller(&second).status, 200, "a session issued before on the same proof goes on");
    let answer = broker.assume_with(&token, &role("Deploy"), &[]);
    assert!((400..=403).contains(&answer.status), "the proof is barred: {answer:?}");
}

#[test]
fn an_id_that_the_store_does_not_know_is_revoked_all_the_same() {
    let site = Site::new();
    let broker = site.start();
    let ran = broker.run(&site, &["sessions", "revoke", "--role", &role("Nobody")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
