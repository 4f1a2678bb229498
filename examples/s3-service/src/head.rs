//! The head of a request as the client signed it, taken off before s3s sees the request.

use std::net::IpAddr;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Method, Uri, Version, header};
use percent_encoding::percent_decode_str;

use crate::payload::{Payload, is_aws_chunked};
use crate::refusal::Refusal;

/// Longer request targets are refused: S3 keys end at 1,024 bytes, tokens in a query at 5,462.
const URI_MAX: usize = 16 * 1024;
/// More query parameters are refused.
const PARAMETERS_MAX: usize = 100;

/// The parameters that carry a presigned URL's authentication.
const SIGNATURE_PARAMETERS: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Headers that would change who may do what with an object; the directory backend would drop them silently.
const NOT_IMPLEMENTED: [&str; 8] = [
    "x-amz-acl",
    "x-amz-grant-",
    "x-amz-object-lock-",
    "x-amz-server-side-encryption",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-amz-mfa",
];

/// A request's head, whole, as the broker needs it to check the signature.
pub struct SignedHead {
    pub method: Method,
    /// Path and query, raw.
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub payload: Payload,
    pub has_body: bool,
    pub source_ip: IpAddr,
    /// The query's parameters without the signature's, decoded as s3s decodes them.
    pub parameters: Vec<(String, String)>,
    /// `x-amz-copy-source`, raw.
    pub copy_source: Option<String>,
}

impl std::fmt::Debug for SignedHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedHead").field("method", &self.method).finish_non_exhaustive()
    }
}

impl SignedHead {
    /// Takes the signature and the framing's headers off `parts`, and keeps what they were.
    ///
    /// # Errors
    /// No signature at all, and whatever could be read in two ways: see [`Refusal`].
    pub fn take(parts: &mut Parts, has_body: bool, source_ip: IpAddr) -> Result<Self, Refusal> {
        let uri = origin_form(&parts.uri, parts.version)?.to_owned();
        let headers = text_headers(&parts.headers)?;
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        if !parts.headers.contains_key(header::AUTHORIZATION) && !query.presigned {
            let version_2 = query.parameters.iter().any(|(name, _)| name == "AWSAccessKeyId");
            return Err(if version_2 { Refusal::SignatureV2 } else { Refusal::Anonymous });
        }
        not_twice(&parts.headers)?;
        not_implemented(&parts.headers)?;
        let payload =
            Payload::parse(&parts.headers, query.content_sha256.as_deref(), query.presigned, has_body)?;
        let copy_source =
            parts.headers.get("x-amz-copy-source").and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);

        parts.uri = without_signature(parts.uri.path(), &query.kept)?;
        strip(&mut parts.headers, &payload);
        Ok(Self {
            method: parts.method.clone(),
            uri,
            headers,
            payload,
            has_body,
            source_ip,
            parameters: query.parameters,
            copy_source,
        })
    }

    /// The value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn origin_form(uri: &Uri, version: Version) -> Result<&str, Refusal> {
    let target = uri.path_and_query().map(PathAndQuery::as_str).filter(|target| target.starts_with('/'));
    match target {
        Some(target)
            if version == Version::HTTP_11 && uri.authority().is_none() && target.len() <= URI_MAX =>
        {
            Ok(target)
        }
        _ => Err(Refusal::InvalidUri),
    }
}

fn text_headers(headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| Refusal::HeaderInvalid {
                name: "a header",
                problem: "its value is not UTF-8",
            })?;
            Ok((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

/// A header that says what to do may be sent once: of two, we and the signature could mean different ones.
fn not_twice(headers: &HeaderMap) -> Result<(), Refusal> {
    let twice = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-amz-") || *name == header::HOST)
        .any(|name| headers.get_all(name).iter().nth(1).is_some());
    if twice {
        return Err(Refusal::HeaderInvalid { name: "x-amz-*", problem: "a header was sent twice" });
    }
    Ok(())
}

fn not_implemented(headers: &HeaderMap) -> Result<(), Refusal> {
    let named = |name: &&HeaderName| NOT_IMPLEMENTED.iter().any(|prefix| name.as_str().starts_with(prefix));
    match headers.keys().find(named) {
        Some(name) => Err(Refusal::HeaderNotImplemented(name.as_str().to_owned())),
        None => Ok(()),
    }
}

struct Query {
    presigned: bool,
    content_sha256: Option<String>,
    parameters: Vec<(String, String)>,
    /// What is left for s3s, raw.
    kept: String,
}

impl Query {
    fn parse(raw: &str) -> Result<Self, Refusal> {
        let mut query =
            Self { presigned: false, content_sha256: None, parameters: Vec::new(), kept: String::new() };
        // A `+` is a space to s3s and a plus to the signature.
        if raw.contains('+') || raw.split('&').count() > PARAMETERS_MAX {
            return Err(Refusal::InvalidUri);
        }
        for parameter in raw.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let folded = name.to_ascii_lowercase();
            if SIGNATURE_PARAMETERS.contains(&folded.as_str()) {
                query.presigned |= folded == "x-amz-signature";
                if folded == "x-amz-content-sha256" {
                    query.content_sha256 = Some(value);
                }
                continue;
            }
            if query.parameters.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Refusal::InvalidUri);
            }
            if !query.kept.is_empty() {
                query.kept.push('&');
            }
            query.kept.push_str(parameter);
            query.parameters.push((name, value));
        }
        Ok(query)
    }
}

fn decoded(raw: &str) -> Result<String, Refusal> {
    percent_decode_str(raw).decode_utf8().map(Into::into).map_err(|_| Refusal::InvalidUri)
}

fn without_signature(path: &str, kept: &str) -> Result<Uri, Refusal> {
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") };
    target.parse().map_err(|_| Refusal::InvalidUri)
}

/// Removes what s3s must not act upon, and the framing's marks once we take the framing off.
fn strip(headers: &mut HeaderMap, payload: &Payload) {
    for name in
        ["authorization", "x-amz-security-token", "x-amz-content-sha256", "x-amz-sdk-checksum-algorithm"]
    {
        headers.remove(name);
    }
    let Payload::UnsignedTrailer { decoded_length, .. } = payload else { return };
    headers.remove("x-amz-trailer");
    headers.remove("x-amz-decoded-content-length");
    headers.insert(header::CONTENT_LENGTH, (*decoded_length).into());
    let rest: Option<String> = headers.remove(header::CONTENT_ENCODING).and_then(|value| {
        let codings = value.to_str().ok()?.split(',').map(str::trim).filter(|coding| !is_aws_chunked(coding));
        Some(codings.collect::<Vec<_>>().join(",")).filter(|rest| !rest.is_empty())
    });
    if let Some(rest) = rest.and_then(|rest| rest.parse().ok()) {
        headers.insert(header::CONTENT_ENCODING, rest);
    }
}

#[cfg(test)]
mod tests;
