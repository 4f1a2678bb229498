//! `POST /authz/v1/verify`: a service asks who sent it a request, and whether they may.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use daypass_evaluator::Outcome;
use daypass_sigv4::Payload;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};

use super::caller::{Operation, by_caller, caller, event};
use super::error::WireError;
use super::request::Incoming;
use crate::app::App;
use crate::audit::{Decision, Parameter, Source};
use crate::authorize::{self, Caller, Question, Verdict, Verification};

const OPERATION: &str = "Verify";
const QUESTION: Operation = Operation { source: Source::Daypass, name: OPERATION, service: "daypass" };

/// A question as JSON. Unknown fields are refused: one that this broker does not honour must not seem honoured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionBody {
    method: String,
    /// Path and query, as on the wire.
    uri: String,
    /// All headers as `[name, value]`, in wire order, duplicates kept.
    headers: Vec<(String, String)>,
    /// SHA-256 of the body in hexadecimal, or what `x-amz-content-sha256` says instead.
    #[serde(default)]
    body_sha256: Option<String>,
    /// The body in base64, instead of its hash.
    #[serde(default)]
    body_b64: Option<String>,
    #[serde(default)]
    source_ip: Option<IpAddr>,
    #[serde(default)]
    secure_transport: bool,
    action: String,
    resource: String,
    #[serde(default)]
    context: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize)]
struct AnswerBody {
    decision: &'static str,
    reason: String,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<PrincipalBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
}

#[derive(Debug, Serialize)]
struct PrincipalBody {
    arn: String,
    account: String,
    user_id: String,
    session_name: String,
    tags: std::collections::BTreeMap<String, String>,
    source_identity: Option<String>,
}

#[derive(Debug, Serialize)]
struct ErrorBody {
    status: u16,
    code: &'static str,
    message: String,
}

/// Answers a signed question.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let incoming = match super::read(&app, request).await {
        Ok(incoming) => incoming,
        Err(refused) => return refused,
    };
    match decide(&app, &incoming) {
        Ok(body) => {
            metrics::counter!("daypass_authz_decisions_total", "surface" => "verify", "decision" => body.decision)
                .increment(1);
            json(StatusCode::OK, &body)
        }
        Err(error) => {
            metrics::counter!("daypass_requests_total", "api" => "authz", "action" => OPERATION, "error" => error.code)
                .increment(1);
            let body = serde_json::json!({
                "code": error.code, "message": error.message, "request_id": incoming.request_id
            });
            json(error.status, &body)
        }
    }
}

/// A JSON answer.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).unwrap_or_default();
    (status, [("content-type", "application/json")], text).into_response()
}

fn decide(app: &App, incoming: &Incoming) -> Result<AnswerBody, WireError> {
    let snapshot = app.snapshot.load();
    let asker = caller(app, &snapshot, incoming, QUESTION)?;
    let asked_from = incoming.surroundings(&snapshot, app.clock.reading().now());
    let body: QuestionBody =
        serde_json::from_slice(&incoming.body).map_err(|error| WireError::validation(error.to_string()))?;
    let content = body.content()?;
    let context: Vec<_> = body.context.iter().map(|(key, values)| (key.clone(), values.clone())).collect();
    let question = Question {
        method: &body.method,
        uri: &body.uri,
        headers: &body.headers,
        payload: content.payload(),
        source_ip: body.source_ip,
        secure: body.secure_transport,
        action: &body.action,
        resource: &body.resource,
        context: &context,
    };
    let verification =
        authorize::verify(app, &snapshot, &asker, &asked_from, &question).map_err(|refusal| {
            let error = WireError::forbidden("AccessDenied", refusal.to_string());
            let event = by_caller(event(app, incoming, QUESTION), &asker);
            app.audit.note(event.error(error.code, refusal.to_string()).steps([refusal.step()]));
            error
        })?;
    conclude(app, incoming, &asker, &body, verification)
}

/// What the question says of the body of the request that it is about.
enum Content {
    Bytes(Vec<u8>),
    Sha256([u8; 32]),
    Unread,
}

impl Content {
    fn payload(&self) -> Payload<'_> {
        match self {
            Self::Bytes(bytes) => Payload::Bytes(bytes),
            Self::Sha256(hash) => Payload::Sha256(*hash),
            Self::Unread => Payload::Unread,
        }
    }
}

impl QuestionBody {
    fn content(&self) -> Result<Content, WireError> {
        match (&self.body_b64, self.body_sha256.as_deref()) {
            (Some(_), Some(_)) => Err(WireError::validation("body_b64 and body_sha256 exclude each other")),
            (Some(body), None) => data_encoding::BASE64
                .decode(body.as_bytes())
                .map(Content::Bytes)
                .map_err(|_| WireError::validation("body_b64 is not base64")),
            (None, Some(hash)) if hash == "UNSIGNED-PAYLOAD" || hash.starts_with("STREAMING-") => {
                Ok(Content::Unread)
            }
            (None, Some(hash)) => data_encoding::HEXLOWER
                .decode(hash.as_bytes())
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .map(Content::Sha256)
                .ok_or_else(|| WireError::validation("body_sha256 is not 64 lower-case hexadecimal digits")),
            (None, None) => Ok(Content::Bytes(Vec::new())),
        }
    }
}

fn conclude(
    app: &App,
    incoming: &Incoming,
    asker: &Caller,
    body: &QuestionBody,
    verification: Verification,
) -> Result<AnswerBody, WireError> {
    let service = body.action.split_once(':').map_or("", |(service, _)| service);
    let event = event(app, incoming, QUESTION)
        .parameter(Parameter::Service, service)
        .parameter(Parameter::Action, body.action.as_str())
        .parameter(Parameter::Resource, body.resource.as_str())
        .parameter(Parameter::Method, body.method.as_str())
        .parameter(Parameter::Principal, asker.arn());
    let event = match body.source_ip {
        Some(address) => event.peer(address),
        None => event,
    };
    match verification {
        Verification::Decided { caller, verdict } => {
            let event = by_caller(event, &caller)
                .decision(decision(&verdict), verdict.statement.clone().map(Into::into));
            app.audit.note(event.steps(verdict.steps()));
            Ok(decided(&caller, &verdict, &incoming.request_id))
        }
        Verification::Unverified(refusal) => {
            let error = WireError::from(&refusal);
            let event = event.error(error.code, refusal.to_string());
            app.audit.refusal(event.steps(refusal.steps()));
            if error.status == StatusCode::SERVICE_UNAVAILABLE {
                return Err(error);
            }
            Ok(AnswerBody {
                decision: "deny",
                reason: error.message.clone(),
                request_id: incoming.request_id.clone(),
                principal: None,
                expires_at: None,
                error: Some(error.into()),
            })
        }
    }
}

fn decided(caller: &Caller, verdict: &Verdict, request_id: &str) -> AnswerBody {
    let claims = caller.session().claims();
    let allowed = verdict.decision.is_allowed();
    let denied = || WireError::forbidden("AccessDenied", verdict.reason.clone());
    AnswerBody {
        decision: if allowed { "allow" } else { "deny" },
        reason: verdict.reason.clone(),
        request_id: request_id.to_owned(),
        principal: Some(PrincipalBody {
            arn: caller.arn().to_owned(),
            account: caller.account().to_owned(),
            user_id: caller.user_id().to_owned(),
            session_name: claims.session_name.to_string(),
            tags: claims.tags.iter().cloned().collect(),
            source_identity: claims.source_identity.clone(),
        }),
        expires_at: Some(claims.expires.to_string()),
        error: (!allowed).then(|| denied().into()),
    }
}

impl From<WireError> for ErrorBody {
    fn from(error: WireError) -> Self {
        Self { status: error.status.as_u16(), code: error.code, message: error.message }
    }
}

fn decision(verdict: &Verdict) -> Decision {
    match verdict.decision.outcome() {
        Outcome::Allow => Decision::Allow,
        Outcome::ExplicitDeny => Decision::ExplicitDeny,
        Outcome::ImplicitDeny => Decision::ImplicitDeny,
    }
}
