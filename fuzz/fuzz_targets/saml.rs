//! SAML responses and metadata of any bytes: no panic, and no response that passes the guard verifies by a strange key.
#![no_main]

#[path = "../saml_provider.rs"]
mod saml_provider;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daypass_broker::proof::saml::{Metadata, Provider, UnverifiedResponse, verify};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static PROVIDER: LazyLock<Option<Provider>> =
    LazyLock::new(|| saml_provider::provider(&rcgen::KeyPair::generate().ok()?));

fuzz_target!(|bytes: &[u8]| {
    let Some(provider) = &*PROVIDER else { return };
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Metadata::parse(text);
        let _ = UnverifiedResponse::parse(text);
    }
    let Ok(response) = UnverifiedResponse::parse(&STANDARD.encode(bytes)) else { return };
    // Nobody has the private key.
    assert!(verify(&response, provider, "arn:aws:iam::111122223333:role/Deploy", Timestamp::now()).is_err());
});
