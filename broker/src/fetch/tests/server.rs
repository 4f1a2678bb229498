//! An identity provider's web server: real TLS, with answers that a test can change and hold back.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::routing::get;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::sync::{Notify, OwnedRwLockWriteGuard, RwLock};

use crate::proof::oidc::tests::issuer::TestIssuer;

#[derive(Clone)]
pub(super) enum Answer {
    Body(Vec<u8>),
    Redirect(String),
    Status(u16),
}

pub(super) struct Server {
    issuer: String,
    ca_pem: String,
    handle: Handle<std::net::SocketAddr>,
    answers: Arc<Answers>,
}

struct Answers {
    discovery: Mutex<Answer>,
    keys: Mutex<Answer>,
    key_fetches: AtomicUsize,
    fetched: Notify,
    gate: Arc<RwLock<()>>,
}

impl Server {
    /// An https server with a certificate of its own.
    pub(super) async fn start(keys: &[&TestIssuer]) -> Self {
        let pair = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
        let chain = vec![certificate.der().clone()];
        let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
        let tls =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
        let (listener, server, app) = Self::new("https", keys, certificate.pem());
        let running =
            axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls))).unwrap();
        tokio::spawn(running.handle(server.handle.clone()).serve(app.into_make_service()));
        server.handle.listening().await.unwrap();
        server
    }

    /// A server without TLS.
    pub(super) async fn start_plain(keys: &[&TestIssuer]) -> Self {
        let (listener, server, app) = Self::new("http", keys, String::new());
        let running = axum_server::from_tcp(listener).unwrap();
        tokio::spawn(running.handle(server.handle.clone()).serve(app.into_make_service()));
        server.handle.listening().await.unwrap();
        server
    }

    fn new(scheme: &'static str, keys: &[&TestIssuer], ca_pem: String) -> (TcpListener, Self, Router) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let issuer = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let discovery = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")});
        let answers = Arc::new(Answers {
            discovery: Mutex::new(Answer::Body(discovery.to_string().into_bytes())),
            keys: Mutex::new(key_set(keys)),
            key_fetches: AtomicUsize::new(0),
            fetched: Notify::new(),
            gate: Arc::default(),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery_document))
            .route("/keys", get(keys_document))
            .with_state(answers.clone());
        (listener, Self { issuer, ca_pem, handle: Handle::new(), answers }, app)
    }

    pub(super) fn issuer(&self) -> String {
        self.issuer.clone()
    }

    pub(super) fn ca_pem(&self) -> String {
        self.ca_pem.clone()
    }

    pub(super) fn publish(&self, keys: &[&TestIssuer]) {
        self.answer_keys(key_set(keys));
    }

    pub(super) fn answer_keys(&self, answer: Answer) {
        *self.answers.keys.lock().unwrap() = answer;
    }

    pub(super) fn answer_discovery(&self, answer: Answer) {
        *self.answers.discovery.lock().unwrap() = answer;
    }

    /// Holds every answer back until the guard is dropped.
    pub(super) fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        self.answers.gate.clone().try_write_owned().unwrap()
    }

    pub(super) fn key_fetches(&self) -> usize {
        self.answers.key_fetches.load(Ordering::SeqCst)
    }

    pub(super) async fn until_key_fetches(&self, count: usize) {
        let fetched = async {
            while self.key_fetches() < count {
                self.answers.fetched.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), fetched).await.expect("the fetch goes on");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn key_set(keys: &[&TestIssuer]) -> Answer {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    Answer::Body(json!({"keys": keys}).to_string().into_bytes())
}

async fn discovery_document(State(answers): State<Arc<Answers>>) -> Response<Body> {
    let _open = answers.gate.read().await;
    let answer = answers.discovery.lock().unwrap().clone();
    render(answer)
}

async fn keys_document(State(answers): State<Arc<Answers>>) -> Response<Body> {
    let _open = answers.gate.read().await;
    answers.key_fetches.fetch_add(1, Ordering::SeqCst);
    answers.fetched.notify_one();
    let answer = answers.keys.lock().unwrap().clone();
    render(answer)
}

fn render(answer: Answer) -> Response<Body> {
    let (status, location, body) = match answer {
        Answer::Body(body) => (StatusCode::OK, None, body),
        Answer::Redirect(to) => (StatusCode::FOUND, Some(to), Vec::new()),
        Answer::Status(code) => (StatusCode::from_u16(code).unwrap(), None, Vec::new()),
    };
    let mut response = Response::builder().status(status);
    if let Some(to) = location {
        response = response.header("location", to);
    }
    response.body(Body::from(body)).unwrap()
}
