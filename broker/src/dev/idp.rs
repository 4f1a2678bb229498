//! The development issuer on its socket: discovery, keys, and `POST /token` for whoever asks on this machine.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use tokio::net::TcpListener;

use super::issuer::{Issuer, TokenRequest, TokenRequestError};
use crate::api::form::{Fields, FormError};

/// The greatest form that asks for a token.
const MAX_BODY: usize = 64 << 10;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the form is longer than {MAX_BODY} bytes or did not arrive")]
    Body,
    #[error("{0}")]
    Form(#[from] FormError),
    #[error("{0}")]
    NoRandomness(#[from] crate::app::NoRandomness),
    #[error("{0}")]
    Request(#[from] TokenRequestError),
}

struct Idp<N> {
    issuer: Issuer,
    now: N,
    random: SystemRandom,
}

/// Serves `issuer` for as long as the future is polled; tokens are issued at the time that `now` tells.
pub async fn serve<N>(listener: std::net::TcpListener, issuer: Issuer, now: N) -> std::io::Result<()>
where
    N: Fn() -> Timestamp + Send + Sync + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    axum::serve(listener, router(Arc::new(Idp { issuer, now, random: SystemRandom::new() }))).await
}

fn router<N: Fn() -> Timestamp + Send + Sync + 'static>(idp: Arc<Idp<N>>) -> Router {
    let own = Arc::clone(&idp);
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::<N>))
        .route("/jwks", get(key_set::<N>))
        .route("/token", post(token::<N>))
        .with_state(idp)
        .layer(axum::middleware::from_fn(
            move |request: axum::extract::Request, next: axum::middleware::Next| {
                // A page in a browser could reach this port under a name of its own, and would be told tokens.
                let asked = request.headers().get(header::HOST).map(header::HeaderValue::as_bytes);
                let is_own = asked == Some(own.issuer.authority().as_bytes());
                async move {
                    if is_own {
                        next.run(request).await
                    } else {
                        StatusCode::MISDIRECTED_REQUEST.into_response()
                    }
                }
            },
        ))
}

async fn discovery<N>(State(idp): State<Arc<Idp<N>>>) -> Response {
    json(&idp.issuer.discovery())
}

async fn key_set<N>(State(idp): State<Arc<Idp<N>>>) -> Response {
    json(&idp.issuer.key_set())
}

fn json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// The token as text, ready to be a token file; or what is wrong with the form.
async fn token<N: Fn() -> Timestamp>(State(idp): State<Arc<Idp<N>>>, request: Request<Body>) -> Response {
    match issue(&idp, request.into_body()).await {
        Ok(token) => ([(header::CONTENT_TYPE, "application/jwt")], token + "\n").into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, format!("error: {refusal}\n")).into_response(),
    }
}

async fn issue<N: Fn() -> Timestamp>(idp: &Idp<N>, body: Body) -> Result<String, Refusal> {
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Refusal::Body)?.to_bytes();
    let text = std::str::from_utf8(&body).map_err(|_| FormError::Encoding)?;
    let form = Fields::parse(text)?;
    // A tag's characters don't include a comma.
    let tags = form.value("tags").into_iter().flat_map(|tags| tags.split(',')).filter(|tag| !tag.is_empty());
    let subject = form.value("sub").unwrap_or_default();
    let request = TokenRequest::new(subject, form.value("aud"), tags, form.value("source_identity"))?;
    Ok(idp.issuer.token(&request, (idp.now)(), &idp.random)?)
}
