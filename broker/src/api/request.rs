//! A request as it came over the wire, read within limits before anything looks at it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};

use crate::config::{Server, Transport};

/// The greatest body read before the sender is known.
pub const MAX_BODY: usize = 1 << 20;
/// The longest a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A whole request, still unverified.
#[derive(Debug)]
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
        })
    }

    /// A header's value, if it is text and was sent once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok() }
    }

    /// SHA-256 of the body, or of the query where there is no body.
    pub fn digest(&self) -> [u8; 32] {
        let content = if self.body.is_empty() {
            self.query.as_deref().unwrap_or_default().as_bytes()
        } else {
            self.body.as_ref()
        };
        let digest = ring::digest::digest(&ring::digest::SHA256, content);
        digest.as_ref().try_into().unwrap_or_default()
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
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
        // A hop that is no address ends the search: what stands left of it was not written by a trusted proxy.
        let address = hops
            .iter()
            .rev()
            .map_while(|hop| hop.parse::<IpAddr>().ok().map(|address| address.to_canonical()))
            .find(|address| !listener.trusts(*address))
            .unwrap_or(socket);
        let secure =
            headers.get("x-forwarded-proto").map_or_else(|| listener.is_secure(), |proto| proto == "https");
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
}
