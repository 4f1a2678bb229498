//! The load: connections kept alive, each sending its next request as soon as the last is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wire::Prepared;
use crate::{CONNECTIONS, Outcome};

/// Requests sent at the same time where the rate doesn't count.
const AT_ONCE: usize = 64;

type Sender = SendRequest<Full<Bytes>>;

/// What a server did in a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Requests answered a second.
    pub(crate) per_second: f64,
    /// Requests answered.
    pub(crate) answered: usize,
    /// Requests refused, which is no work: 503 by a server that has no time.
    pub(crate) refused: usize,
    /// Half of the answers took no longer, in microseconds.
    pub(crate) p50: u32,
    /// 99 of 100 took no longer.
    pub(crate) p99: u32,
}

impl Round {
    pub(crate) fn json(&self) -> Value {
        json!({
            "per_second": self.per_second.round(), "p50_us": self.p50, "p99_us": self.p99, "refused": self.refused,
        })
    }
}

/// Sends the requests over 256 connections for so long. Only answers with status 200 count, and one refusal in a
/// hundred requests is an error.
pub(crate) async fn run(to: SocketAddr, requests: &Arc<Vec<Prepared>>, time: Duration) -> Outcome<Round> {
    let mut senders = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        senders.push(connect(to).await?);
    }
    let until = Instant::now() + time;
    let mut running = JoinSet::new();
    for (number, sender) in senders.into_iter().enumerate() {
        let first = number * requests.len() / CONNECTIONS;
        running.spawn(ask(sender, Arc::clone(requests), first, until));
    }
    let (mut latencies, mut refused, mut why) = (Vec::new(), 0, String::new());
    while let Some(ended) = running.join_next().await {
        let asked = ended??;
        latencies.extend(asked.latencies);
        refused += asked.refused;
        why = asked.refusal.unwrap_or(why);
    }
    let answered = latencies.len();
    if refused * 100 > answered {
        return Err(format!("{refused} refusals beside {answered} answers: {why}").into());
    }
    latencies.sort_unstable();
    let share = |percent: usize| latencies.get(answered * percent / 100).copied().unwrap_or(0);
    let per_second = answered as f64 / time.as_secs_f64();
    Ok(Round { per_second, answered, refused, p50: share(50), p99: share(99) })
}

/// What became of one connection's requests.
struct Asked {
    latencies: Vec<u32>,
    refused: usize,
    /// The last refusal in words.
    refusal: Option<String>,
}

async fn ask(
    mut sender: Sender,
    requests: Arc<Vec<Prepared>>,
    first: usize,
    until: Instant,
) -> Outcome<Asked> {
    let mut asked = Asked { latencies: Vec::with_capacity(8_192), refused: 0, refusal: None };
    for request in requests.iter().cycle().skip(first) {
        let began = Instant::now();
        if began >= until {
            break;
        }
        match exchange(&mut sender, request.clone()).await? {
            Ok(_) => asked.latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Err(refusal) => {
                asked.refused += 1;
                asked.refusal = Some(refusal);
            }
        }
    }
    Ok(asked)
}

/// Sends each of the requests once, 64 at a time; the bodies of the answers, in order.
pub(crate) async fn once(to: SocketAddr, requests: &[Prepared]) -> Outcome<Vec<String>> {
    let parts = requests.chunks(requests.len().div_ceil(AT_ONCE).max(1));
    let asking: Vec<_> = parts.map(|part| tokio::spawn(one_by_one(to, part.to_vec()))).collect();
    let mut bodies = Vec::with_capacity(requests.len());
    for asked in asking {
        bodies.extend(asked.await??);
    }
    Ok(bodies)
}

async fn one_by_one(to: SocketAddr, requests: Vec<Prepared>) -> Outcome<Vec<String>> {
    let mut sender = connect(to).await?;
    let mut bodies = Vec::with_capacity(requests.len());
    for request in requests {
        let body = exchange(&mut sender, request).await??;
        bodies.push(String::from_utf8(body.to_vec())?);
    }
    Ok(bodies)
}

/// The body of the answer, or the refusal in words.
async fn exchange(sender: &mut Sender, request: Prepared) -> Outcome<Result<Bytes, String>> {
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let refusal = || format!("{status}: {}", String::from_utf8_lossy(&body));
    if status == StatusCode::OK { Ok(Ok(body)) } else { Ok(Err(refusal())) }
}

async fn connect(to: SocketAddr) -> Outcome<Sender> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
