//! An identity provider with a key of its own, which the SAML targets share.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daypass_broker::proof::saml::{Metadata, Provider, Settings, SingleUse};

/// The provider `urn:a:b`, whose responses this key signs.
pub fn provider(key: &rcgen::KeyPair) -> Option<Provider> {
    let certificate = rcgen::CertificateParams::new(Vec::new()).ok()?.self_signed(key).ok()?;
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
}
