//! A client that signs like an SDK and can then spoil what it signed, byte by byte.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use daypass_example_s3_service::broker::Broker as BrokerClient;
use daypass_example_s3_service::front::Front;
use daypass_example_s3_service::workload::Workload;
use daypass_example_s3_service::{clock, listen};
use daypass_sigv4::{Credentials, Head, PathStyle, Payload, Signing, presign, sign};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::broker::{Broker, ROLE};

pub(crate) const ACCESS_KEY: &str = "ASIACLIENT";
pub(crate) const SECRET_KEY: &str = "client/secret/key";
pub(crate) const TOKEN: &str = "client+session/token=";
pub(crate) const MAX_OBJECT: u64 = 8 * 1024 * 1024;

/// A running service with its broker and a bucket `data`.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) broker: Broker,
    directory: TempDir,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_until(std::future::pending()).await
    }

    pub(crate) async fn start_until(stop: impl Future<Output = ()> + Send + 'static) -> Self {
        let (broker, at) = Broker::start().await;
        let directory = TempDir::new().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("data")).unwrap();
        let token_file = directory.path().join("token");
        std::fs::write(&token_file, "the.oidc.token\n").unwrap();
        let workload = Workload { token_file, role_arn: ROLE.to_owned(), session_name: "s3".to_owned() };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("http://{at}").parse().unwrap();
        let client = BrokerClient::new(&url, None, "eu-west-1".to_owned(), workload).unwrap();
        let front = Front::open(&root, client, MAX_OBJECT).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen::serve(listener, front, stop));
        Self { address, broker, directory }
    }

    /// Every file and directory below the root, but for the bucket itself.
    pub(crate) fn on_disk(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.root(), &mut found);
        found.retain(|path| *path != self.root().join("data"));
        found
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn spoil_token(&self) {
        std::fs::write(self.directory.path().join("token"), "another").unwrap();
    }

    pub(crate) fn signed(&self, method: &str, target: &str, body: &[u8]) -> Wire {
        self.signed_with(method, target, &[], body)
    }

    /// A signed request with more headers; `x-amz-content-sha256` among them replaces the body's hash.
    pub(crate) fn signed_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Wire {
        let host = self.address.to_string();
        let mut head: Vec<(&str, &[u8])> = vec![("host", host.as_bytes())];
        head.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let hash = headers.iter().find(|(name, _)| *name == "x-amz-content-sha256").map(|(_, hash)| *hash);
        let added = sign_head(method, target, &head, hash, body);
        let mut wire = Wire::new(method, target, &host, body);
        wire.headers.extend(headers.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        wire.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        wire
    }

    pub(crate) fn presigned(&self, method: &str, target: &str, body: &[u8]) -> Wire {
        let host = self.address.to_string();
        let head = Head { method, path: target, query: None, headers: &[("host", host.as_bytes())] };
        let query = presign(&head, &signing(), Payload::Unread, 60).unwrap();
        Wire::new(method, &format!("{target}?{query}"), &host, body)
    }

    pub(crate) async fn send(&self, wire: Wire) -> Answer {
        wire.send(self.address).await
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.send(self.signed(method, target, body)).await
    }
}

fn sign_head(
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    hash: Option<&str>,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let head = Head { method, path, query, headers };
    if hash.is_some_and(|hash| hash.len() != 64) {
        return sign_literal(&head, hash.unwrap());
    }
    let payload = hash.map_or(Payload::Bytes(body), |hash| {
        Payload::Sha256(HEXLOWER.decode(hash.as_bytes()).unwrap().try_into().unwrap())
    });
    sign(&head, &signing(), payload).unwrap()
}

fn signing() -> Signing<'static> {
    let credentials =
        Credentials { access_key_id: ACCESS_KEY, secret_access_key: SECRET_KEY, session_token: Some(TOKEN) };
    Signing { credentials, region: "eu-west-1", service: "s3", path: PathStyle::Verbatim, at: clock::now() }
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        }
        found.push(path);
    }
}

/// A request as it goes onto the wire.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(method: &str, target: &str, host: &str, body: &[u8]) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("host".to_owned(), host.to_owned())],
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| header != name);
        self
    }

    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        self.body = body.to_owned();
        self
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        let bytes = self.bytes();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        // A refused upload may be cut off while it is still being sent.
        let write = async {
            let _ = writer.write_all(&bytes).await;
        };
        let mut answer = Vec::new();
        let read = async {
            let _ = reader.read_to_end(&mut answer).await;
        };
        tokio::join!(write, read);
        Answer::parse(&answer)
    }

    pub(crate) async fn send_and_hang_up(self, address: SocketAddr) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        let measured =
            self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if !measured && (!self.body.is_empty() || self.method == "PUT") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(&self.body);
        bytes
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn element(&self, name: &str) -> &str {
        let text = self.body.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
        text.and_then(|rest| rest.split_once(&format!("</{name}>"))).map_or("", |(text, _)| text)
    }

    /// Status, code and message of an S3 error.
    pub(crate) fn error(&self) -> (u16, &str, &str) {
        (self.status, self.element("Code"), self.element("Message"))
    }
}

/// Signs a head whose payload hash is a literal such as `UNSIGNED-PAYLOAD`.
fn sign_literal(head: &Head<'_>, literal: &str) -> Vec<(&'static str, String)> {
    use daypass_sigv4::{ALGORITHM, CanonicalQuery, CanonicalRequest, TERMINATOR};
    use ring::hmac;
    let at = clock::now();
    let (timestamp, date) = (at.strftime("%Y%m%dT%H%M%SZ").to_string(), at.strftime("%Y%m%d").to_string());
    let mut headers = head.headers.to_vec();
    headers.push(("x-amz-date", timestamp.as_bytes()));
    headers.push(("x-amz-security-token", TOKEN.as_bytes()));
    let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let names = names.join(";");
    let query = CanonicalQuery::parse(head.query.unwrap_or_default(), 100).unwrap();
    let request = CanonicalRequest {
        method: head.method,
        path: head.path,
        style: PathStyle::Verbatim,
        query: &query,
        headers: &headers,
        signed_headers: &names,
        payload: literal,
    };
    let scope = format!("{date}/eu-west-1/s3/{TERMINATOR}");
    let string = format!("{ALGORITHM}\n{timestamp}\n{scope}\n{}", HEXLOWER.encode(&request.digest()));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{SECRET_KEY}").as_bytes());
    let key = scope.split('/').fold(secret, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    });
    let signature = HEXLOWER.encode(hmac::sign(&key, string.as_bytes()).as_ref());
    let authorization =
        format!("{ALGORITHM} Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}");
    vec![
        ("x-amz-date", timestamp),
        ("x-amz-security-token", TOKEN.to_owned()),
        ("authorization", authorization),
    ]
}
