//! What the broker is compared with: bare axum handlers that do the least that the same service could be.
//!
//! `constant` answers everything with one constant. `exchange REDIS_URL N E` does one RSA-2048 verification of the
//! token in the form, by the key of modulus N and exponent E in base64url, and one write to Redis.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::StatusCode;
use redis::aio::MultiplexedConnection;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

const CONSTANT: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n\
    <GetCallerIdentityResult>\n<Arn>arn:aws:sts::111122223333:assumed-role/Role0/session-0</Arn>\n\
    <UserId>AROAROLE0000000000000:session-0</UserId>\n<Account>111122223333</Account>\n</GetCallerIdentityResult>\n\
    <ResponseMetadata>\n<RequestId>00000000-0000-4000-8000-000000000000</RequestId>\n</ResponseMetadata>\n\
    </GetCallerIdentityResponse>\n";
/// As long as the sessions that the broker issues in the comparison.
const LIVES_MS: u64 = 3_600_000;

#[derive(Clone)]
struct Exchange {
    key: Arc<RsaPublicKeyComponents<Vec<u8>>>,
    redis: MultiplexedConnection,
    written: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let router = match arguments.as_slice() {
        ["constant"] => Router::new().route("/", any(async || CONSTANT)),
        ["exchange", url, n, e] => {
            let (n, e) = (URL_SAFE_NO_PAD.decode(n)?, URL_SAFE_NO_PAD.decode(e)?);
            let redis = redis::Client::open(*url)?.get_multiplexed_async_connection().await?;
            let key = Arc::new(RsaPublicKeyComponents { n, e });
            Router::new().route("/", any(exchange)).with_state(Exchange {
                key,
                redis,
                written: Arc::default(),
            })
        }
        _ => return Err("constant, or exchange REDIS_URL N E".into()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening url=http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

async fn exchange(State(state): State<Exchange>, body: Bytes) -> Result<&'static str, StatusCode> {
    let body = std::str::from_utf8(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let token = body.split('&').find_map(|field| field.strip_prefix("WebIdentityToken="));
    let (signed, signature) =
        token.and_then(|token| token.rsplit_once('.')).ok_or(StatusCode::BAD_REQUEST)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| StatusCode::BAD_REQUEST)?;
    let verified = state.key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature);
    verified.map_err(|_| StatusCode::FORBIDDEN)?;
    let number = state.written.fetch_add(1, Ordering::Relaxed);
    let mut write = redis::cmd("SET");
    write.arg(format!("session:{number:016x}")).arg(signed).arg("PX").arg(LIVES_MS);
    let written = write.query_async::<()>(&mut state.redis.clone()).await;
    written.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok("issued\n")
}
