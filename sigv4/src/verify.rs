//! The verifier: required headers, time, then one comparison of signatures, then the body.

use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::ALGORITHM;
use crate::canonical::{CanonicalRequest, StringToSign};
use crate::key::SigningKey;
use crate::path::PathStyle;
use crate::payload::{Declared, Payload, SignedPayload};
use crate::refusal::{Mismatch, Refusal};
use crate::request::{Form, ScopedRequest, SignedRequest};

/// How a service differs in what it lets clients sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How the path is canonicalised.
    pub path: PathStyle,
    /// Whether a body may go unsigned: `UNSIGNED-PAYLOAD` and `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    pub unsigned_payload: bool,
    /// Whether a body may come in chunks (`aws-chunked`, `STREAMING-…`).
    pub streaming_payload: bool,
}

impl Rules {
    /// STS, IAM and every service but S3: the body is signed, always.
    pub const STANDARD: Self =
        Self { path: PathStyle::Normalized, unsigned_payload: false, streaming_payload: false };

    /// S3 as its clients expect it.
    pub const S3: Self = Self { path: PathStyle::Verbatim, unsigned_payload: true, streaming_payload: true };
}

/// Proof that the holder of the key signed this request; only [`verify`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedSignature<'r> {
    access_key_id: &'r str,
    signature: [u8; 32],
    signed_at: Timestamp,
    payload: SignedPayload,
}

impl<'r> VerifiedSignature<'r> {
    /// The id that the request gave for its key; whoever chose the key vouches that it is this id's.
    #[must_use]
    pub fn access_key_id(&self) -> &'r str {
        self.access_key_id
    }

    /// The signature, seed of the signatures of chunks.
    #[must_use]
    pub fn signature(&self) -> &[u8; 32] {
        &self.signature
    }

    /// When the request was signed.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// What the signature says of the body, and what is left to check.
    #[must_use]
    pub fn payload(&self) -> SignedPayload {
        self.payload
    }
}

/// Verifies the signature of a request whose key was found and whose token was opened.
///
/// In order: framing, required signed headers, time (±15 minutes, or the presigned window), the signature over
/// the declared body hash, the body against that hash.
pub fn verify<'r>(
    scoped: ScopedRequest<'r, '_>,
    key: &SigningKey,
    payload: Payload<'_>,
    rules: Rules,
    now: Timestamp,
) -> Result<VerifiedSignature<'r>, Refusal> {
    let request = scoped.request();
    check_framing(request, rules)?;
    check_signed(request)?;
    match request.form {
        Form::Header => request.signed_at.check_skew(now)?,
        Form::Presigned { expires } => request.signed_at.check_window(expires, now)?,
    }
    let declared = Declared::settle(request, payload, rules)?;
    check_signature(request, key, &declared.text, rules.path)?;
    Ok(VerifiedSignature {
        access_key_id: request.access_key_id(),
        signature: request.signature,
        signed_at: request.signed_at.instant,
        payload: declared.check(payload)?,
    })
}

fn check_framing(request: &SignedRequest<'_>, rules: Rules) -> Result<(), Refusal> {
    let chunked = |value: &[u8]| {
        value
            .split(|byte| *byte == b',')
            .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"aws-chunked"))
    };
    if !rules.streaming_payload && request.head.values("content-encoding").any(chunked) {
        return Err(Refusal::ChunkedBody);
    }
    Ok(())
}

/// A header that decides something must be signed, and a header that is said to be signed must be there.
fn check_signed(request: &SignedRequest<'_>) -> Result<(), Refusal> {
    if !request.signs("host") && !request.signs(":authority") {
        return Err(Refusal::HeaderNotSigned { name: "host".into() });
    }
    if let Some(name) = request.date_header.filter(|name| !request.signs(name)) {
        return Err(Refusal::HeaderNotSigned { name: name.into() });
    }
    for (name, _) in request.head.headers {
        let amz = name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-amz-"));
        let decides = amz || ["host", "content-type"].iter().any(|other| name.eq_ignore_ascii_case(other));
        if decides && !request.signs(name) {
            return Err(Refusal::HeaderNotSigned {
                name: crate::refusal::excerpt(name).to_ascii_lowercase(),
            });
        }
    }
    // Two of either would leave it to chance which one the next reader believes.
    request.head.single("host")?;
    request.head.single("content-type")?;
    for name in request.signed_headers() {
        if request.head.values(name).next().is_none() {
            return Err(Refusal::SignedHeaderAbsent { name: crate::refusal::excerpt(name) });
        }
    }
    Ok(())
}

fn check_signature(
    request: &SignedRequest<'_>,
    key: &SigningKey,
    payload: &str,
    style: PathStyle,
) -> Result<(), Refusal> {
    let canonical = CanonicalRequest {
        method: request.head.method,
        path: request.head.path,
        style,
        query: &request.query,
        headers: request.head.headers,
        signed_headers: &request.signed_headers,
        payload,
    };
    let string = StringToSign {
        algorithm: ALGORITHM,
        timestamp: &request.signed_at.basic,
        scope: [request.date(), request.region(), request.service()],
        request_digest: canonical.digest(),
    };
    // INVARIANT: the comparison takes the same time wherever the signatures part.
    if bool::from(key.sign(&string).ct_eq(&request.signature)) {
        return Ok(());
    }
    let mismatch = Mismatch { canonical_request: canonical.text(), string_to_sign: string.text() };
    Err(Refusal::SignatureMismatch(Box::new(mismatch)))
}
