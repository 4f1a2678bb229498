//! A request as it came over the wire, read within limits before anything looks at it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;

use crate::config::{Server, Snapshot, Transport};
use crate::trust::Surroundings;

/// The greatest body read before the sender is known.
pub const MAX_BODY: usize = 1 << 20;
/// The longest a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A whole request, still unverified.
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// The path as sent, undecoded.
    pub path: String,
    /// The query as sent, undecoded.
    pub query: Option<String>,
    /// Headers in wire order, duplicates kept.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Who sent it.
    pub peer: Peer,
    /// The id that the answer and the audit trail carry.
    pub request_id: String,
    /// Random bytes that its record in the audit trail is named by.
    pub event_id: [u8; 16],
}

// Hides query, headers and body: they carry proofs and tokens.
impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The socket's address, or behind trusted proxies the nearest hop that is none of them.
    pub address: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// What the listener knows that the request can't say.
#[derive(Debug, Clone, Copy)]
pub struct Listener<'a> {
    /// The hosts, proxies and transport that are configured.
    pub server: &'a Server,
}

/// A request refused for its shape, answered with the bare status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub StatusCode);

impl Incoming {
    /// The request with its body, if its shape and size allow reading it.
    pub async fn read(
        request: http::Request<Body>,
        listener: &Listener<'_>,
        request_id: String,
        event_id: [u8; 16],
    ) -> Result<Self, Unreadable> {
        let (parts, body) = request.into_parts();
        check_head(&parts.headers, listener)?;
        let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = Peer::of(socket, &parts.headers, listener);
        let body = read_body(body).await?;
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            peer,
            request_id,
            event_id,
        })
    }

    /// What is known of the request before it is decided.
    pub fn surroundings<'a>(&'a self, snapshot: &'a Snapshot, now: Timestamp) -> Surroundings<'a> {
        Surroundings {
            source_ip: Some(self.peer.address),
            secure: self.peer.secure,
            user_agent: self.user_agent(),
            region: snapshot.settings.server.region.as_str(),
            now,
        }
    }

    /// A header's value, if it is text and was sent once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok() }
    }

    /// SHA-256 of the whole request: method, path, query and body, so that another one never passes for a repetition.
    pub fn digest(&self) -> [u8; 32] {
        let query = self.query.as_deref().unwrap_or_default().as_bytes();
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [self.method.as_str().as_bytes(), self.path.as_bytes(), query, &self.body] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finish().as_ref().try_into().unwrap_or_default()
    }

    /// The client's name for itself.
    pub fn user_agent(&self) -> &str {
        self.header("user-agent").unwrap_or_default()
    }
}

fn check_head(headers: &HeaderMap, listener: &Listener<'_>) -> Result<(), Unreadable> {
    if headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Unreadable(StatusCode::BAD_REQUEST));
    }
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let compressed = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !matches!(value.as_bytes(), b"" | b"identity" | b"aws-chunked"));
    if compressed {
        return Err(Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|value| value.to_str().ok());
    match (host, hosts.next()) {
        (Some(host), None) if listener.server.answers_to(host) => Ok(()),
        _ => Err(Unreadable(StatusCode::MISDIRECTED_REQUEST)),
    }
}

async fn read_body(body: Body) -> Result<Bytes, Unreadable> {
    // What announces itself as too great is not waited for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE))
        }
        Ok(Err(_)) => Err(Unreadable(StatusCode::BAD_REQUEST)),
        Err(_) => Err(Unreadable(StatusCode::REQUEST_TIMEOUT)),
    }
}

impl Listener<'_> {
    fn is_secure(&self) -> bool {
        self.server.transport != Transport::Plain
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.server.trusted_proxies.iter().any(|range| range.contains(&address))
    }
}

impl Peer {
    fn of(socket: Option<IpAddr>, headers: &HeaderMap, listener: &Listener<'_>) -> Self {
        let socket = socket.map_or_else(|| IpAddr::from([0, 0, 0, 0]), |address| address.to_canonical());
        if !listener.trusts(socket) {
            return Self { address: socket, secure: listener.is_secure() };
        }
        // Bytes that are no text stay in the list, where they are no address: dropping the line that a proxy added its
        // own entry to would let whoever began it hide behind the proxy's address.
        let lines = headers.get_all("x-forwarded-for").iter();
        let hops: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
        // A hop that is no address ends the search: what stands left of it was not written by a trusted proxy.
        let address = hops
            .iter()
            .rev()
            .map_while(|hop| std::str::from_utf8(hop).ok()?.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !listener.trusts(*address))
            .unwrap_or(socket);
        // The nearest proxy's word is the last one.
        let protocol = headers.get_all("x-forwarded-proto").iter().next_back();
        let protocol = protocol.and_then(|line| line.as_bytes().rsplit(|byte| *byte == b',').next());
        let secure =
            protocol.map_or_else(|| listener.is_secure(), |protocol| protocol.trim_ascii() == b"https");
        Self { address, secure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: http::Uri::from_static("http://id.corp.test"),
            hosts: vec!["id.corp.test".into()],
            region: "eu-west-1".into(),
            transport: Transport::Plain,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        }
    }

    fn peer(socket: &str, forwarded: &[(&'static str, &str)]) -> (String, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in forwarded {
            headers.append(*name, value.parse().unwrap());
        }
        let server = server();
        let peer = Peer::of(Some(socket.parse().unwrap()), &headers, &Listener { server: &server });
        (peer.address.to_string(), peer.secure)
    }

    #[test]
    fn h07_forwarding_headers_of_strangers_are_not_believed() {
        let forged = [("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "https")];
        assert_eq!(peer("192.0.2.1", &forged), ("192.0.2.1".into(), false));
    }

    #[test]
    fn behind_trusted_proxies_the_nearest_stranger_is_the_peer() {
        let honest = [("x-forwarded-for", "9.9.9.9, 192.0.2.7, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(peer("10.0.0.1", &honest), ("192.0.2.7".into(), true));
        assert_eq!(peer("10.0.0.1", &[("x-forwarded-for", "9.9.9.9, junk, 10.0.0.2")]).0, "10.0.0.1");
        assert_eq!(peer("10.0.0.1", &[]).0, "10.0.0.1");
        assert_eq!(peer("::ffff:10.0.0.1", &[("x-forwarded-for", "192.0.2.7")]).0, "192.0.2.7");
    }

    #[test]
    fn h07_a_line_that_is_no_text_does_not_hide_who_sent_it() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", http::HeaderValue::from_bytes(b"\xff, 192.0.2.7").unwrap());
        headers.append("x-forwarded-proto", "https".parse().unwrap());
        headers.append("x-forwarded-proto", "http".parse().unwrap());
        let server = server();
        let peer = Peer::of(Some("10.0.0.1".parse().unwrap()), &headers, &Listener { server: &server });
        assert_eq!((peer.address, peer.secure), ("192.0.2.7".parse().unwrap(), false));
    }

    #[test]
    fn s38_a_repetition_is_the_whole_request() {
        let digest = |method: Method, query: &str, body: &'static str| {
            let peer = Peer { address: IpAddr::from([192, 0, 2, 1]), secure: true };
            let (path, headers, body) =
                ("/".to_owned(), HeaderMap::new(), Bytes::from_static(body.as_bytes()));
            let (query, request_id, event_id) = (Some(query.to_owned()), String::new(), [0; 16]);
            Incoming { method, path, query, headers, body, peer, request_id, event_id }.digest()
        };
        let first = digest(Method::GET, "RoleArn=a", "x");
        assert_eq!(digest(Method::GET, "RoleArn=a", "x"), first);
        assert_ne!(digest(Method::GET, "RoleArn=b", "x"), first, "the query says which role");
        assert_ne!(digest(Method::GET, "RoleArn=a", "y"), first);
        assert_ne!(digest(Method::POST, "RoleArn=a", "x"), first);
        assert_ne!(digest(Method::GET, "RoleArn=", "ax"), first);
    }
}
