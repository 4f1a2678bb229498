//! Fetching from a real HTTPS server on loopback, with a clock that the tests turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::proof::oidc::tests::issuer::TestIssuer;
use crate::proof::oidc::{Class, KeySettings, Settings, UnverifiedToken, verify};
use server::{Answer, Server};

mod server;

/// Seconds that only the test moves.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn cache(&self) -> KeyCache {
        let seconds = self.0.clone();
        KeyCache::new(
            SystemRoots::load(),
            Arc::new(move || Duration::from_secs(seconds.load(Ordering::SeqCst))),
        )
    }
}

fn settings(server: &Server) -> Settings {
    Settings {
        account_id: "111122223333".to_owned(),
        id: "provider-1".to_owned(),
        issuer: server.issuer(),
        client_ids: vec!["sts.amazonaws.com".to_owned()],
        algorithms: vec!["ES256".to_owned()],
        clock_skew: Duration::ZERO,
        claims: Vec::new(),
        single_use: false,
        keys: KeySettings::Discovery,
        ca_pem: Some(server.ca_pem().into_bytes()),
        own_issuers: Vec::new(),
        loopback_http: false,
    }
}

fn provider(server: &Server) -> Provider {
    Provider::new(settings(server)).unwrap()
}

const NOW: i64 = 1_900_000_000;

/// Signs in as a broker does: read the token, have the keys, verify.
async fn sign_in(cache: &KeyCache, provider: &Provider, key: &TestIssuer) -> Result<(), String> {
    let claims = json!({"iss": provider.issuer().as_str(), "sub": "x", "aud": "sts.amazonaws.com", "iat": NOW, "exp": NOW + 9});
    let token = key.token(&claims);
    let token = UnverifiedToken::parse(&token).map_err(|refusal| refusal.to_string())?;
    let keys = cache.keys(provider, token.kid()).await.map_err(|error| error.to_string())?;
    let now = Timestamp::from_second(NOW).unwrap();
    verify(token, provider, &keys, now).map(|_| ()).map_err(|refusal| refusal.to_string())
}

const NO_NEW: &str = "no key for the token: no key has the id `new`";

#[tokio::test]
async fn f24_a_rotated_key_works_at_the_next_sign_in() {
    let (old, new) = (TestIssuer::es256("old"), TestIssuer::es256("new"));
    let (server, clock) = (Server::start(&[&old]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    server.publish(&[&old, &new]);
    assert_eq!(sign_in(&cache, &provider, &new).await, Ok(()));
    assert_eq!(server.key_fetches(), 2);
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    assert_eq!(server.key_fetches(), 2);
}

#[tokio::test]
async fn f24_a_withdrawn_key_is_dead_within_the_hour() {
    let (old, new) = (TestIssuer::es256("old"), TestIssuer::es256("new"));
    let (server, clock) = (Server::start(&[&old]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    server.publish(&[&new]);
    clock.advance(14 * 60);
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    assert_eq!(server.key_fetches(), 1);
    clock.advance(46 * 60);
    let refused = sign_in(&cache, &provider, &old).await;
    assert_eq!(refused, Err("no key for the token: no key has the id `old`".to_owned()));
    assert_eq!(sign_in(&cache, &provider, &new).await, Ok(()));
}

#[tokio::test]
async fn a_stale_set_serves_while_it_is_refreshed() {
    let (old, new) = (TestIssuer::es256("old"), TestIssuer::es256("new"));
    let (server, clock) = (Server::start(&[&old]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    server.publish(&[&new]);
    clock.advance(16 * 60);
    let release = server.hold();
    assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    drop(release);
    server.until_key_fetches(2).await;
    // The refresh has the answer; whoever asks for the new key waits for it rather than asking again.
    assert_eq!(sign_in(&cache, &provider, &new).await, Ok(()));
    assert_eq!(server.key_fetches(), 2);
}

#[tokio::test]
async fn f22_a_failing_server_leaves_the_last_good_set_for_a_day() {
    let old = TestIssuer::es256("old");
    for answer in [Answer::Status(503), Answer::Body(b"{".to_vec()), Answer::Body(br#"{"keys":[]}"#.to_vec())]
    {
        let (server, clock) = (Server::start(&[&old]).await, Clock::default());
        let (cache, provider) = (clock.cache(), provider(&server));
        assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
        server.answer_keys(answer);
        for _ in 0..23 {
            clock.advance(60 * 60);
            assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
        }
        clock.advance(60 * 60);
        assert!(sign_in(&cache, &provider, &old).await.is_err());
        server.publish(&[&old]);
        clock.advance(60);
        assert_eq!(sign_in(&cache, &provider, &old).await, Ok(()));
    }
}

#[tokio::test]
async fn f22_without_any_set_the_error_is_the_providers() {
    let key = TestIssuer::es256("k");
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    server.answer_keys(Answer::Status(500));
    let error = cache.keys(&provider, None).await.unwrap_err();
    assert_eq!(error, FetchError::Status { url: format!("{}/keys", server.issuer()), status: 500 });
    let refusal = error.into_refusal(&provider);
    assert_eq!(refusal.class(), Class::IdpCommunication);
    assert!(refusal.message().starts_with("Couldn't retrieve verification key from your identity provider"));
    server.publish(&[&key]);
    assert!(matches!(cache.keys(&provider, None).await.unwrap_err(), FetchError::Backoff(_)));
    clock.advance(2);
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
}

#[tokio::test]
async fn j24_unknown_key_ids_neither_flood_nor_empty() {
    let (key, new) = (TestIssuer::es256("k"), TestIssuer::es256("new"));
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    for number in 0..100 {
        let stranger = TestIssuer::es256(&format!("random-{number}"));
        let refused = sign_in(&cache, &provider, &stranger).await.unwrap_err();
        assert!(refused.starts_with("no key for the token: no key has the id `random-"), "{refused}");
    }
    assert_eq!(server.key_fetches(), 2);
    clock.advance(29);
    server.publish(&[&key, &new]);
    assert_eq!(sign_in(&cache, &provider, &new).await, Err(NO_NEW.to_owned()));
    clock.advance(1);
    assert_eq!(sign_in(&cache, &provider, &new).await, Ok(()));
    assert_eq!(server.key_fetches(), 3);
}

#[tokio::test]
async fn j24_a_failed_fetch_for_an_unknown_key_keeps_the_set() {
    let key = TestIssuer::es256("k");
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    server.answer_keys(Answer::Status(500));
    assert_eq!(sign_in(&cache, &provider, &TestIssuer::es256("new")).await, Err(NO_NEW.to_owned()));
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    assert_eq!(server.key_fetches(), 2);
}

#[tokio::test]
async fn f23_a_thousand_unknown_key_ids_at_once_are_one_fetch() {
    let key = TestIssuer::es256("k");
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let (cache, provider) = (Arc::new(clock.cache()), Arc::new(provider(&server)));
    let release = server.hold();
    let asked: Vec<_> = (0..1_000)
        .map(|number| {
            let (cache, provider) = (cache.clone(), provider.clone());
            tokio::spawn(async move { cache.keys(&provider, Some(&format!("random-{number}"))).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(release);
    for answer in asked {
        assert!(!answer.await.unwrap().unwrap().knows(Some("random-1")));
    }
    assert!(cache.keys(&provider, Some("one-more")).await.is_ok());
    assert_eq!(server.key_fetches(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_the_fetch() {
    let key = TestIssuer::es256("k");
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let (cache, provider) = (clock.cache(), provider(&server));
    let release = server.hold();
    let hasty = tokio::time::timeout(Duration::from_millis(50), cache.keys(&provider, Some("k"))).await;
    assert!(hasty.is_err());
    drop(release);
    server.until_key_fetches(1).await;
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    assert_eq!(server.key_fetches(), 1);
}

#[tokio::test]
async fn f22_a_server_that_hangs_is_given_up() {
    let key = TestIssuer::es256("k");
    let (server, clock) = (Server::start(&[&key]).await, Clock::default());
    let mut cache = clock.cache();
    assert_eq!(cache.deadline, Duration::from_secs(5));
    cache.deadline = Duration::from_millis(200);
    let provider = provider(&server);
    let release = server.hold();
    let answer = tokio::time::timeout(Duration::from_secs(5), cache.keys(&provider, None)).await;
    assert_eq!(answer.expect("an answer by the deadline").unwrap_err(), FetchError::Timeout);
    drop(release);
    clock.advance(2);
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    let _held = server.hold();
    clock.advance(60 * 60);
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()), "known keys go on");
}

#[tokio::test]
async fn j25_answers_that_are_refused() {
    let key = TestIssuer::es256("k");
    let mut secret = key.jwk();
    secret["d"] = json!("AAAA");
    let body = |keys: serde_json::Value| Answer::Body(json!({"keys": keys}).to_string().into_bytes());
    let many: Vec<_> = (0..101).map(|n| TestIssuer::es256(&n.to_string()).jwk()).collect();
    for (answer, expected) in [
        (Answer::Redirect("/elsewhere".to_owned()), "answered 302"),
        (Answer::Body(vec![b' '; 1024 * 1024 + 1]), "answered more than 1 MiB"),
        (body(json!([{"kty": "oct", "k": "AAAA"}])), "key set: key 0 is not public: it has `k`"),
        (body(json!([secret])), "key set: key 0 is not public: it has `d`"),
        (body(json!([key.jwk(), key.jwk()])), "key set: two keys have the id `k`"),
        (body(json!(many)), "key set: more than 100 keys of the type `EC`"),
    ] {
        let (server, clock) = (Server::start(&[&key]).await, Clock::default());
        let (cache, provider) = (clock.cache(), provider(&server));
        assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
        server.answer_keys(answer.clone());
        clock.advance(56 * 60);
        assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()), "the old set is kept");
        assert_eq!(server.key_fetches(), 2);
        let error = clock.cache().keys(&provider, None).await.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[tokio::test]
async fn j26_discovery_of_another_issuer() {
    let key = TestIssuer::es256("k");
    let server = Server::start(&[&key]).await;
    let provider = provider(&server);
    let wrong = json!({"issuer": "https://other.test", "jwks_uri": format!("{}/keys", server.issuer())});
    server.answer_discovery(Answer::Body(wrong.to_string().into_bytes()));
    let error = Clock::default().cache().keys(&provider, None).await.unwrap_err().to_string();
    let wanted = provider.issuer().as_str();
    assert_eq!(
        error,
        format!("discovery: the document is of the issuer `https://other.test`, not `{wanted}`")
    );
    assert_eq!(server.key_fetches(), 0);
}

#[tokio::test]
async fn j27_discovery_that_leads_inside() {
    let key = TestIssuer::es256("k");
    let server = Server::start(&[&key]).await;
    for inside in ["https://169.254.169.254/keys", "https://[fd00:ec2::254]/keys", "https://0.0.0.0/keys"] {
        let document = json!({"issuer": server.issuer(), "jwks_uri": inside});
        server.answer_discovery(Answer::Body(document.to_string().into_bytes()));
        let error = Clock::default().cache().keys(&provider(&server), None).await.unwrap_err();
        assert!(matches!(error, FetchError::Address(_)), "{inside}: {error}");
    }
}

#[tokio::test]
async fn a_server_of_other_authorities_is_not_believed() {
    let key = TestIssuer::es256("k");
    let (server, other) = (Server::start(&[&key]).await, Server::start(&[&key]).await);
    for ca_pem in [None, Some(other.ca_pem().into_bytes())] {
        let provider = Provider::new(Settings { ca_pem, ..settings(&server) }).unwrap();
        let error = Clock::default().cache().keys(&provider, None).await.unwrap_err().to_string();
        assert!(error.contains("invalid peer certificate"), "{error}");
    }
    for ca_pem in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let provider =
            Provider::new(Settings { ca_pem: Some(ca_pem.to_vec()), ..settings(&server) }).unwrap();
        let error = Clock::default().cache().prepare(&provider).unwrap_err();
        assert!(matches!(error, FetchError::Authorities(_)), "{error}");
    }
}

#[tokio::test]
async fn keys_from_a_url_and_from_configuration() {
    let key = TestIssuer::es256("k");
    let server = Server::start(&[&key]).await;
    server.answer_discovery(Answer::Status(404));
    let cache = Clock::default().cache();
    let url = KeySettings::JwksUrl(format!("{}/keys?p=1", server.issuer()));
    let from_url = Provider::new(Settings { keys: url, ..settings(&server) }).unwrap();
    assert_eq!(sign_in(&cache, &from_url, &key).await, Ok(()));
    let brought = TestIssuer::es256("brought");
    let uploaded = KeySettings::Uploaded(Arc::new(brought.key_set()));
    let offline = Provider::new(Settings { keys: uploaded, ..settings(&server) }).unwrap();
    assert_eq!(sign_in(&cache, &offline, &brought).await, Ok(()));
    assert!(sign_in(&cache, &offline, &key).await.is_err());
    assert_eq!(server.key_fetches(), 1);
}

#[tokio::test]
async fn a_development_issuer_may_be_plain_http_on_loopback() {
    let key = TestIssuer::es256("k");
    let server = Server::start_plain(&[&key]).await;
    let plain = Settings { loopback_http: true, ca_pem: None, ..settings(&server) };
    let provider = Provider::new(plain).unwrap();
    assert!(provider.issuer().as_str().starts_with("http://localhost:"));
    assert_eq!(sign_in(&Clock::default().cache(), &provider, &key).await, Ok(()));
}

#[tokio::test]
async fn providers_that_left_are_forgotten() {
    let key = TestIssuer::es256("k");
    let server = Server::start(&[&key]).await;
    let (cache, provider) = (Clock::default().cache(), provider(&server));
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    cache.retain(std::iter::once(&provider));
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    assert_eq!(server.key_fetches(), 1);
    cache.retain(std::iter::empty());
    assert_eq!(sign_in(&cache, &provider, &key).await, Ok(()));
    assert_eq!(server.key_fetches(), 2);
}
