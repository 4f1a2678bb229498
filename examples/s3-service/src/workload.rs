//! The service's own credentials: an OIDC token from a file, turned into a session and kept fresh.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::clock;

/// A session is renewed when it has less than this left.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// A failed renewal is not repeated sooner than this.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// STS answers are some 2 KiB, and a token at most 5,462 characters.
const ANSWER_MAX: usize = 64 * 1024;
const TOKEN_MAX: usize = 20_000;

/// Who this service is, and how it proves it.
#[derive(Debug, Clone)]
pub struct Workload {
    pub token_file: PathBuf,
    pub role_arn: String,
    pub session_name: String,
}

/// A session to sign with.
#[derive(Debug)]
pub struct Session {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: SecretString,
    expires: Timestamp,
}

impl Session {
    /// Whether it needn't be renewed yet.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.saturating_add(RENEW_BEFORE).is_ok_and(|soon| soon < self.expires)
    }
}

/// Why there is no session.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AssumeError {
    #[error("the broker answered `{status}` to AssumeRoleWithWebIdentity: {code}: {message}")]
    Refused { status: u16, code: String, message: String },
    #[error("the last attempt failed moments ago")]
    Resting,
    #[error("the broker can't be reached: {0}")]
    Unreachable(String),
    #[error("the broker's answer is not an AssumeRoleWithWebIdentityResponse: {0}")]
    Unreadable(String),
    #[error("can't read the token file `{file}`: {problem}")]
    Token { file: PathBuf, problem: String },
}

/// The session of one workload, renewed before it ends: by one caller, while the others go on with the old one.
#[derive(Debug)]
pub struct Sessions {
    workload: Workload,
    client: Client,
    endpoint: Url,
    session: ArcSwapOption<Session>,
    /// When a renewal failed last; held by whoever renews.
    renewal: Mutex<Option<Timestamp>>,
}

impl Sessions {
    /// Sessions for `workload` from the broker at `endpoint`; nothing is asked yet.
    #[must_use]
    pub fn new(workload: Workload, client: Client, endpoint: Url) -> Self {
        Self { workload, client, endpoint, session: ArcSwapOption::empty(), renewal: Mutex::default() }
    }

    /// A session that is still good.
    ///
    /// # Errors
    /// There is none and none can be had.
    pub async fn current(&self) -> Result<Arc<Session>, AssumeError> {
        let usable = self.session.load_full().filter(|session| clock::now() < session.expires);
        let mut failed = match usable {
            Some(session) if session.is_fresh(clock::now()) => return Ok(session),
            Some(ref session) => match self.renewal.try_lock() {
                Ok(failed) => failed,
                Err(_) => return Ok(Arc::clone(session)),
            },
            None => self.renewal.lock().await,
        };
        let now = clock::now();
        if let Some(renewed) = self.session.load_full().filter(|session| session.is_fresh(now)) {
            return Ok(renewed);
        }
        if failed.is_some_and(|failed| now.duration_since(failed) < PAUSE) {
            return usable.ok_or(AssumeError::Resting);
        }
        match self.assume().await {
            Ok(session) => {
                info!(access_key_id = ?session.access_key_id, expires = %session.expires, "session obtained");
                let session = Arc::new(session);
                self.session.store(Some(Arc::clone(&session)));
                Ok(session)
            }
            Err(error) => {
                warn!(error = ?error.to_string(), "no new session");
                *failed = Some(now);
                usable.ok_or(error)
            }
        }
    }

    /// Forgets `session`, which the broker refused, unless it was replaced already.
    pub fn discard(&self, session: &Arc<Session>) {
        self.session.compare_and_swap(session, None);
    }

    async fn assume(&self) -> Result<Session, AssumeError> {
        let form = self.form().await?;
        let response = self
            .client
            .post(self.endpoint.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(Duration::from_secs(10))
            .body(form.expose_secret().to_owned())
            .send()
            .await
            .map_err(|error| AssumeError::Unreachable(error.without_url().to_string()))?;
        let status = response.status();
        let body = crate::broker::bounded(response, ANSWER_MAX).await.map_err(AssumeError::Unreachable)?;
        let body = String::from_utf8_lossy(&body);
        if !status.is_success() {
            let error = quick_xml::de::from_str::<ErrorResponse>(&body)
                .map(|answer| answer.error)
                .unwrap_or_default();
            return Err(AssumeError::Refused {
                status: status.as_u16(),
                code: error.code,
                message: error.message,
            });
        }
        let answer: AssumeResponse =
            quick_xml::de::from_str(&body).map_err(|error| AssumeError::Unreadable(error.to_string()))?;
        answer.result.credentials.session()
    }

    async fn form(&self) -> Result<SecretString, AssumeError> {
        let file = &self.workload.token_file;
        let problem = |problem: String| AssumeError::Token { file: file.clone(), problem };
        let token = tokio::fs::read_to_string(file).await.map_err(|error| problem(error.to_string()))?;
        let token = token.trim();
        if token.is_empty() || token.len() > TOKEN_MAX {
            return Err(problem(format!("it must hold one token of at most {TOKEN_MAX} characters")));
        }
        let encode = |value| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        Ok(SecretString::from(format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
            encode(&self.workload.role_arn),
            encode(&self.workload.session_name),
            encode(token)
        )))
    }
}

#[derive(Deserialize)]
struct AssumeResponse {
    #[serde(rename = "AssumeRoleWithWebIdentityResult")]
    result: AssumeResult,
}

#[derive(Deserialize)]
struct AssumeResult {
    #[serde(rename = "Credentials")]
    credentials: WireCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

impl WireCredentials {
    fn session(self) -> Result<Session, AssumeError> {
        let expires = self
            .expiration
            .parse()
            .map_err(|_| AssumeError::Unreadable("`Expiration` is not a time".to_owned()))?;
        Ok(Session {
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key.into(),
            session_token: self.session_token.into(),
            expires,
        })
    }
}

#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(rename = "Error")]
    error: WireError,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireError {
    code: String,
    message: String,
}
