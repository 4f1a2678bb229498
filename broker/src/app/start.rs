//! A broker put together from its configuration: each part opened in turn, the first that fails named.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::App;
use crate::audit::{self, Audit, AuditError};
use crate::clock::{self, Clock, HighWaterError, Settling};
use crate::config::{RedisState, Snapshot, State};
use crate::fetch::{FetchError, KeyCache, SystemRoots};
use crate::keys::file::{KeyringError, KeyringFile};
use crate::keys::memory;
use crate::store::redis::{self, Redis};
use crate::store::{Backend, Reading, SharedKeyring, TimeSource, embedded};

/// Bytes that each of the two files of refusals may hold.
const REFUSALS_CAP: u64 = 64 << 20;
/// Refusals written a second.
const REFUSALS_PER_SECOND: u32 = 1_000;
/// How long an awaited audit line may take.
const AUDIT_DEADLINE: Duration = Duration::from_secs(5);
/// The least time between two writes of the clock's high-water mark.
const HIGH_WATER_EVERY: Duration = Duration::from_secs(10);

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The audit trail.
    #[error("{0}")]
    Audit(#[from] AuditError),
    /// The clock's high-water mark.
    #[error("clock: {0}")]
    Clock(#[from] HighWaterError),
    /// A keyring that `daypass dev` made.
    #[error("keyring `{}` was made for development: run `daypass keys init` for one of your own", .0.display())]
    DevelopmentKeyring(PathBuf),
    /// A provider that only `daypass dev` runs.
    #[error(
        "provider `{0}` is plain http, for development: remove `insecure_loopback_http` and name an https issuer"
    )]
    DevelopmentProvider(String),
    /// A folder that state is kept in.
    #[error("`{}`: {cause}", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The keyring.
    #[error("keyring `{}`: {cause}", file.display())]
    Keyring {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        cause: KeyringError,
    },
    /// A keyring older than one that this broker has used.
    #[error("keyring `{}` has version {version}, and version {known} was in use here: bring the newer one back", file.display())]
    OldKeyring {
        /// Which file.
        file: PathBuf,
        /// Its version.
        version: u64,
        /// The highest version used.
        known: u64,
    },
    /// A keyring that seals for others than developers.
    #[error("keyring `{}` was not made for development: run `daypass serve`", .0.display())]
    OwnKeyring(PathBuf),
    /// A provider that can't be fetched from as it is configured.
    #[error("provider `{provider}`: {cause}")]
    Provider {
        /// Which provider.
        provider: String,
        /// What is wrong.
        cause: FetchError,
    },
    /// The store.
    #[error("state: {0}")]
    Embedded(#[from] embedded::OpenError),
    /// Redis.
    #[error("state: {0}")]
    Redis(#[from] redis::OpenError),
    /// The file that holds the store's password.
    #[error("state: password file `{}`: {cause}", file.display())]
    Password {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// A broker with everything open. With `development` its keyring has to be one that `daypass dev` made, and providers may
/// be plain http on loopback; without, neither is accepted.
pub async fn start(snapshot: Arc<Snapshot>, broker: String, development: bool) -> Result<App, StartError> {
    let settings = &snapshot.settings;
    let keyring = keyring(&settings.keys.file, development)?;
    let local = local_state(&snapshot)?;
    check_version(&settings.keys.file, &keyring, &local)?;
    let settling = match settings.state {
        State::Embedded(_) => Settling::Calm,
        State::Redis(_) => Settling::Reference,
    };
    let clock = Arc::new(Clock::system(clock::Settings {
        high_water_file: Some(local.join("clock")),
        persist_every: HIGH_WATER_EVERY,
        settling,
    })?);
    let (audit, recovered) = Audit::open(
        audit::Settings {
            file: settings.audit.file.clone(),
            refusals_file: settings.audit.refusals_file.clone(),
            refusals_cap: REFUSALS_CAP,
            refusals_per_second: REFUSALS_PER_SECOND,
            deadline: AUDIT_DEADLINE,
            broker: broker.clone(),
            region: settings.server.region.clone(),
        },
        Arc::clone(&clock),
    )?;
    if recovered.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovered.torn_bytes,
            "the audit file ended in a line cut short; a gap record names it"
        );
    }
    let keyring = Arc::new(ArcSwap::from_pointee(keyring));
    let time = time_source(&clock);
    let store = store(&snapshot, &local, broker, Arc::clone(&keyring), time).await?;
    let provider_keys = provider_keys(&snapshot, &clock, development)?;
    Ok(App::new(snapshot, keyring, clock, store, audit, provider_keys))
}

fn keyring(file: &Path, development: bool) -> Result<crate::keys::Keyring, StartError> {
    let failed = |cause| StartError::Keyring { file: file.to_owned(), cause };
    let keyring = KeyringFile::read(file).and_then(|file| file.validate()).map_err(failed)?;
    if keyring.is_development() && !development {
        return Err(StartError::DevelopmentKeyring(file.to_owned()));
    }
    if development && !keyring.is_development() {
        return Err(StartError::OwnKeyring(file.to_owned()));
    }
    Ok(keyring)
}

fn check_version(file: &Path, keyring: &crate::keys::Keyring, local: &Path) -> Result<(), StartError> {
    let version = keyring.version();
    match memory::remember(local, version) {
        Ok(None) => Ok(()),
        Ok(Some(known)) => Err(StartError::OldKeyring { file: file.to_owned(), version, known }),
        Err(cause) => Err(StartError::Folder { folder: local.to_owned(), cause }),
    }
}

/// Where this broker keeps what is its own: with an embedded store its folder, else beside the audit file.
pub(super) fn local_state(snapshot: &Snapshot) -> Result<PathBuf, StartError> {
    let folder = match &snapshot.settings.state {
        State::Embedded(folder) => folder.clone(),
        State::Redis(_) => {
            let audit = snapshot.settings.audit.file.parent().filter(|folder| !folder.as_os_str().is_empty());
            audit.unwrap_or_else(|| Path::new(".")).to_owned()
        }
    };
    std::fs::create_dir_all(&folder).map_err(|cause| StartError::Folder { folder: folder.clone(), cause })?;
    Ok(folder)
}

async fn store(
    snapshot: &Snapshot,
    local: &Path,
    broker: String,
    keyring: SharedKeyring,
    time: TimeSource,
) -> Result<Backend, StartError> {
    match &snapshot.settings.state {
        State::Embedded(folder) => {
            Ok(Backend::Embedded(Box::new(embedded::Embedded::open(folder, keyring, time)?)))
        }
        State::Redis(state) => {
            let settings = redis::Settings {
                url: redis_url(state)?,
                ca_file: state.ca_file.clone(),
                journal: local.join("revocations"),
                broker,
                max_staleness: snapshot.settings.limits.max_staleness,
            };
            Ok(Backend::Redis(Box::new(Redis::open(settings, keyring, time).await?)))
        }
    }
}

fn redis_url(state: &RedisState) -> Result<SecretString, StartError> {
    let password = match &state.password_file {
        None => Zeroizing::new(String::new()),
        Some(file) => Zeroizing::new(
            std::fs::read_to_string(file)
                .map_err(|cause| StartError::Password { file: file.clone(), cause })?,
        ),
    };
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let scheme = if state.tls { "rediss" } else { "redis" };
    let user = state.username.as_deref().map(encoded).unwrap_or_default();
    let password = encoded(password.trim_end_matches(['\r', '\n']));
    let login =
        if user.is_empty() && password.is_empty() { String::new() } else { format!("{user}:{password}@") };
    let host = if state.host.contains(':') { format!("[{}]", state.host) } else { state.host.clone() };
    Ok(SecretString::from(format!("{scheme}://{login}{host}:{}/{}", state.port, state.database)))
}

fn time_source(clock: &Arc<Clock>) -> TimeSource {
    let clock = Arc::clone(clock);
    TimeSource::new(move || Reading {
        now: clock.reading().now(),
        monotonic: clock.since_boot(),
        surely_past: clock.surely_past(),
    })
}

fn provider_keys(snapshot: &Snapshot, clock: &Arc<Clock>, development: bool) -> Result<KeyCache, StartError> {
    let clock = Arc::clone(clock);
    let cache = KeyCache::new(SystemRoots::load(), Arc::new(move || clock.since_boot()));
    prepare_providers(&cache, snapshot, development)?;
    Ok(cache)
}

/// Makes ready what fetches each provider's keys; the first provider that can't be used is named.
pub(super) fn prepare_providers(
    cache: &KeyCache,
    snapshot: &Snapshot,
    development: bool,
) -> Result<(), StartError> {
    for provider in snapshot.directory.oidc_providers() {
        if !development && !provider.issuer().is_secure() {
            return Err(StartError::DevelopmentProvider(provider.arn().to_owned()));
        }
        cache
            .prepare(provider)
            .map_err(|cause| StartError::Provider { provider: provider.arn().to_owned(), cause })?;
    }
    Ok(())
}
