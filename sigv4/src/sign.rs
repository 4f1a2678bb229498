//! The signer: the headers or the query that make a request one that [`crate::verify()`] accepts.

use jiff::Timestamp;

use crate::canonical::{CanonicalRequest, StringToSign, hex};
use crate::head::{Head, Limits, trimmed};
use crate::key::SigningKey;
use crate::path::PathStyle;
use crate::payload::{Payload, UNSIGNED, hex_text};
use crate::presigned as parameter;
use crate::query::CanonicalQuery;
use crate::refusal::Refusal;
use crate::{ALGORITHM, TERMINATOR, time};

/// What proves who signs.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The id of the key.
    pub access_key_id: &'a str,
    /// The secret of the key.
    pub secret_access_key: &'a str,
    /// The token of a temporary key.
    pub session_token: Option<&'a str>,
}

/// Who signs, for which service, when.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// The key.
    pub credentials: Credentials<'a>,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
    /// How the service reads paths; S3's style also declares the payload hash in a header.
    pub path: PathStyle,
    /// The time, cut to whole seconds.
    pub at: Timestamp,
}

/// Headers that proxies and HTTP stacks change on the way.
const NEVER_SIGNED: [&str; 8] = [
    "accept-encoding",
    "authorization",
    "connection",
    "expect",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// The headers to add to `head`, which must hold `host`: date, token, payload hash where needed, authorization.
///
/// A payload hash that `head` declares already (a chunked framing, say) is signed as it is.
pub fn sign(
    head: &Head<'_>,
    signing: &Signing<'_>,
    payload: Payload<'_>,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let timestamp = time::basic(signing.at);
    let declared = head.single("x-amz-content-sha256")?.and_then(trimmed);
    let payload = declared.map_or_else(|| hash_text(payload), str::to_owned);
    let mut added = vec![("x-amz-date", timestamp.clone())];
    if let Some(token) = signing.credentials.session_token {
        added.push(("x-amz-security-token", token.to_owned()));
    }
    if declared.is_none() && (signing.path == PathStyle::Verbatim || payload == UNSIGNED) {
        added.push(("x-amz-content-sha256", payload.clone()));
    }

    let mut headers = head.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let signed_headers = signed_headers(&headers);
    let query = CanonicalQuery::parse(head.query.unwrap_or_default(), Limits::STANDARD.query_parameters)?;
    let request = CanonicalRequest {
        method: head.method,
        path: head.path,
        style: signing.path,
        query: &query,
        headers: &headers,
        signed_headers: &signed_headers,
        payload: &payload,
    };
    let signature = signing.signature(&request, &timestamp);
    let credential = signing.credential(&timestamp);
    let value =
        format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}");
    added.push(("authorization", value));
    Ok(added)
}

/// The query, without `?`, that lets anyone send `head` within `expires` seconds (1 to 604,800).
pub fn presign(
    head: &Head<'_>,
    signing: &Signing<'_>,
    payload: Payload<'_>,
    expires: u32,
) -> Result<String, Refusal> {
    let expires = time::expires(&expires.to_string())?;
    let timestamp = time::basic(signing.at);
    let payload = hash_text(payload);
    let signed_headers = signed_headers(head.headers);
    let mut query = CanonicalQuery::parse(head.query.unwrap_or_default(), Limits::STANDARD.query_parameters)?;
    query.insert(parameter::ALGORITHM, ALGORITHM);
    query.insert(parameter::CREDENTIAL, &signing.credential(&timestamp));
    query.insert(parameter::DATE, &timestamp);
    query.insert(parameter::EXPIRES, &expires.to_string());
    query.insert(parameter::SIGNED_HEADERS, &signed_headers);
    if let Some(token) = signing.credentials.session_token {
        query.insert(parameter::SECURITY_TOKEN, token);
    }
    let request = CanonicalRequest {
        method: head.method,
        path: head.path,
        style: signing.path,
        query: &query,
        headers: head.headers,
        signed_headers: &signed_headers,
        payload: &payload,
    };
    let signature = signing.signature(&request, &timestamp);
    let pairs = query.pairs().map(|(name, value)| format!("{name}={value}&")).collect::<String>();
    Ok(format!("{pairs}{}={signature}", parameter::SIGNATURE))
}

impl Signing<'_> {
    fn credential(&self, timestamp: &str) -> String {
        let (id, date) = (self.credentials.access_key_id, timestamp.get(..8).unwrap_or_default());
        format!("{id}/{date}/{}/{}/{TERMINATOR}", self.region, self.service)
    }

    fn signature(&self, request: &CanonicalRequest<'_>, timestamp: &str) -> String {
        let date = timestamp.get(..8).unwrap_or_default();
        let key = SigningKey::derive(self.credentials.secret_access_key, date, self.region, self.service);
        let scope = [date, self.region, self.service];
        let string =
            StringToSign { algorithm: ALGORITHM, timestamp, scope, request_digest: request.digest() };
        hex(&key.sign(&string)).into_iter().map(char::from).collect()
    }
}

fn hash_text(payload: Payload<'_>) -> String {
    payload.digest().map_or_else(|| UNSIGNED.to_owned(), |digest| hex_text(&digest))
}

fn signed_headers(headers: &[(&str, &[u8])]) -> String {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.retain(|name| !NEVER_SIGNED.contains(&name.as_str()));
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_the_request_of_the_aws_guide_as_the_guide_does() {
        let head = Head {
            method: "GET",
            path: "/",
            query: Some("Action=ListUsers&Version=2010-05-08"),
            headers: &[
                ("Host", b"iam.amazonaws.com"),
                ("Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"),
            ],
        };
        let secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let signing = Signing {
            credentials: Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key, session_token: None },
            region: "us-east-1",
            service: "iam",
            path: PathStyle::Normalized,
            at: "2015-08-30T12:36:00Z".parse().unwrap(),
        };
        let added = sign(&head, &signing, Payload::Bytes(b"")).unwrap();
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
            SignedHeaders=content-type;host;x-amz-date, \
            Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        let want = [("x-amz-date", "20150830T123600Z".into()), ("authorization", authorization.into())];
        assert_eq!(added, want);
        assert!(!format!("{signing:?}").contains(secret_access_key));
    }
}
