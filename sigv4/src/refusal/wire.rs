//! AWS's own words for each refusal.
//!
//! Nothing of a header is echoed but excerpts of what AWS echoes too; the whole header is shown as its hash, as
//! AWS does since its messages stopped repeating it.

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};

use super::{Refusal, ScopeFault};
use crate::time::{MAX_SKEW, basic};

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
    Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

const HASHED: &str = "(hashed with SHA-256 and encoded with Base64)";

pub(super) fn message(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AlgorithmUnsupported { seen } => format!("Unsupported AWS 'algorithm': '{seen}'"),
        Refusal::AuthorizationDuplicated => "Found more than one 'Authorization' HTTP header.".into(),
        Refusal::AuthorizationIncomplete { missing, header_digest } => {
            let wanted = missing.iter().map(|what| format!("Authorization header requires {what}. "));
            format!("{}{HASHED} Authorization={}", wanted.collect::<String>(), BASE64.encode(header_digest))
        }
        Refusal::AuthorizationMalformed { part, header_digest } => format!(
            "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header {HASHED}: '{}'.",
            BASE64.encode(header_digest)
        ),
        Refusal::BothForms { parameter } => {
            format!("Found both '{parameter}' as a query-string param and 'Authorization' as HTTP header.")
        }
        Refusal::ChunkedBody => "The 'aws-chunked' content encoding is not supported.".into(),
        Refusal::CredentialMalformed { seen } => format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{seen}'"
        ),
        Refusal::DateMalformed { seen } => format!(
            "Date must be in ISO-8601 'basic format'. Got '{seen}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ),
        Refusal::Expired { signed_at, now } => expired(*signed_at, *now),
        Refusal::ExpiryOutOfRange { .. } => {
            "X-Amz-Expires must be a number of seconds from 1 to 604800.".into()
        }
        Refusal::HeaderDuplicated { name } => format!("Found more than one '{name}' HTTP header."),
        Refusal::HeaderNotSigned { name } if name == "host" => {
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".into()
        }
        Refusal::HeaderNotSigned { name } => {
            format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")
        }
        Refusal::NotYetCurrent { signed_at, now } => not_yet_current(*signed_at, *now),
        Refusal::ParameterDuplicated { name } => format!("Duplicate query parameter: {name}"),
        Refusal::PresignExpired { signed_at, expires, now } => presign_expired(*signed_at, *expires, *now),
        Refusal::QueryIncomplete { missing } => {
            let wanted =
                missing.iter().map(|name| format!("AWS query-string parameters must include '{name}'. "));
            format!("{}Re-examine the query-string parameters.", wanted.collect::<String>())
        }
        Refusal::Scope { faults } => faults.iter().map(scope).collect(),
        Refusal::SignedHeadersMalformed { .. } => {
            "'SignedHeaders' must be lower-case header names in ascending order.".into()
        }
        Refusal::TokenMalformed => "The security token included in the request is invalid.".into(),
        Refusal::TokenOutsideQuery => {
            "The 'X-Amz-Security-Token' of a presigned request must be a query-string parameter.".into()
        }
        Refusal::TooLarge { what, limit } => format!("Request has more than {limit} {what}."),
        Refusal::Unsigned => "Request is missing Authentication Token".into(),
        // What a stranger would learn from a finer answer helps only to forge.
        Refusal::MethodMalformed { .. }
        | Refusal::PathMalformed { .. }
        | Refusal::PathRelative
        | Refusal::PayloadHashMalformed { .. }
        | Refusal::PayloadMismatch { .. }
        | Refusal::PayloadUndeclared
        | Refusal::PayloadUnsigned { .. }
        | Refusal::QueryMalformed { .. }
        | Refusal::SignatureMalformed
        | Refusal::SignatureMismatch(_)
        | Refusal::SignedHeaderAbsent { .. } => MISMATCH.into(),
    }
}

fn expired(signed_at: Timestamp, now: Timestamp) -> String {
    let bound = now.saturating_sub(MAX_SKEW).map_or_else(|_| String::new(), basic);
    format!("Signature expired: {} is now earlier than {bound} ({} - 15 min.)", basic(signed_at), basic(now))
}

fn not_yet_current(signed_at: Timestamp, now: Timestamp) -> String {
    let bound = now.saturating_add(MAX_SKEW).map_or_else(|_| String::new(), basic);
    let signed_at = basic(signed_at);
    format!("Signature not yet current: {signed_at} is still later than {bound} ({} + 15 min.)", basic(now))
}

fn presign_expired(signed_at: Timestamp, expires: u32, now: Timestamp) -> String {
    let end = signed_at.saturating_add(SignedDuration::from_secs(i64::from(expires)));
    let end = end.map_or_else(|_| String::new(), basic);
    format!("Signature expired: {end} is now earlier than {}", basic(now))
}

/// AWS joins these; region and service end in a space.
fn scope(fault: &ScopeFault) -> String {
    match fault {
        ScopeFault::Region { .. } => "Credential should be scoped to a valid region. ".into(),
        ScopeFault::Service { wanted, .. } => {
            format!("Credential should be scoped to correct service: '{wanted}'. ")
        }
        ScopeFault::Terminator { .. } => {
            format!("Credential should be scoped with a valid terminator: '{}'", crate::TERMINATOR)
        }
        ScopeFault::Date { .. } => {
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP".into()
        }
    }
}
