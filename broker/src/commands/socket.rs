//! Speaking to a running broker over its administration socket.

use std::path::Path;

use daypass_broker::api::admin::ErrorAnswer;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Error = Box<dyn std::error::Error>;

/// The broker's answer to `request` at `path` of its administration.
pub(super) fn ask<A: DeserializeOwned>(
    socket: &Path,
    path: &str,
    request: &impl Serialize,
) -> Result<A, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = serde_json::to_vec(request)?;
    let (succeeded, answer) = runtime.block_on(exchange(socket, path, body))?;
    if succeeded {
        return Ok(serde_json::from_slice(&answer)?);
    }
    let refused: ErrorAnswer = serde_json::from_slice(&answer)?;
    Err(refused.error.into())
}

async fn exchange(socket: &Path, path: &str, body: Vec<u8>) -> Result<(bool, Bytes), Error> {
    let stream = tokio::net::UnixStream::connect(socket).await.map_err(|error| {
        format!("no broker answers at `{}`: {error}; start it with `daypass serve`", socket.display())
    })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = http::Request::post(path)
        .header("host", "daypass")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answered = async {
        let response = sender.send_request(request).await?;
        let succeeded = response.status().is_success();
        Ok::<_, Error>((succeeded, response.into_body().collect().await?.to_bytes()))
    };
    tokio::select! {
        answer = answered => answer,
        closed = connection => {
            closed?;
            Err("the broker closed the connection without an answer".into())
        }
    }
}
