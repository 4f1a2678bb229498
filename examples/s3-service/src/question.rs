//! What is asked at `/authz/v1/verify`, and what is answered.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::StatusCode;
use s3s::S3ErrorCode;
use serde::{Deserialize, Serialize};

/// One question: may whoever signed this head do `action` on `resource`?
#[derive(Debug, Serialize)]
pub struct Question<'a> {
    pub method: &'a str,
    /// Path and query, raw, as they were on the wire.
    pub uri: &'a str,
    /// All of them, duplicates kept in order.
    pub headers: &'a [(String, String)],
    /// What the client signed as the hash of its body: 64 hexadecimal digits, or a name like `UNSIGNED-PAYLOAD`.
    pub body_sha256: &'a str,
    pub source_ip: IpAddr,
    pub secure_transport: bool,
    pub action: &'a str,
    pub resource: &'a str,
    pub context: &'a BTreeMap<&'static str, Vec<String>>,
}

/// The answer to a [`Question`] that the broker was willing to answer.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub decision: Verdict,
    pub reason: String,
    pub request_id: String,
    pub principal: Option<Principal>,
    pub error: Option<DenialError>,
}

/// The two decisions there are; anything else doesn't parse, and so is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Allow,
    Deny,
}

/// Who signed the request.
#[derive(Debug, Deserialize)]
pub struct Principal {
    pub arn: String,
}

/// What to tell the S3 client of a denial.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DenialError {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl DenialError {
    /// A plain `AccessDenied`, for a denial that came without words of its own.
    #[must_use]
    pub fn access_denied() -> Self {
        Self { status: 403, code: "AccessDenied".to_owned(), message: "Access Denied".to_owned() }
    }

    /// The status and code, as sent by the broker if it names an error, else 403.
    #[must_use]
    pub fn wire(&self) -> (StatusCode, S3ErrorCode) {
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::FORBIDDEN);
        (status, S3ErrorCode::from_bytes(self.code.as_bytes()).unwrap_or(S3ErrorCode::AccessDenied))
    }
}
