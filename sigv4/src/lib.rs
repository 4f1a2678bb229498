//! AWS Signature Version 4: parse a signed request, canonicalise it, verify it, and sign one.
//!
//! One way through: [`parse`] → [`SignedRequest`] → [`SignedRequest::check_scope`] → [`ScopedRequest`] → (the
//! caller looks up the key and opens the token) → [`verify()`] → [`VerifiedSignature`]. Nothing here reads a clock,
//! a socket or the environment.

mod authorization;
mod canonical;
mod credential;
mod encoding;
mod head;
mod key;
mod path;
mod payload;
mod presigned;
mod query;
mod refusal;
mod request;
mod sign;
mod time;
mod verify;

pub use canonical::{CanonicalRequest, StringToSign};
pub use encoding::EncodingError;
pub use head::{Head, Limits};
pub use key::SigningKey;
pub use path::PathStyle;
pub use payload::{Payload, SignedPayload, Streaming};
pub use query::CanonicalQuery;
pub use refusal::{Class, Mismatch, Refusal, ScopeFault};
pub use request::{Form, ScopedRequest, SignedRequest, parse};
pub use sign::{Credentials, Signing, presign, sign};
pub use time::MAX_SKEW;
pub use verify::{Rules, VerifiedSignature, verify};

/// The one algorithm that this crate verifies; `SigV2` and `SigV4a` are refused by name.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last element of every credential scope.
pub const TERMINATOR: &str = "aws4_request";
