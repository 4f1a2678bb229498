//! Responses signed by a key of the test's own, and what is done to them on the way.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{any, prop_assert};

use super::*;
use issuer::{ENTITY, FORMS, Form, NOW, PROVIDER, RECIPIENT, ROLE, TestIssuer, assertion, attribute};

mod claims;
#[cfg(feature = "corpora")]
mod corpora;
mod issuer;
mod loading;
mod mutants;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn redeem(text: &str, provider: &Provider) -> Result<FederatedIdentity, Refusal> {
    verify(&UnverifiedResponse::parse(&STANDARD.encode(text))?, provider, ROLE, now())
}

/// The refusal of an assertion that was changed before it was signed, the same in every form.
fn refused(change: impl Fn(String) -> String) -> Refusal {
    let issuer = TestIssuer::new();
    let answers = FORMS
        .map(|form| redeem(&issuer.response_of(form, &change(assertion())), &issuer.provider()).unwrap_err());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    answers[0].clone()
}

/// The identity of an assertion that was changed before it was signed.
fn accepted(change: impl Fn(String) -> String) -> FederatedIdentity {
    let issuer = TestIssuer::new();
    let answers = FORMS
        .map(|form| redeem(&issuer.response_of(form, &change(assertion())), &issuer.provider()).unwrap());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    answers[0].clone()
}

fn with_attribute(name: &str, values: &[&str]) -> impl Fn(String) -> String + use<> {
    let added = attribute(name, values);
    move |text| text.replace("</saml:AttributeStatement>", &format!("{added}</saml:AttributeStatement>"))
}

#[test]
fn an_honest_response_is_an_identity() {
    let identity = accepted(|text| text);
    assert_eq!(identity.subject(), "kim");
    assert_eq!(identity.issuer(), ENTITY);
    assert_eq!(identity.audience(), RECIPIENT);
    assert_eq!(&**identity.provider_arn(), PROVIDER);
    assert_eq!(identity.session_name(), Some("kim"));
    assert_eq!(identity.condition("saml:sub_type"), Some("persistent"));
    assert_eq!(identity.condition("saml:doc"), Some("111122223333/Corp"));
    let carried: Vec<_> = identity.carried().map(|key| &*key.name).collect();
    assert_eq!(carried, ["saml:namequalifier", "saml:sub", "saml:sub_type"]);
    assert_eq!(identity.single_use_id(), Some(&*format!("{ENTITY} _a {ROLE}")));
    // printf 'https://idp.test/metadata111122223333/Corp' | openssl sha1 -binary | base64
    assert_eq!(identity.condition("saml:namequalifier"), Some("zd1cV9okzTC4v/Baf3oLg0//jyg="));
}

#[test]
fn a_proof_is_the_same_with_one_of_two_signatures_left_away() {
    let issuer = TestIssuer::new();
    let both = issuer.response(Form::Both);
    let start = both.find("<ds:Signature").unwrap();
    let end = both.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let one = both.split_at(start).0.to_owned() + both.split_at(end).1;
    let [both, one] = [both, one].map(|text| redeem(&text, &issuer.provider()).unwrap());
    assert_eq!(both.proof_digest(), one.proof_digest());
    assert_eq!(both.single_use_id(), one.single_use_id());
}

#[test]
fn s52_certificates_in_any_order_while_they_are_valid() {
    let (issuer, other) = (TestIssuer::new(), TestIssuer::new());
    for order in [[issuer.certificate(), other.certificate()], [other.certificate(), issuer.certificate()]] {
        let metadata = Metadata::parse(&issuer::metadata(&order)).unwrap();
        let provider = Provider::new(Settings { metadata, ..issuer.settings() }).unwrap();
        redeem(&issuer.response(Form::Both), &provider).unwrap();
    }
    let later: Timestamp = "4100-01-01T00:00:00Z".parse().unwrap();
    let response = UnverifiedResponse::parse(&STANDARD.encode(issuer.response(Form::Both))).unwrap();
    let refusal = verify(&response, &issuer.provider(), ROLE, later).unwrap_err();
    assert_eq!(refusal, Refusal::Signature { problem: "no certificate of this kind of key is valid now" });
}

#[test]
fn s29_the_larger_a_response_the_fewer_certificates_are_tried() {
    let (issuer, other) = (TestIssuer::new(), TestIssuer::new());
    let large = |values: usize| {
        let many = vec!["x"; values];
        issuer.response_of(Form::Assertion, &with_attribute("urn:groups", &many)(assertion()))
    };
    let with = |certificates: usize| {
        let others: Vec<_> = (1..certificates).map(|_| TestIssuer::new().certificate().to_vec()).collect();
        let mut ders: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
        ders.push(issuer.certificate());
        let metadata = Metadata::parse(&issuer::metadata(&ders)).unwrap();
        Provider::new(Settings { metadata, ..issuer.settings() }).unwrap()
    };
    redeem(&large(900), &with(1)).unwrap();
    redeem(&large(900), &with(4)).unwrap();
    redeem(&large(500), &with(10)).unwrap();
    let problem = "it is too large to be held against every certificate";
    assert_eq!(redeem(&large(900), &with(10)).unwrap_err(), Refusal::Signature { problem });
    // What others signed is no cheaper.
    let forged = other.response_of(Form::Assertion, &with_attribute("urn:groups", &["x"; 900])(assertion()));
    assert_eq!(redeem(&forged, &with(10)).unwrap_err(), Refusal::Signature { problem });
}

#[test]
fn s52_s54_metadata_past_its_end_verifies_nothing() {
    let issuer = TestIssuer::new();
    for (until, holds) in [("2026-11-22T10:00:00Z", false), ("2026-11-22T10:00:01Z", true)] {
        let text = issuer.metadata().replacen("entityID", &format!("validUntil=\"{until}\" entityID"), 1);
        let metadata = Metadata::parse(&text).unwrap();
        let provider = Provider::new(Settings { metadata, ..issuer.settings() }).unwrap();
        assert_eq!(redeem(&issuer.response(Form::Both), &provider).is_ok(), holds, "{until}");
    }
}

proptest::proptest! {
    #[test]
    fn s34_no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let parsed = UnverifiedResponse::parse(&STANDARD.encode(&bytes));
        prop_assert!(parsed.is_err());
    }
}
