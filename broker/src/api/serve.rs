//! A broker on its sockets: public, telemetry and administration, from ready until told to stop.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{admin, router, telemetry};
use crate::app::upkeep::Reload;
use crate::app::{App, upkeep};
use crate::config::Transport;
use crate::private::Privacy;

/// The longest a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The greatest head of a request: tokens and certificate chains come in headers.
const MAX_HEAD: usize = 64 << 10;
/// How long requests under way may take once the broker is told to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How often measured durations are folded into their buckets.
const METRICS_FOLDED: Duration = Duration::from_secs(5);
/// Wishes for a reload that may wait; one more is refused.
const RELOADS: usize = 16;
/// How often certificate files are looked at.
const CERTIFICATE_POLL: Duration = Duration::from_secs(5);

/// Where a broker answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Base URL of the public listener, by its socket address.
    pub url: String,
    /// Base URL of the telemetry listener.
    pub telemetry: String,
}

/// Why a broker can't answer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address can't be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Certificate or key.
    #[error("TLS certificate `{}` or its key: {cause}", file.display())]
    Certificate {
        /// The certificate's file.
        file: PathBuf,
        /// What is wrong.
        cause: std::io::Error,
    },
    /// The administration socket.
    #[error("administration socket `{}`: {cause}", socket.display())]
    Admin {
        /// Its path.
        socket: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A listener failed while it served.
    #[error("a listener failed: {0}")]
    Failed(#[from] std::io::Error),
}

/// Serves until `stop` completes, then lets requests under way finish. `ready` is called once every socket listens.
pub async fn serve(
    app: Arc<App>,
    config: PathBuf,
    development: bool,
    metrics: PrometheusHandle,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(&Addresses),
) -> Result<(), ServeError> {
    let settings = app.snapshot.load().settings.clone();
    let (public, public_address) = listen(settings.server.listen)?;
    let (observed, telemetry_address) = listen(settings.telemetry.listen)?;
    let tls = certificate(&settings.server.transport).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let addresses = Addresses {
        url: format!("{scheme}://{public_address}"),
        telemetry: format!("http://{telemetry_address}"),
    };
    let (reload, reloads) = mpsc::channel(RELOADS);
    let handle = Handle::new();
    let admin = async {
        let socket = settings.admin.socket.clone();
        let served = admin::serve(&socket, Arc::clone(&app), reload.clone()).await;
        served.map_err(|cause| ServeError::Admin { socket, cause })
    };
    let told = async {
        ready(&addresses);
        stop.await;
        handle.graceful_shutdown(Some(DRAIN));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = public_listener(public, tls.clone(), handle.clone(), Arc::clone(&app)) => Ok(served?),
        served = telemetry_listener(observed, Arc::clone(&app), metrics.clone()) => Ok(served?),
        served = admin => served,
        () = upkeep::follow_configuration(Arc::clone(&app), config, reloads, development) => Ok(()),
        () = upkeep::tick(Arc::clone(&app), development) => Ok(()),
        () = fold_metrics(metrics) => Ok(()),
        () = follow_certificate(tls, &settings.server.transport) => Ok(()),
        hung_up = follow_hangup(&app, &reload) => Ok(hung_up?),
        () = told => Ok(()),
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |cause| ServeError::Listen { address, cause };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn certificate(transport: &Transport) -> Result<Option<RustlsConfig>, ServeError> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Tls { cert_file, key_file } => tls_config(cert_file, key_file)
            .await
            .map(|config| Some(RustlsConfig::from_config(config)))
            .map_err(|cause| ServeError::Certificate { file: cert_file.clone(), cause }),
    }
}

/// TLS that offers HTTP/1.1, the one version that the listener speaks.
async fn tls_config(cert_file: &Path, key_file: &Path) -> std::io::Result<Arc<rustls::ServerConfig>> {
    Privacy::OwnerAndGroupOfRoot.check(&std::fs::metadata(key_file)?).map_err(std::io::Error::other)?;
    let mut config = (*RustlsConfig::from_pem_file(cert_file, key_file).await?.get_inner()).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

async fn public_listener(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    app: Arc<App>,
) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
            bounded(server, HEAD_TIMEOUT).serve(service).await
        }
        None => {
            let server = axum_server::from_tcp(listener)?.handle(handle);
            bounded(server, HEAD_TIMEOUT).serve(service).await
        }
    }
}

async fn telemetry_listener(
    listener: TcpListener,
    app: Arc<App>,
    metrics: PrometheusHandle,
) -> std::io::Result<()> {
    let server = bounded(axum_server::from_tcp(listener)?, HEAD_TIMEOUT);
    server.serve(telemetry::router(app, metrics).into_make_service()).await
}

/// The server with its limits. HTTP/1 only: looking for the other version waits without end for a peer that says
/// nothing, and connections of the other have no limit on silence.
fn bounded<A>(server: Server<SocketAddr, A>, head_timeout: Duration) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    let mut http1 = server.http_builder().http1();
    http1.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD);
    server
}

/// On SIGHUP the configuration is read again, and an audit file that was renamed is begun anew.
async fn follow_hangup(app: &App, reload: &mpsc::Sender<Reload>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        hangup.recv().await;
        // If so many wait already, one of them reads what changed.
        drop(reload.try_send(Reload::default()));
        if let Err(error) = app.audit.reopen().await {
            tracing::error!(%error, "the audit file was not opened anew; the old one stays");
        }
    }
}

/// Each duration takes memory until it is in its bucket, and nobody may ever ask for them.
async fn fold_metrics(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(METRICS_FOLDED).await;
        metrics.run_upkeep();
    }
}

/// Takes in a renewed certificate; a pair that does not fit leaves the one in use.
async fn follow_certificate(tls: Option<RustlsConfig>, transport: &Transport) {
    let (Some(tls), Transport::Tls { cert_file, key_file }) = (tls, transport) else {
        return std::future::pending().await;
    };
    let mut seen = modified(cert_file, key_file);
    loop {
        tokio::time::sleep(CERTIFICATE_POLL).await;
        let now = modified(cert_file, key_file);
        if now == seen {
            continue;
        }
        seen = now;
        match tls_config(cert_file, key_file).await {
            Ok(config) => {
                tls.reload_from_config(config);
                tracing::info!(file = %cert_file.display(), "the TLS certificate changed and is in use")
            }
            Err(error) => {
                tracing::error!(%error, "the TLS certificate is not taken in; the one in use stays")
            }
        }
    }
}

fn modified(cert_file: &Path, key_file: &Path) -> [Option<std::time::SystemTime>; 2] {
    [cert_file, key_file].map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// What the listener sends to a peer that says `words` and then nothing, until it hangs up.
    async fn answer_to(words: &'static [u8]) -> Vec<u8> {
        let (listener, address) = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let server = bounded(axum_server::from_tcp(listener).unwrap(), Duration::from_millis(50));
        let serving = tokio::spawn(server.serve(axum::Router::new().into_make_service()));
        let answer = tokio::task::spawn_blocking(move || {
            let mut peer = std::net::TcpStream::connect(address).unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            peer.write_all(words).unwrap();
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).expect("the listener hangs up");
            answer
        });
        let answer = answer.await.unwrap();
        serving.abort();
        answer
    }

    #[tokio::test]
    async fn h01_silence_ends_a_connection_wherever_it_begins() {
        for words in [&b""[..], b"P", b"PRI * HT", b"GET / HTTP/1.1\r\nX: "] {
            assert_eq!(answer_to(words).await, b"", "{}", words.escape_ascii());
        }
        let served = answer_to(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(served.starts_with(b"HTTP/1.1 404 "), "{}", served.escape_ascii());
    }

    #[tokio::test]
    async fn h05_the_other_version_is_not_spoken() {
        let answer = answer_to(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
    }
}
