//! Why a request was refused, and the one place that turns it into an S3 answer.

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

use crate::question::DenialError;

/// Everything this service says no to; what the broker refuses is relayed as [`Refusal::Denied`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Anonymous access is forbidden for this operation")]
    Anonymous,
    #[error("The broker that decides about this request can't be asked now. Please try again.")]
    BrokerUnavailable,
    #[error("The request body ended before its declared length.")]
    BodyIncomplete,
    #[error(
        "Your socket connection to the server was not read from or written to within the timeout period."
    )]
    BodyTimeout,
    #[error("The {0} you specified did not match what we received.")]
    ChecksumMismatch(&'static str),
    #[error("The chunked body is malformed: {0}.")]
    ChunksMalformed(&'static str),
    #[error("{}", .0.message)]
    Denied(DenialError),
    #[error("Your proposed upload exceeds the maximum allowed object size of {0} bytes.")]
    EntityTooLarge(u64),
    #[error("`{name}` must be given once: {problem}.")]
    HeaderInvalid { name: &'static str, problem: &'static str },
    #[error("This service does not implement the header `{0}`.")]
    HeaderNotImplemented(String),
    #[error("Couldn't parse the specified URI.")]
    InvalidUri,
    #[error("Your key is too long: this service stores at most {0} bytes for this bucket.")]
    KeyTooLong(usize),
    #[error(
        "A key whose `/`-separated parts are empty, `.` or `..`, or that holds a control character, can't be stored here."
    )]
    KeyUnstorable,
    #[error("You must provide the Content-Length HTTP header.")]
    LengthRequired,
    #[error("Missing required header for this request: {0}")]
    MissingHeader(&'static str),
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    #[error("The operation {0} is not implemented by this service.")]
    OperationNotImplemented(String),
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    PayloadHashMismatch,
    #[error("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")]
    SignatureV2,
    #[error(
        "`{0}` is not supported: its chunk signatures need the signing key, which never leaves the broker. \
         Turn chunk signing off in the client (`chunkedEncodingEnabled(false)` in the AWS SDK for Java, \
         `payload_signing_enabled = true` in the AWS CLI and boto3) and send the body whole."
    )]
    SignedChunks(String),
    #[error("This operation takes no request body.")]
    UnexpectedBody,
}

impl Refusal {
    /// The HTTP status, and the S3 code, that this refusal is answered with.
    #[must_use]
    pub fn wire(&self) -> (StatusCode, S3ErrorCode) {
        let code = match self {
            Self::Anonymous => S3ErrorCode::AccessDenied,
            Self::BodyIncomplete => S3ErrorCode::IncompleteBody,
            Self::BodyTimeout => S3ErrorCode::RequestTimeout,
            Self::BrokerUnavailable => S3ErrorCode::ServiceUnavailable,
            Self::ChecksumMismatch(_) => S3ErrorCode::BadDigest,
            Self::ChunksMalformed(_)
            | Self::HeaderInvalid { .. }
            | Self::MissingHeader(_)
            | Self::SignatureV2
            | Self::UnexpectedBody => S3ErrorCode::InvalidRequest,
            Self::Denied(error) => return error.wire(),
            Self::EntityTooLarge(_) => S3ErrorCode::EntityTooLarge,
            Self::HeaderNotImplemented(_) | Self::OperationNotImplemented(_) | Self::SignedChunks(_) => {
                S3ErrorCode::NotImplemented
            }
            Self::InvalidUri => S3ErrorCode::InvalidURI,
            Self::KeyTooLong(_) => S3ErrorCode::KeyTooLongError,
            Self::KeyUnstorable => S3ErrorCode::InvalidArgument,
            Self::LengthRequired => S3ErrorCode::MissingContentLength,
            Self::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            Self::PayloadHashMismatch => {
                return (StatusCode::BAD_REQUEST, S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()));
            }
        };
        (code.status_code().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), code)
    }
}

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = refusal.wire();
        let mut error = Self::with_message(code, refusal.to_string());
        error.set_status_code(status);
        error
    }
}
