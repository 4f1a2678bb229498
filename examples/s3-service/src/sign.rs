//! Signing the questions with SigV4, service name `daypass`.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use reqwest::RequestBuilder;
use ring::{digest, hmac};
use secrecy::ExposeSecret;

use crate::workload::Session;

const SIGNED: &str = "content-type;host;x-amz-date;x-amz-security-token";

/// `request`, a JSON POST to `path` at `host`, with the headers that sign it.
pub(crate) fn question(
    request: RequestBuilder,
    host: &str,
    path: &str,
    body: &[u8],
    session: &Session,
    region: &str,
    now: Timestamp,
) -> RequestBuilder {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date = now.strftime("%Y%m%d").to_string();
    let token = session.session_token.expose_secret();
    let scope = format!("{date}/{region}/daypass/aws4_request");
    let canonical = format!(
        "POST\n{path}\n\ncontent-type:application/json\nhost:{host}\nx-amz-date:{time}\n\
         x-amz-security-token:{token}\n\n{SIGNED}\n{}",
        sha256(body)
    );
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let secret = format!("AWS4{}", session.secret_access_key.expose_secret());
    let key = [date.as_str(), region, "daypass", "aws4_request"]
        .iter()
        .fold(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        });
    let signature = HEXLOWER.encode(hmac::sign(&key, to_sign.as_bytes()).as_ref());
    request.header("x-amz-date", time).header("x-amz-security-token", token).header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}",
            session.access_key_id
        ),
    )
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}
