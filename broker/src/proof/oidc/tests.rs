//! Attacks on tokens, each with the exact answer, and the honest twins that pass.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::proof::ConditionKey;
use issuer::TestIssuer;

mod claims;
#[cfg(feature = "corpora")]
mod corpora;
mod form;
pub(crate) mod issuer;
mod keys;
mod provider;

pub(super) const NOW: i64 = 1_900_000_000;
pub(super) const ISSUER: &str = "https://idp.corp.test/realm";
pub(super) const UNVERIFIED: &str = "The web identity token that was passed could not be validated";

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(super) fn settings() -> Settings {
    let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    Settings {
        account_id: "111122223333".to_owned(),
        id: "provider-1".to_owned(),
        issuer: ISSUER.to_owned(),
        client_ids: vec!["sts.amazonaws.com".to_owned(), "second".to_owned()],
        algorithms: all.map(str::to_owned).to_vec(),
        clock_skew: Duration::from_secs(60),
        claims: Vec::new(),
        single_use: false,
        keys: KeySettings::Discovery,
        ca_pem: None,
        own_issuers: vec!["https://id.corp.test".to_owned()],
        loopback_http: false,
    }
}

pub(super) fn provider() -> Provider {
    Provider::new(settings()).unwrap()
}

/// What an honest provider says.
pub(super) fn honest() -> Value {
    json!({"iss": ISSUER, "sub": "repo:corp/app", "aud": "sts.amazonaws.com", "iat": NOW - 10, "exp": NOW + 300})
}

/// The honest claims with others put over them; `null` takes one out.
pub(super) fn with(changes: &Value) -> Value {
    let mut claims = honest();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// Parses and verifies `token` as the broker does.
pub(super) fn redeem(token: &str, provider: &Provider, keys: &KeySet) -> Result<FederatedIdentity, Refusal> {
    verify(UnverifiedToken::parse(token)?, provider, keys, now())
}

/// The refusal of `token`, which must come before its signature counts and tell the sender nothing.
pub(super) fn refused_unverified(token: &str, issuer: &TestIssuer) -> Refusal {
    let refusal = redeem(token, &provider(), &issuer.key_set()).unwrap_err();
    assert_eq!(refusal.class(), Class::InvalidIdentityToken, "{refusal}");
    assert_eq!(refusal.message(), UNVERIFIED, "{refusal}");
    assert!(!refusal.is_after_signature(), "{refusal}");
    refusal
}

/// The refusal of honestly signed claims.
pub(super) fn refused_claims(claims: &Value, provider: &Provider) -> Refusal {
    let issuer = TestIssuer::es256("k");
    redeem(&issuer.token(claims), provider, &issuer.key_set()).unwrap_err()
}

#[test]
fn every_algorithm_verifies() {
    for issuer in TestIssuer::all() {
        let identity = redeem(&issuer.token(&honest()), &provider(), &issuer.key_set()).unwrap();
        assert_eq!(identity.subject(), "repo:corp/app", "{}", issuer.algorithm());
    }
}

#[test]
fn an_honest_token_becomes_an_identity() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&with(&json!({"amr": ["pwd", "otp"], "email": "a@corp.test", "other": "x"})));
    let identity = redeem(&format!("{token}\n"), &provider(), &issuer.key_set()).unwrap();
    assert_eq!(&**identity.account_id(), "111122223333");
    assert_eq!(&**identity.provider_arn(), "arn:aws:iam::111122223333:oidc-provider/idp.corp.test/realm");
    assert_eq!(identity.provider_id(), "provider-1");
    assert_eq!(identity.principal(), (ISSUER, "repo:corp/app"));
    assert_eq!(identity.audience(), "sts.amazonaws.com");
    assert_eq!(identity.issued_at().as_second(), NOW - 10);
    assert_eq!(identity.expires_at().as_second(), NOW + 300);
    assert_eq!(identity.single_use_id(), None);
    let key = |name: &str, values: &[&str], carried| ConditionKey {
        name: format!("idp.corp.test/realm:{name}").into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        carried,
    };
    let context = [
        key("amr", &["pwd", "otp"], true),
        key("aud", &["sts.amazonaws.com"], true),
        key("email", &["a@corp.test"], false),
        key("oaud", &["sts.amazonaws.com"], false),
        key("sub", &["repo:corp/app"], true),
    ];
    assert_eq!(identity.context(), context);
}

#[test]
fn the_digest_survives_a_rewritten_ecdsa_signature() {
    let issuer = TestIssuer::es256("k");
    let token = issuer.token(&honest());
    let rewritten = issuer::negate_s(&token);
    assert_ne!(token, rewritten);
    let digest = |token: &str| *redeem(token, &provider(), &issuer.key_set()).unwrap().proof_digest();
    assert_eq!(digest(&token), digest(&rewritten));
}

#[test]
fn t22_debug_forms_show_nothing_of_a_token() {
    let issuer = TestIssuer::es256("k");
    let text = issuer.token(&with(&json!({"sub": "canary"})));
    let token = UnverifiedToken::parse(&text).unwrap();
    let shown = format!("{token:?}");
    let identity = verify(token, &provider(), &issuer.key_set(), now()).unwrap();
    for shown in [shown, format!("{identity:?}")] {
        assert!(!shown.contains("canary") && !shown.contains("eyJ"), "{shown}");
    }
}

#[test]
fn j28_unknown_issuers_and_bad_signatures_answer_alike() {
    let (issuer, stranger) = (TestIssuer::es256("k"), TestIssuer::es256("k"));
    let other = issuer.token(&with(&json!({"iss": "https://unknown.test"})));
    let answers = [
        refused_unverified(&other, &issuer),
        refused_unverified(&stranger.token(&honest()), &issuer),
        refused_unverified(&TestIssuer::es256("other").token(&honest()), &issuer),
        refused_unverified("not.a.token", &issuer),
        Refusal::UnknownProvider { issuer: "https://unknown.test".to_owned() },
    ];
    for answer in &answers {
        assert_eq!((answer.class(), answer.message()), (Class::InvalidIdentityToken, UNVERIFIED.to_owned()));
    }
}

#[test]
fn j15_a_key_of_another_issuer_is_no_key_of_this_one() {
    let (ours, other) = (TestIssuer::es256("same-id"), TestIssuer::es256("same-id"));
    let refusal = refused_unverified(&other.token(&honest()), &ours);
    assert!(matches!(refusal, Refusal::Signature { .. }), "{refusal}");
    let foreign = other.token(&with(&json!({"iss": "https://other.test"})));
    let refusal = redeem(&foreign, &provider(), &other.key_set()).unwrap_err();
    assert!(matches!(refusal, Refusal::UnknownProvider { .. }), "{refusal}");
}

#[test]
fn j33_a_session_token_is_no_proof() {
    let sealed = "AQIDAAAAAAAAAAAAd2hhdGV2ZXI".repeat(20);
    let refusal = refused_unverified(&sealed, &TestIssuer::es256("k"));
    assert_eq!(refusal.to_string(), "the token is malformed: fewer than three segments");
}

#[test]
fn unavailable_keys_ask_the_client_to_try_again() {
    let refusal = Refusal::KeysUnavailable { issuer: ISSUER.to_owned(), cause: "no answer".to_owned() };
    assert_eq!(refusal.class(), Class::IdpCommunication);
    assert!(refusal.message().starts_with("Couldn't retrieve verification key from your identity provider"));
    assert!(!refusal.message().contains(ISSUER));
}

#[test]
fn an_operator_sees_the_step_with_seen_and_wanted() {
    let step = refused_claims(&with(&json!({"aud": "elsewhere"})), &provider()).explain();
    assert_eq!((step.name, step.seen.as_str()), ("audience", "elsewhere"));
    assert_eq!(step.wanted, "a client id of the provider");
}

pub(super) fn uploaded(keys: &Value) -> Result<Arc<KeySet>, KeySetError> {
    KeySet::parse(keys.to_string().as_bytes()).map(Arc::new)
}
