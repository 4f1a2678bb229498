//! `daypass serve`: the broker, until it is told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use daypass_broker::api::serve::{Addresses, serve};
use daypass_broker::app::App;
use daypass_broker::app::start::start;
use daypass_broker::config::load_to_serve;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Done, say, without_errors};

/// Upper ends of the buckets that durations are counted in, in seconds.
const DURATIONS: [f64; 12] = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// What to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration, `daypass.toml`.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// This broker's name in audit lines and heartbeats; the host's name if none is given.
    #[arg(long, env = "DAYPASS_BROKER")]
    broker: Option<String>,
    /// The form of the log on standard error.
    #[arg(long, value_enum, default_value = "json")]
    log_format: LogFormat,
}

/// Forms of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// Serves until SIGTERM or SIGINT, then lets requests under way finish.
pub(crate) fn run(arguments: &Arguments) -> Done {
    log_to_stderr(arguments.log_format);
    run_broker(&arguments.config, arguments.broker.clone(), false, announce, |_| std::future::pending())
}

/// The first line on standard output: the broker answers now, and where.
fn announce(addresses: &Addresses) {
    let mut out = std::io::stdout().lock();
    // A closed standard output is no reason to stop serving.
    drop(writeln!(out, "listening url={} telemetry={}", addresses.url, addresses.telemetry));
    drop(out.flush());
}

/// A broker from a configuration to the end of its service, and what runs beside it.
pub(super) fn run_broker<B: Future<Output = Result<(), Box<dyn std::error::Error>>>>(
    config: &Path,
    broker: Option<String>,
    development: bool,
    ready: impl FnOnce(&Addresses),
    beside: impl FnOnce(Arc<App>) -> B,
) -> Done {
    // Secrets live in this process's memory: no core dump, no reading it by others of the same user (K06).
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let loaded = without_errors(config, load_to_serve(config))?;
    say(&loaded.warnings.to_text(false));
    let broker = broker.unwrap_or_else(host_name);
    let metrics = PrometheusBuilder::new().set_buckets(&DURATIONS)?.install_recorder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Arc::new(start(loaded.snapshot, broker, development).await?);
        let stop = stop_signal()?;
        let beside = beside(Arc::clone(&app));
        tokio::select! {
            served = serve(app, config.to_owned(), development, metrics, stop, ready) => served?,
            ended = beside => ended?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Logs go to standard error, so that standard output is the commands' own.
pub(super) fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Nobody may be reading the log; telling them so on standard error would end what is under way.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
    }
}
