//! A broker of one role: it signs the service in, verifies both signatures of a question with
//! `daypass-sigv4`, and decides by a list of what is allowed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use daypass_example_s3_service::clock;
use daypass_sigv4::{Head, Limits, PathStyle, Payload, Rules, SigningKey, parse, verify};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::{ACCESS_KEY, SECRET_KEY, TOKEN};

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/S3Service";
const SERVICE_SECRET: &str = "service/secret/key";

/// What the broker does; tests change it while it runs.
pub(crate) struct Conduct {
    /// Prefixes of `action resource` that are allowed.
    pub(crate) allow: Vec<String>,
    pub(crate) unsigned_payload: bool,
    /// A verbatim answer to every question, instead of a decision.
    pub(crate) answer: Option<(StatusCode, String)>,
    /// How long the service's sessions last.
    pub(crate) session_seconds: i64,
    /// Questions signed by another session are refused.
    pub(crate) generation: u32,
    pub(crate) attempts: u32,
    pub(crate) sign_ins: u32,
    pub(crate) questions: Vec<Value>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            allow: vec!["s3:".to_owned()],
            unsigned_payload: false,
            answer: None,
            session_seconds: 3600,
            generation: 1,
            attempts: 0,
            sign_ins: 0,
            questions: Vec::new(),
        }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Broker(Arc<Mutex<Conduct>>);

impl Broker {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let broker = Self::default();
        let routes = Router::new()
            .route("/", post(sign_in))
            .route("/authz/v1/verify", post(decide))
            .with_state(broker.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (broker, address)
    }

    pub(crate) fn conduct<T>(&self, change: impl FnOnce(&mut Conduct) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }
}

async fn sign_in(State(broker): State<Broker>, form: String) -> Response {
    let expected = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName=s3&WebIdentityToken=the%2Eoidc%2Etoken",
        "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FS3Service"
    );
    broker.conduct(|conduct| conduct.attempts += 1);
    if form != expected {
        let error = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
            <Code>InvalidIdentityToken</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    let (generation, seconds) = broker.conduct(|conduct| {
        conduct.sign_ins += 1;
        (conduct.generation, conduct.session_seconds)
    });
    let expiration = (clock::now() + jiff::SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken>\
         <Credentials><AccessKeyId>ASIASERVICE{generation}</AccessKeyId><SecretAccessKey>{SERVICE_SECRET}</SecretAccessKey>\
         <SessionToken>service+token/{generation}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         <AssumedRoleUser><Arn>arn</Arn><AssumedRoleId>id</AssumedRoleId></AssumedRoleUser>\
         </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
         </AssumeRoleWithWebIdentityResponse>"
    )
    .into_response()
}

async fn decide(State(broker): State<Broker>, headers: HeaderMap, body: Bytes) -> Response {
    broker.conduct(|conduct| {
        if let Some((status, answer)) = &conduct.answer {
            return (*status, answer.clone()).into_response();
        }
        if let Err(code) = signed_by_service(&headers, &body, conduct.generation) {
            return (StatusCode::FORBIDDEN, json!({"code": code, "message": "no"}).to_string())
                .into_response();
        }
        let question: Value = serde_json::from_slice(&body).unwrap();
        let answer = decision(&question, conduct);
        conduct.questions.push(question);
        answer.to_string().into_response()
    })
}

fn signed_by_service(headers: &HeaderMap, body: &[u8], generation: u32) -> Result<(), String> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let head = Head { method: "POST", path: "/authz/v1/verify", query: None, headers: &headers };
    let request = parse(&head, &Limits::STANDARD).map_err(|e| e.message())?.ok_or("not signed")?;
    if request.access_key_id() != format!("ASIASERVICE{generation}")
        || request.session_token() != Some(&format!("service+token/{generation}"))
    {
        return Err("InvalidClientTokenId".to_owned());
    }
    let key = SigningKey::derive(SERVICE_SECRET, request.date(), request.region(), request.service());
    let scoped = request.check_scope("daypass").map_err(|e| e.message())?;
    verify(scoped, &key, Payload::Bytes(body), Rules::STANDARD, clock::now()).map_err(|e| e.message())?;
    Ok(())
}

fn decision(question: &Value, conduct: &Conduct) -> Value {
    let text = |name: &str| question[name].as_str().unwrap().to_owned();
    if let Err((code, message)) = signed_by_client(question, conduct.unsigned_payload) {
        return deny(&code, &message);
    }
    let wanted = format!("{} {}", text("action"), text("resource"));
    if conduct.allow.iter().any(|allowed| wanted.starts_with(allowed)) {
        return json!({"decision": "allow", "reason": "allowed by the list", "request_id": "r-1",
            "principal": {"arn": "arn:aws:sts::111122223333:assumed-role/Reader/me", "account": "111122223333"},
            "expires_at": "2030-01-01T00:00:00Z"});
    }
    deny("AccessDenied", &format!("User: me is not authorized to perform: {wanted}"))
}

fn deny(code: &str, message: &str) -> Value {
    json!({"decision": "deny", "reason": message, "request_id": "r-2", "principal": null, "expires_at": null,
        "error": {"status": 403, "code": code, "message": message}})
}

fn signed_by_client(question: &Value, unsigned_payload: bool) -> Result<(), (String, String)> {
    let refused = |refusal: daypass_sigv4::Refusal| (format!("{:?}", refusal.class()), refusal.message());
    let uri = question["uri"].as_str().unwrap();
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    let headers: Vec<(&str, &[u8])> = question["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap().as_bytes()))
        .collect();
    let head = Head { method: question["method"].as_str().unwrap(), path, query, headers: &headers };
    let request = parse(&head, &Limits::STANDARD)
        .map_err(refused)?
        .ok_or_else(|| ("MissingAuthenticationToken".to_owned(), String::new()))?;
    let unknown = "The security token included in the request is invalid.".to_owned();
    if request.access_key_id() != ACCESS_KEY || request.session_token() != Some(TOKEN) {
        return Err(("InvalidClientTokenId".to_owned(), unknown));
    }
    let key = SigningKey::derive(SECRET_KEY, request.date(), request.region(), request.service());
    let scoped = request.check_scope("s3").map_err(refused)?;
    let rules = Rules { path: PathStyle::Verbatim, unsigned_payload, streaming_payload: unsigned_payload };
    verify(scoped, &key, Payload::Unread, rules, clock::now()).map_err(refused)?;
    Ok(())
}
