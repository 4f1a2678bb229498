//! The header form: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.

use crate::canonical::sha256;
use crate::refusal::{Refusal, excerpt};

/// The three parameters, none of them checked yet.
pub(crate) struct Authorization<'a> {
    pub(crate) credential: &'a str,
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

/// Reads the value of the header; `dated` says whether a date header was sent, since AWS names all that is missing.
pub(crate) fn parse(value: &[u8], dated: bool) -> Result<Authorization<'_>, Refusal> {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.trim_ascii(),
        Err(_) => return Err(Refusal::AlgorithmUnsupported { seen: "not UTF-8".into() }),
    };
    let (algorithm, parameters) = text.split_once(' ').unwrap_or((text, ""));
    check_algorithm(algorithm)?;

    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for parameter in parameters.split(',').map(str::trim_ascii).filter(|parameter| !parameter.is_empty()) {
        let malformed =
            || Refusal::AuthorizationMalformed { part: excerpt(parameter), header_digest: sha256(value) };
        let (name, value) = parameter.split_once('=').ok_or_else(malformed)?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(malformed()),
        };
        if slot.replace(value).is_some() {
            return Err(malformed());
        }
    }

    match (credential, signed_headers, signature) {
        (Some(credential), Some(signed_headers), Some(signature)) if dated => {
            Ok(Authorization { credential, signed_headers, signature })
        }
        _ => {
            let wanted = [
                (credential.is_some(), "'Credential' parameter"),
                (signature.is_some(), "'Signature' parameter"),
                (signed_headers.is_some(), "'SignedHeaders' parameter"),
                (dated, "existence of either a 'X-Amz-Date' or a 'Date' header"),
            ];
            let missing = wanted.into_iter().filter(|(present, _)| !present).map(|(_, what)| what).collect();
            Err(Refusal::AuthorizationIncomplete { missing, header_digest: sha256(value) })
        }
    }
}

/// The allow-list of one; `SigV2` (`AWS`), `SigV4a` and everything else is refused by the name it gave.
pub(crate) fn check_algorithm(algorithm: &str) -> Result<(), Refusal> {
    if algorithm == crate::ALGORITHM {
        return Ok(());
    }
    Err(Refusal::AlgorithmUnsupported { seen: excerpt(algorithm) })
}
