//! SAML responses and metadata of any bytes: no panic, and no response that passes the guard verifies by a strange key.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daypass_broker::proof::saml::{Metadata, Provider, Settings, SingleUse, UnverifiedResponse, verify};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static PROVIDER: LazyLock<Option<Provider>> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().ok()?;
    let certificate = rcgen::CertificateParams::new(Vec::new()).ok()?.self_signed(&key).ok()?;
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"urn:a:b\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor><KeyInfo \
         xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data>\
         </KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>",
        STANDARD.encode(certificate.der())
    );
    let settings = Settings {
        account_id: "111122223333".to_owned(),
        id: "fuzz".to_owned(),
        name: "Corp".to_owned(),
        entity_id: "urn:a:b".to_owned(),
        metadata: Metadata::parse(&metadata).ok()?,
        audiences: vec!["a".to_owned()],
        recipients: vec!["a".to_owned()],
        clock_skew: Duration::ZERO,
        single_use: SingleUse::Role,
        idp_initiated: true,
    };
    Provider::new(settings).ok()
});

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
