//! Asking the broker: a signed question over HTTP, a bounded answer, and nothing taken for a yes but a yes.

use std::time::Duration;

use reqwest::{Certificate, Client, Response, StatusCode, Url};
use serde::Deserialize;

use crate::clock;
use crate::question::{Answer, Question};
use crate::sign;
use crate::workload::{AssumeError, Session, Sessions, Workload};

const ANSWER_MAX: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);

/// Codes that say that our session is gone, by revocation or a broker that started anew.
const LOST: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];

/// The broker that decides, and this service's standing with it.
#[derive(Debug)]
pub struct Broker {
    client: Client,
    verify: Url,
    host: String,
    region: String,
    sessions: Sessions,
}

/// Why a question has no answer. The S3 client is told 503 in every case.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("there is no session to ask with: {0}")]
    NoSession(#[from] AssumeError),
    #[error("the question is too odd to be put into JSON")]
    Question,
    #[error("can't sign the question: {}", .0.message())]
    Signature(#[from] daypass_sigv4::Refusal),
    #[error("the broker refused the question with `{status}`: {code}: {message}")]
    Refused { status: u16, code: String, message: String },
    #[error("the broker can't be reached: {0}")]
    Unreachable(String),
    #[error("the broker's answer is no decision: {0}")]
    Unreadable(String),
}

/// Why there is no [`Broker`].
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("`{0}` must be https, or http to this machine")]
    Insecure(Url),
    #[error("can't set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error("`{0}` is not a base URL")]
    Url(Url),
}

impl Broker {
    /// The broker at `base`, trusted by `ca` (PEM) if given, else by the system's certificates.
    ///
    /// # Errors
    /// A URL that would send the proof of identity in the clear; certificates that don't parse.
    pub fn new(
        base: &Url,
        ca: Option<&[u8]>,
        region: String,
        workload: Workload,
    ) -> Result<Self, BrokerError> {
        let host = base.host_str().ok_or_else(|| BrokerError::Url(base.clone()))?;
        if base.scheme() != "https" && !is_loopback(host) {
            return Err(BrokerError::Insecure(base.clone()));
        }
        let verify = base.join("/authz/v1/verify").map_err(|_| BrokerError::Url(base.clone()))?;
        let host = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE);
        if let Some(pem) = ca {
            client = client.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        let client = client.build()?;
        let sessions = Sessions::new(workload, client.clone(), base.clone());
        Ok(Self { client, verify, host, region, sessions })
    }

    /// Obtains this service's own session ahead of the first question.
    ///
    /// # Errors
    /// The broker's refusal, or its absence.
    pub async fn sign_in(&self) -> Result<(), AssumeError> {
        self.sessions.current().await.map(drop)
    }

    /// Puts a question; a session that the broker no longer knows is replaced once.
    ///
    /// # Errors
    /// Anything but a decision.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Answer, AskError> {
        let body = serde_json::to_vec(question).map_err(|_| AskError::Question)?;
        let session = self.sessions.current().await?;
        match self.put(body.clone(), &session).await {
            Err(AskError::Refused { code, .. }) if LOST.contains(&code.as_str()) => {
                self.sessions.discard(&session);
                let session = self.sessions.current().await?;
                self.put(body, &session).await
            }
            answer => answer,
        }
    }

    async fn put(&self, body: Vec<u8>, session: &Session) -> Result<Answer, AskError> {
        let request = self.client.post(self.verify.clone());
        let request = sign::question(
            request,
            &self.host,
            self.verify.path(),
            &body,
            session,
            &self.region,
            clock::now(),
        )?;
        let response = request
            .body(body)
            .send()
            .await
            .map_err(|error| AskError::Unreachable(error.without_url().to_string()))?;
        let status = response.status();
        let body = bounded(response, ANSWER_MAX).await.map_err(AskError::Unreachable)?;
        if status != StatusCode::OK {
            let WireError { code, message } = serde_json::from_slice(&body).unwrap_or_default();
            return Err(AskError::Refused { status: status.as_u16(), code, message });
        }
        serde_json::from_slice(&body).map_err(|error| AskError::Unreadable(error.to_string()))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireError {
    code: String,
    message: String,
}

/// The body of a response, if it is no longer than `most` bytes.
pub(crate) async fn bounded(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(format!("the answer is longer than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
