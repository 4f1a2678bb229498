//! The command line of the example; the service itself is the library beside it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use daypass_example_s3_service::broker::Broker;
use daypass_example_s3_service::front::Front;
use daypass_example_s3_service::listen;
use daypass_example_s3_service::workload::Workload;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// An S3 server on a directory that asks Daypass about every request.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address to listen on, plain HTTP.
    #[arg(long, default_value = "127.0.0.1:4290")]
    listen: SocketAddr,
    /// Allow plain HTTP on an address that others can reach.
    #[arg(long)]
    plain_http: bool,
    /// Directory whose subdirectories are the buckets.
    #[arg(long)]
    root: PathBuf,
    /// Base URL of the broker.
    #[arg(long)]
    broker: Url,
    /// PEM file of the CA that the broker's certificate must come from.
    #[arg(long)]
    broker_ca: Option<PathBuf>,
    /// Region to sign the questions with.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// File with the OIDC token that proves who this service is.
    #[arg(long, env = "AWS_WEB_IDENTITY_TOKEN_FILE")]
    web_identity_token_file: PathBuf,
    /// Role of this service: the `callers` of its entry at the broker.
    #[arg(long, env = "AWS_ROLE_ARN")]
    role_arn: String,
    /// Name of its session.
    #[arg(long, env = "AWS_ROLE_SESSION_NAME", default_value = "s3-service")]
    role_session_name: String,
    /// Largest object, and largest part of an upload, in bytes.
    #[arg(long, default_value_t = 1024 * 1024 * 1024)]
    max_object_bytes: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("off,daypass_example_s3_service=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if !arguments.listen.ip().is_loopback() && !arguments.plain_http {
        return Err(format!(
            "`{}` is reachable by others: put TLS before it and say --plain-http",
            arguments.listen
        )
        .into());
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err("a TLS provider is installed already".into());
    }
    let ca = arguments.broker_ca.map(std::fs::read).transpose()?;
    let workload = Workload {
        token_file: arguments.web_identity_token_file,
        role_arn: arguments.role_arn,
        session_name: arguments.role_session_name,
    };
    let broker = Broker::new(&arguments.broker, ca.as_deref(), arguments.region, workload)?;
    if let Err(error) = broker.sign_in().await {
        warn!(%error, "no session yet: requests are answered 503 until there is one");
    }
    let root = arguments.root.canonicalize()?;
    let front = Front::open(&root, broker, arguments.max_object_bytes)
        .map_err(|_| format!("can't open the buckets under `{}`", root.display()))?;
    let listener = TcpListener::bind(arguments.listen).await?;
    // Whoever reads that it is ready may stop it at once.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    info!(listen = %listener.local_addr()?, root = %root.display(), "ready");
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    listen::serve(listener, front, stop).await;
    Ok(())
}
