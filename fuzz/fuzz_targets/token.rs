//! Any bytes as the claims inside a token, and any text as a token: no panic, and nothing unsealed opens.
#![no_main]

use std::sync::LazyLock;

use daypass_broker::keys::{Keyring, file::KeyringFile};
use daypass_broker::revocation::View;
use daypass_broker::session::{Claims, open};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static KEYRING: LazyLock<Option<Keyring>> =
    LazyLock::new(|| KeyringFile::generate(false, &mut || [7; 32]).validate().ok());

fuzz_target!(|bytes: &[u8]| {
    if let Ok(claims) = Claims::decode(bytes) {
        let again = Claims::decode(&claims.encode());
        assert_eq!(again.ok(), Some(claims), "claims survive being written");
    }
    let (Ok(text), Some(keyring)) = (std::str::from_utf8(bytes), &*KEYRING) else { return };
    let opened = open(text, "ASIAAAAAAAAAAAAAAAAA", keyring, &View::default(), Timestamp::UNIX_EPOCH);
    assert!(opened.is_err(), "nobody sealed this token");
});
