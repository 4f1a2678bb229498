//! Tokens, key sets and discovery documents of any bytes: no panic, and nothing unsigned becomes an identity.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use daypass_broker::proof::oidc::{
    KeySet, KeySettings, Provider, Settings, UnverifiedToken, discovery, verify,
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k",
"x":"KSexBRK64-3c_kZ4KBKLrSkDJpkZ9whgacjE32xzKDg","y":"x3h5ZOqsAOWSH7FJimD0YGdms9loUAFVjRqXTnNBUT4"}]}"#;

static FIXED: LazyLock<Option<(Provider, KeySet)>> = LazyLock::new(|| {
    let settings = Settings {
        account_id: "111122223333".to_owned(),
        id: "fuzz".to_owned(),
        issuer: "https://a.test".to_owned(),
        client_ids: vec!["a".to_owned()],
        algorithms: vec!["ES256".to_owned()],
        clock_skew: Duration::ZERO,
        claims: Vec::new(),
        single_use: false,
        keys: KeySettings::Discovery,
        ca_pem: None,
        own_issuers: Vec::new(),
        loopback_http: false,
    };
    Some((Provider::new(settings).ok()?, KeySet::parse(KEYS).ok()?))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((provider, keys)) = &*FIXED else { return };
    let _ = discovery::jwks_uri(bytes, provider.issuer());
    let found = KeySet::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(token) = UnverifiedToken::parse(text) else { return };
    // Nobody has the private key.
    assert!(verify(token.clone(), provider, keys, Timestamp::UNIX_EPOCH).is_err());
    if let Ok(found) = found {
        let _ = verify(token, provider, &found, Timestamp::UNIX_EPOCH);
    }
});
