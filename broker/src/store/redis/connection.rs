//! Connecting to Redis: TCP or TLS, with the server checked before it is used. It must be a primary that never evicts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo,
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::cap::Capped;
use crate::store::Unavailable;

/// How long a connection may take to be made and checked.
const CONNECT_DEADLINE: Duration = Duration::from_millis(250);
/// Whom a `rediss://` server must be vouched for by, where the configuration names nobody.
const SYSTEM_CAS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where the server is and how to speak to it.
#[derive(Clone)]
pub(super) struct Address {
    host: String,
    port: u16,
    tls: Option<Tls>,
    login: RedisConnectionInfo,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// Why the address can't be used. The password is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The certificate authorities can't be read.
    #[error("the certificate authorities in `{0}` can't be read: {1}")]
    Authorities(String, String),
    /// A fragment that would switch certificate checks off.
    #[error("`#insecure` is not supported: name the server's certificate authority instead")]
    Insecure,
    /// Not a URL of a Redis on TCP.
    #[error("not a `redis://` or `rediss://` URL: {0}")]
    Url(String),
}

/// Why a server was not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// It isn't there, or doesn't speak as it should.
    #[error("{0}")]
    Down(String),
    /// It would lose state when memory runs out.
    #[error("`maxmemory-policy` is `{0}`, which evicts: set it to `noeviction`")]
    Evicts(String),
    /// What a replica says may be out of date.
    #[error("it is a replica: only a primary can be used")]
    Replica,
}

impl From<ConnectError> for Unavailable {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Address {
    pub(super) fn parse(url: &str, ca_file: Option<&Path>) -> Result<Self, AddressError> {
        let info = url.into_connection_info().map_err(|error| AddressError::Url(error.to_string()))?;
        let login =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => Ok(Self { host: host.clone(), port: *port, tls: None, login }),
            ConnectionAddr::TcpTls { insecure: true, .. } => Err(AddressError::Insecure),
            ConnectionAddr::TcpTls { host, port, .. } => {
                let name =
                    ServerName::try_from(host.clone()).map_err(|e| AddressError::Url(e.to_string()))?;
                let connector = connector(ca_file.unwrap_or_else(|| Path::new(SYSTEM_CAS)))?;
                Ok(Self { host: host.clone(), port: *port, tls: Some(Tls { connector, name }), login })
            }
            _ => Err(AddressError::Url("it names no host".into())),
        }
    }

    /// A connection to a server that may be used; nobody else has it.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, ConnectError> {
        match tokio::time::timeout(CONNECT_DEADLINE, self.connect_and_check()).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectError::Down("no answer to connecting".into())),
        }
    }

    async fn connect_and_check(&self) -> Result<MultiplexedConnection, ConnectError> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(down)?;
        socket.set_nodelay(true).map_err(down)?;
        let mut connection = match &self.tls {
            None => self.speak(socket).await?,
            Some(Tls { connector, name }) => {
                self.speak(connector.connect(name.clone(), socket).await.map_err(down)?).await?
            }
        };
        check(&mut connection).await?;
        Ok(connection)
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<MultiplexedConnection, ConnectError> {
        let (connection, driver) = MultiplexedConnection::new_with_config(
            &self.login,
            Capped::new(stream),
            AsyncConnectionConfig::new(),
        )
        .await
        .map_err(down)?;
        // Ends by itself once the connection is dropped.
        tokio::spawn(driver);
        Ok(connection)
    }
}

fn connector(ca_file: &Path) -> Result<TlsConnector, AddressError> {
    let unreadable = |error: String| AddressError::Authorities(ca_file.display().to_string(), error);
    let mut roots = rustls::RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(ca_file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreadable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn check(connection: &mut MultiplexedConnection) -> Result<(), ConnectError> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("INFO").arg("replication").cmd("INFO").arg("memory");
    let (replication, memory): (String, String) = pipeline.query_async(connection).await.map_err(down)?;
    if info(&replication, "role") != Some("master") {
        return Err(ConnectError::Replica);
    }
    match info(&memory, "maxmemory_policy") {
        Some("noeviction") => Ok(()),
        policy => Err(ConnectError::Evicts(policy.unwrap_or("unknown").to_owned())),
    }
}

/// A field of an answer to `INFO`.
pub(super) fn info<'i>(answer: &'i str, field: &str) -> Option<&'i str> {
    answer
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| *name == field))
        .map(|(_, value)| value)
}

fn down(error: impl std::fmt::Display) -> ConnectError {
    ConnectError::Down(error.to_string())
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}
