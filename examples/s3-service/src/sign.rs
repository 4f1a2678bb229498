//! Signing the questions with SigV4, service name `daypass`.

use daypass_sigv4::{Credentials, Head, PathStyle, Payload, Refusal, Signing, sign};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;

use crate::workload::Session;

/// `request`, a JSON POST to `path` at `host`, with the headers that sign it.
pub(crate) fn question(
    request: RequestBuilder,
    host: &str,
    path: &str,
    body: &[u8],
    session: &Session,
    region: &str,
    at: Timestamp,
) -> Result<RequestBuilder, Refusal> {
    let headers: [(&str, &[u8]); 2] = [("content-type", b"application/json"), ("host", host.as_bytes())];
    let head = Head { method: "POST", path, query: None, headers: &headers };
    let credentials = Credentials {
        access_key_id: &session.access_key_id,
        secret_access_key: session.secret_access_key.expose_secret(),
        session_token: Some(session.session_token.expose_secret()),
    };
    let signing = Signing { credentials, region, service: "daypass", path: PathStyle::Normalized, at };
    let added = sign(&head, &signing, Payload::Bytes(body))?;
    let request = request.header("content-type", "application/json");
    Ok(added.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
}
