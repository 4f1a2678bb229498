//! What the caller knows of a body, what the request declares about it, and what is left to check.

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

use crate::canonical::sha256;
use crate::head::trimmed;
use crate::path::PathStyle;
use crate::refusal::Refusal;
use crate::request::{Form, SignedRequest};
use crate::verify::Rules;

pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const HEADER: &str = "x-amz-content-sha256";
const PARAMETER: &str = "X-Amz-Content-Sha256";

/// What the caller knows of the body.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'p> {
    /// All of it.
    Bytes(&'p [u8]),
    /// Its SHA-256.
    Sha256([u8; 32]),
    /// Nothing: verifying rests on what the request declares, signing writes `UNSIGNED-PAYLOAD`.
    Unread,
}

/// What a verified signature says of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedPayload {
    /// The body that was given is the one that was signed.
    Checked,
    /// The body was not given; whoever reads it must check that this is its SHA-256.
    Sha256([u8; 32]),
    /// The body comes in signed or checksummed chunks that whoever reads it must check.
    Streaming(Streaming),
    /// Nobody signed the body.
    Unsigned,
}

/// The framings of S3's chunked uploads (`STREAMING-…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: every chunk is signed, the request's signature is the seed.
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: as above, with a signed trailer.
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: a checksum in an unsigned trailer.
    UnsignedTrailer,
}

impl Streaming {
    /// The literal that stands for the payload hash.
    #[must_use]
    pub const fn literal(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }

    fn from_literal(text: &str) -> Option<Self> {
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer]
            .into_iter()
            .find(|kind| kind.literal() == text)
    }
}

/// The payload as it enters the canonical request.
pub(crate) struct Declared {
    pub(crate) text: String,
    pub(crate) kind: SignedPayload,
}

impl Declared {
    /// Settles the canonical payload hash, before any hash of a body that declares its own.
    pub(crate) fn settle(
        request: &SignedRequest<'_>,
        given: Payload<'_>,
        rules: Rules,
    ) -> Result<Self, Refusal> {
        let Some(text) = declaration(request)? else {
            return Self::undeclared(request.form, given, rules);
        };
        let kind = if text == UNSIGNED {
            rules.unsigned_payload.then_some(SignedPayload::Unsigned)
        } else if let Some(streaming) = Streaming::from_literal(&text) {
            let signed = streaming != Streaming::UnsignedTrailer || rules.unsigned_payload;
            (rules.streaming_payload && signed).then_some(SignedPayload::Streaming(streaming))
        } else {
            let digest = parse_hex(&text).ok_or_else(|| malformed(&text))?;
            Some(SignedPayload::Sha256(digest))
        };
        let kind = kind.ok_or_else(|| Refusal::PayloadUnsigned { declared: text.clone() })?;
        Ok(Self { text, kind })
    }

    /// Presigned S3 requests never declare a hash and never sign one; all others sign the body's.
    fn undeclared(form: Form, given: Payload<'_>, rules: Rules) -> Result<Self, Refusal> {
        let presigned = matches!(form, Form::Presigned { .. });
        let unread = matches!(given, Payload::Unread) || rules.path == PathStyle::Verbatim;
        if presigned && unread && rules.unsigned_payload {
            return Ok(Self { text: UNSIGNED.into(), kind: SignedPayload::Unsigned });
        }
        let digest = given.digest().ok_or(Refusal::PayloadUndeclared)?;
        Ok(Self { text: hex_text(&digest), kind: SignedPayload::Checked })
    }

    /// Compares a declared hash with the body's, once the signature over the declaration is known to be right.
    pub(crate) fn check(self, given: Payload<'_>) -> Result<SignedPayload, Refusal> {
        let SignedPayload::Sha256(declared) = self.kind else { return Ok(self.kind) };
        let Some(actual) = given.digest() else { return Ok(self.kind) };
        if bool::from(declared.ct_eq(&actual)) {
            return Ok(SignedPayload::Checked);
        }
        Err(Refusal::PayloadMismatch { declared, actual })
    }
}

impl Payload<'_> {
    pub(crate) fn digest(self) -> Option<[u8; 32]> {
        match self {
            Self::Bytes(bytes) => Some(sha256(bytes)),
            Self::Sha256(digest) => Some(digest),
            Self::Unread => None,
        }
    }
}

/// The hash of the header, or of the query of a presigned request; both is one too many.
fn declaration(request: &SignedRequest<'_>) -> Result<Option<String>, Refusal> {
    let header = request.head.single(HEADER)?;
    let parameter = match request.form {
        Form::Header => None,
        Form::Presigned { .. } => request.query.value(PARAMETER),
    };
    match (header, parameter) {
        (Some(_), Some(_)) => Err(Refusal::HeaderDuplicated { name: HEADER }),
        (Some(value), None) => {
            let text = trimmed(value).ok_or_else(|| malformed(&String::from_utf8_lossy(value)))?;
            Ok(Some(text.to_owned()))
        }
        (None, parameter) => Ok(parameter.map(std::borrow::Cow::into_owned)),
    }
}

fn malformed(text: &str) -> Refusal {
    Refusal::PayloadHashMalformed { seen: crate::refusal::excerpt(text) }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    HEXLOWER.decode_mut(text.as_bytes(), &mut digest).ok()?;
    Some(digest)
}

pub(crate) fn hex_text(digest: &[u8; 32]) -> String {
    HEXLOWER.encode(digest)
}
