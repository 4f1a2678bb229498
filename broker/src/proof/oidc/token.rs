//! A token as it arrived: of the one accepted form, and nothing in it believed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::json::Object;
use super::refusal::Refusal;
use super::signature;

/// Header parameters that change what a signature covers, bring a key of the sender's own, or belong to
/// encryption; a token with one of them is refused rather than read without it.
const REFUSED_PARAMETERS: &[&str] = &[
    "crit", "b64", "jwk", "jku", "x5c", "x5u", "enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c",
];

const LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;
const MAX_KID: usize = 1_024;

/// A well-formed JWS in compact form (RFC 7515 §7.1) whose signature nobody has verified.
///
/// **Whatever it says is the sender's word.** It shows only what is needed to find the provider and to
/// know whether to look for a new key; neither may decide anything else. Its `Debug` form shows no claim.
#[derive(Clone)]
pub struct UnverifiedToken<'t> {
    text: &'t str,
    algorithm: String,
    kid: Option<String>,
    claims: Claims,
}

impl<'t> UnverifiedToken<'t> {
    /// Reads the compact form, of 4 to 20,000 characters; line ends after it are cut off.
    ///
    /// Base64url must be canonical and unpadded, JSON must be of bounded depth without a member named
    /// twice, registered claims must have their JSON types.
    pub fn parse(text: &'t str) -> Result<Self, Refusal> {
        let text = text.trim_end_matches(['\r', '\n']);
        // A character is at most four bytes: only a text near the limit is worth counting.
        let characters = if text.len() > 80_000 { text.len() } else { text.chars().count() };
        if !LENGTH.contains(&characters) {
            return Err(Refusal::Length { characters });
        }
        let envelope = Envelope::open(text)?;
        let claims: Claims =
            serde_json::from_slice(&envelope.payload).map_err(|error| malformed("payload", error))?;
        let Envelope { algorithm, kid, .. } = envelope;
        Ok(Self { text, algorithm, kid, claims })
    }

    /// The issuer that the token claims; only a signature by that issuer's key makes it true.
    pub fn issuer(&self) -> &str {
        &self.claims.issuer
    }

    /// The key that the token claims to be signed with: compared with key ids, never a path or a query.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The claims and the part of the token that the signature covers, if it is by `key`: nothing else lets the claims
    /// out. They were read from that very part.
    pub(super) fn signed_by(
        self,
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<(Claims, &'t str), Refusal> {
        let refused = |problem: String| Refusal::Signature { problem };
        let (signed, signature) = self.text.rsplit_once('.').unwrap_or_default();
        match signature::verify(algorithm.jws(), key, signed.as_bytes(), signature) {
            Ok(true) => Ok((self.claims, signed)),
            Ok(false) => Err(refused("InvalidSignature".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedToken(..)")
    }
}

/// A JWS whose payload may be anything.
pub(super) struct Envelope {
    pub(super) algorithm: String,
    pub(super) kid: Option<String>,
    payload: Vec<u8>,
}

impl Envelope {
    pub(super) fn open(text: &str) -> Result<Self, Refusal> {
        let [header, payload, signature] = segments(text)?;
        if decode("signature", signature)?.is_empty() {
            return Err(malformed("signature", "it is empty"));
        }
        let header = decode("header", header)?;
        let header = Object::parse(&header).map_err(|error| malformed("header", error))?;
        let (algorithm, kid) = hints(&header)?;
        Ok(Self { algorithm, kid, payload: decode("payload", payload)? })
    }
}

fn segments(text: &str) -> Result<[&str; 3], Refusal> {
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ if text.trim_start().starts_with('{') => {
            Err(malformed("token", "JSON serialisation, not the compact form"))
        }
        (_, _, _, Some(_)) => Err(malformed("token", "more than three segments, as encrypted tokens have")),
        _ => Err(malformed("token", "fewer than three segments")),
    }
}

fn decode(part: &'static str, segment: &str) -> Result<Vec<u8>, Refusal> {
    // The engine refuses padding and non-zero trailing bits, so a token has exactly one spelling.
    URL_SAFE_NO_PAD.decode(segment).map_err(|error| malformed(part, error))
}

fn hints(header: &Object) -> Result<(String, Option<String>), Refusal> {
    for name in REFUSED_PARAMETERS {
        if header.member(name).is_some() {
            return Err(malformed("header", format_args!("the parameter `{name}` is not accepted")));
        }
    }
    let wrong = |error| malformed("header", error);
    let algorithm =
        header.text("alg").map_err(wrong)?.ok_or_else(|| malformed("header", "there is no `alg`"))?;
    let kid = header.text("kid").map_err(wrong)?;
    if kid.is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(malformed("header", "`kid` has more than 1024 bytes"));
    }
    Ok((algorithm.to_owned(), kid.map(str::to_owned)))
}

fn malformed(part: &'static str, problem: impl fmt::Display) -> Refusal {
    Refusal::Malformed { part, problem: problem.to_string() }
}
