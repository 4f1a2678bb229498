//! What a request says about its body: `x-amz-content-sha256` and the headers that go with it.

use http::HeaderMap;

use crate::checksum::Algorithm;
use crate::refusal::Refusal;

/// The hash of no bytes at all.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// How the body is bound to the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The signature covers this SHA-256, in lower-case hexadecimal.
    Sha256(String),
    /// Not at all: the broker decides whether that will do.
    Unsigned,
    /// In aws-chunked framing, with a checksum after the last chunk that the signature doesn't cover either.
    UnsignedTrailer { decoded_length: u64, checksum: Algorithm },
}

impl Payload {
    /// Reads the payload headers of a request; `presigned` says that the signature is in the query.
    ///
    /// # Errors
    /// Chunk signatures, framing without its header or a header without the framing, missing lengths.
    pub fn parse(
        headers: &HeaderMap,
        query_value: Option<&str>,
        presigned: bool,
        has_body: bool,
    ) -> Result<Self, Refusal> {
        let value = match (single(headers, "x-amz-content-sha256")?, query_value) {
            (Some(value), None) | (None, Some(value)) => value,
            (Some(value), Some(other)) if value == other => value,
            (Some(_), Some(_)) => {
                return Err(Refusal::HeaderInvalid {
                    name: "x-amz-content-sha256",
                    problem: "the header and the query parameter differ",
                });
            }
            (None, None) if presigned => UNSIGNED,
            (None, None) if !has_body => EMPTY_SHA256,
            (None, None) => return Err(Refusal::MissingHeader("x-amz-content-sha256")),
        };
        let payload = match value {
            UNSIGNED => Self::Unsigned,
            UNSIGNED_TRAILER => Self::unsigned_trailer(headers)?,
            streaming if streaming.starts_with("STREAMING-") => {
                return Err(Refusal::SignedChunks(streaming.chars().take(64).collect()));
            }
            hash if is_sha256(hash) => Self::Sha256(hash.to_owned()),
            _ => {
                return Err(Refusal::HeaderInvalid {
                    name: "x-amz-content-sha256",
                    problem: "it must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value",
                });
            }
        };
        payload.agrees_with_encoding(headers)?;
        Ok(payload)
    }

    /// The value that the client signed.
    #[must_use]
    pub fn signed_value(&self) -> &str {
        match self {
            Self::Sha256(hash) => hash,
            Self::Unsigned => UNSIGNED,
            Self::UnsignedTrailer { .. } => UNSIGNED_TRAILER,
        }
    }

    fn unsigned_trailer(headers: &HeaderMap) -> Result<Self, Refusal> {
        let decoded_length = single(headers, "x-amz-decoded-content-length")?
            .ok_or(Refusal::MissingHeader("x-amz-decoded-content-length"))?
            .parse()
            .map_err(|_| Refusal::HeaderInvalid {
                name: "x-amz-decoded-content-length",
                problem: "it must be a number of bytes",
            })?;
        let trailer = single(headers, "x-amz-trailer")?.ok_or(Refusal::MissingHeader("x-amz-trailer"))?;
        let checksum = Algorithm::of_header(trailer).ok_or(Refusal::HeaderInvalid {
            name: "x-amz-trailer",
            problem: "it must name one of x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1 and -sha256",
        })?;
        Ok(Self::UnsignedTrailer { decoded_length, checksum })
    }

    fn agrees_with_encoding(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let encoding = single(headers, "content-encoding")?.unwrap_or_default();
        let chunked = encoding.split(',').any(is_aws_chunked);
        if chunked != matches!(self, Self::UnsignedTrailer { .. }) {
            return Err(Refusal::HeaderInvalid {
                name: "content-encoding",
                problem: "aws-chunked goes with STREAMING-UNSIGNED-PAYLOAD-TRAILER, and with nothing else",
            });
        }
        Ok(())
    }
}

/// The value of a header that may be sent once.
///
/// # Errors
/// Sent twice, or not text.
pub fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::HeaderInvalid { name, problem: "it was sent twice" });
    }
    value.to_str().map(Some).map_err(|_| Refusal::HeaderInvalid { name, problem: "it is not plain text" })
}

/// Whether this is the content coding that stands for the framing.
#[must_use]
pub fn is_aws_chunked(coding: &str) -> bool {
    coding.trim().eq_ignore_ascii_case("aws-chunked")
}

fn is_sha256(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
