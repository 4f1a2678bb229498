//! Tokens of the development issuer, read by the code that reads everybody's.

use std::time::Duration;

use ring::rand::SystemRandom;
use tempfile::TempDir;

use super::*;
use crate::proof::oidc::{KeySet, KeySettings, Provider, Settings, UnverifiedToken, verify};

const URL: &str = "http://127.0.0.1:4281";

fn issuer() -> (TempDir, std::path::PathBuf, Issuer) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issuer");
    Issuer::create(&file, URL, &SystemRandom::new()).unwrap();
    let issuer = Issuer::read(&file, &SystemRandom::new()).unwrap();
    (folder, file, issuer)
}

#[test]
fn its_tokens_verify_with_tags_and_source_identity() {
    let (_folder, _, issuer) = issuer();
    let provider = Provider::new(Settings {
        account_id: "111122223333".to_owned(),
        id: "dev".to_owned(),
        issuer: URL.to_owned(),
        client_ids: vec![AUDIENCE.to_owned()],
        algorithms: vec!["ES256".to_owned()],
        clock_skew: Duration::ZERO,
        claims: Vec::new(),
        single_use: false,
        keys: KeySettings::Discovery,
        ca_pem: None,
        own_issuers: vec!["http://127.0.0.1:4280".to_owned()],
        loopback_http: true,
    });
    let request =
        TokenRequest::new("alice", None, ["team=core", "stage=a=b"].into_iter(), Some("alice@corp")).unwrap();
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let token = issuer.token(&request, now, &SystemRandom::new()).unwrap();
    let keys = KeySet::parse(issuer.key_set().to_string().as_bytes()).unwrap();
    let token = UnverifiedToken::parse(&token).unwrap();
    let identity = verify(token, &provider.unwrap(), &keys, now).unwrap();
    assert_eq!((identity.issuer(), identity.subject()), (URL, "alice"));
    assert_eq!(identity.source_identity(), Some("alice@corp"));
    let tags = [("stage", "a=b"), ("team", "core")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(identity.session_tags(), tags);
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let (_folder, file, _) = issuer();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = Issuer::read(&file, &SystemRandom::new()).unwrap_err().to_string();
    assert_eq!(refused, "readable by others than its owner (mode 640): run `chmod 600`");
}

#[test]
fn a_key_that_was_not_made_for_development_is_not_used() {
    let (_folder, file, _) = issuer();
    let text = fs::read_to_string(&file).unwrap().replace("development = true", "development = false");
    fs::write(&file, text).unwrap();
    assert!(matches!(Issuer::read(&file, &SystemRandom::new()), Err(IssuerError::NotDevelopment)));
}

#[test]
fn a_request_names_somebody_and_whole_tags() {
    assert_eq!(TokenRequest::new("", None, [].into_iter(), None), Err(TokenRequestError::Subject));
    let refused = TokenRequest::new("alice", None, ["team"].into_iter(), None).unwrap_err();
    assert_eq!(refused.to_string(), "`team` is not a tag: write key=value");
}
