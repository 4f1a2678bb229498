//! The C libraries behind XML signature, asked one thing: which bytes did this certificate's key sign?

use super::response::UnverifiedResponse;

/// The canonical bytes that were digested, if every signature of the response is by the certificate's key: those of the
/// response if it is signed itself, else those of its assertion.
///
/// Blocks for as long as libxml2 and xmlsec take; the response's shape lets them neither fetch nor run anything.
#[cfg(feature = "saml")]
pub(super) fn signed_by(response: &UnverifiedResponse, certificate: &[u8]) -> Option<String> {
    use samael::crypto::{AllowedSignatureAlgorithm as Allowed, Crypto, CryptoProvider as _, ReduceMode};

    const ALLOWED: [Allowed; 6] = [
        Allowed::RsaSha256,
        Allowed::RsaSha384,
        Allowed::RsaSha512,
        Allowed::EcdsaSha256,
        Allowed::EcdsaSha384,
        Allowed::EcdsaSha512,
    ];
    let certificates = [certificate.to_vec().into()];
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        &response.text,
        &certificates,
        ReduceMode::PreDigest,
        Some(&ALLOWED),
    )
    .ok()
}

/// Nothing: this build has no XML signature.
#[cfg(not(feature = "saml"))]
pub(super) fn signed_by(_response: &UnverifiedResponse, _certificate: &[u8]) -> Option<String> {
    None
}
