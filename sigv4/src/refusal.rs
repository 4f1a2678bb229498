//! Why a signature was refused: for the operator what was seen and wanted, for the sender AWS's words.

use jiff::Timestamp;

use crate::encoding::EncodingError;

mod wire;

/// The AWS error that a refusal answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The parts of the signature are missing, malformed or of another algorithm.
    IncompleteSignature,
    /// The session token is not even text.
    InvalidClientTokenId,
    /// Nothing signs the request.
    MissingAuthenticationToken,
    /// The signature isn't one of this request, key, service and time.
    SignatureDoesNotMatch,
    /// The request is too large, repeats a parameter or is framed in a way the service doesn't take.
    ValidationError,
}

/// What was computed when a signature didn't match, session tokens hidden; never the signature that would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The canonical request as the verifier sees it.
    pub canonical_request: String,
    /// The string to sign, over the digest of the canonical request with nothing hidden.
    pub string_to_sign: String,
}

/// One thing wrong with a credential scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    /// The scope is of another day than the request.
    #[error("scope date `{seen}` is not the day of `{signed_at}`")]
    Date {
        /// The date in the scope.
        seen: String,
        /// The request's own time, `YYYYMMDDTHHMMSSZ`.
        signed_at: String,
    },
    /// The region isn't of a valid shape.
    #[error("region `{seen}` is not well-formed")]
    Region {
        /// The region in the scope.
        seen: String,
    },
    /// The scope is of another service.
    #[error("service is `{seen}`, wanted `{wanted}`")]
    Service {
        /// The service in the scope.
        seen: String,
        /// The service that was asked.
        wanted: String,
    },
    /// The scope doesn't end in `aws4_request`.
    #[error("terminator is `{seen}`, wanted `aws4_request`")]
    Terminator {
        /// The last element of the scope.
        seen: String,
    },
}

/// The step that refused a request; `Display` is for the operator, [`Refusal::message`] for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named in each variant's message")]
#[non_exhaustive]
pub enum Refusal {
    #[error("algorithm is `{seen}`, only `AWS4-HMAC-SHA256` is verified")]
    AlgorithmUnsupported { seen: String },
    #[error("more than one authorization header")]
    AuthorizationDuplicated,
    #[error("authorization header lacks {}", missing.join(", "))]
    AuthorizationIncomplete { missing: Vec<&'static str>, header_digest: [u8; 32] },
    #[error("authorization header has an unknown, repeated or malformed parameter `{part}`")]
    AuthorizationMalformed { part: String, header_digest: [u8; 32] },
    #[error("an authorization header and query parameter `{parameter}`")]
    BothForms { parameter: &'static str },
    #[error("body is `aws-chunked`, which this service does not take")]
    ChunkedBody,
    #[error("credential `{seen}` is not key id, date, region, service, terminator")]
    CredentialMalformed { seen: String },
    #[error("date is `{seen}`, wanted `YYYYMMDDTHHMMSSZ`")]
    DateMalformed { seen: String },
    #[error("signed at {signed_at}, more than 15 minutes before {now}")]
    Expired { signed_at: Timestamp, now: Timestamp },
    #[error("expiry is `{seen}`, wanted 1 to 604800 seconds")]
    ExpiryOutOfRange { seen: String },
    #[error("header `{name}` was sent more than once")]
    HeaderDuplicated { name: &'static str },
    #[error("header `{name}` was sent or is required, but is not signed")]
    HeaderNotSigned { name: String },
    #[error("method is `{seen}`, wanted upper-case letters")]
    MethodMalformed { seen: String },
    #[error("signed at {signed_at}, more than 15 minutes after {now}")]
    NotYetCurrent { signed_at: Timestamp, now: Timestamp },
    #[error("query parameter `{name}` was sent more than once")]
    ParameterDuplicated { name: String },
    #[error("path has {cause}")]
    PathMalformed { cause: EncodingError },
    #[error("path does not start with `/`")]
    PathRelative,
    #[error("payload hash `{seen}` is neither 64 lower-case hexadecimal digits nor a known literal")]
    PayloadHashMalformed { seen: String },
    #[error(
        "body hash is `{}`, signed was `{}`",
        crate::payload::hex_text(actual),
        crate::payload::hex_text(declared)
    )]
    PayloadMismatch { declared: [u8; 32], actual: [u8; 32] },
    #[error("neither a body nor a declared hash of it")]
    PayloadUndeclared,
    #[error("payload is `{declared}`, which this service does not take")]
    PayloadUnsigned { declared: String },
    #[error("presigned at {signed_at} for {expires} s, now it is {now}")]
    PresignExpired { signed_at: Timestamp, expires: u32, now: Timestamp },
    #[error("query lacks {}", missing.join(", "))]
    QueryIncomplete { missing: Vec<&'static str> },
    #[error("query has {cause}")]
    QueryMalformed { cause: EncodingError },
    #[error("credential scope: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Scope { faults: Vec<ScopeFault> },
    #[error("signature is not 64 lower-case hexadecimal digits")]
    SignatureMalformed,
    #[error("signature does not match; string to sign was `{}`", .0.string_to_sign.escape_debug())]
    SignatureMismatch(Box<Mismatch>),
    #[error("header `{name}` is signed, but was not sent")]
    SignedHeaderAbsent { name: String },
    #[error("signed headers `{seen}` are not lower-case names in ascending order")]
    SignedHeadersMalformed { seen: String },
    #[error("session token is not text")]
    TokenMalformed,
    #[error("session token of a presigned request is in a header")]
    TokenOutsideQuery,
    #[error("more than {limit} {what}")]
    TooLarge { what: &'static str, limit: usize },
    /// For callers to whom an unsigned request is an error: `parse(..)?.ok_or(Refusal::Unsigned)`.
    #[error("request is not signed")]
    Unsigned,
}

impl Refusal {
    /// The AWS error to answer with.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::AlgorithmUnsupported { .. }
            | Self::AuthorizationDuplicated
            | Self::AuthorizationIncomplete { .. }
            | Self::AuthorizationMalformed { .. }
            | Self::BothForms { .. }
            | Self::CredentialMalformed { .. }
            | Self::DateMalformed { .. }
            | Self::ExpiryOutOfRange { .. }
            | Self::HeaderDuplicated { .. }
            | Self::QueryIncomplete { .. }
            | Self::SignedHeadersMalformed { .. }
            | Self::TokenOutsideQuery => Class::IncompleteSignature,
            Self::Expired { .. }
            | Self::HeaderNotSigned { .. }
            | Self::MethodMalformed { .. }
            | Self::NotYetCurrent { .. }
            | Self::PathMalformed { .. }
            | Self::PathRelative
            | Self::PayloadHashMalformed { .. }
            | Self::PayloadMismatch { .. }
            | Self::PayloadUndeclared
            | Self::PayloadUnsigned { .. }
            | Self::PresignExpired { .. }
            | Self::QueryMalformed { .. }
            | Self::Scope { .. }
            | Self::SignatureMalformed
            | Self::SignatureMismatch(_)
            | Self::SignedHeaderAbsent { .. } => Class::SignatureDoesNotMatch,
            Self::ChunkedBody | Self::ParameterDuplicated { .. } | Self::TooLarge { .. } => {
                Class::ValidationError
            }
            Self::TokenMalformed => Class::InvalidClientTokenId,
            Self::Unsigned => Class::MissingAuthenticationToken,
        }
    }

    /// The message that AWS sends with it.
    #[must_use]
    pub fn message(&self) -> String {
        wire::message(self)
    }
}

/// At most 64 characters of a stranger's text, printable ASCII only.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}
