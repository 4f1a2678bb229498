//! What a running broker does by itself: takes in changed files, keeps the clock honest, publishes its state.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::App;
use super::start::{local_state, prepare_providers};
use crate::audit::{Event, IdentityKind, Parameter, Source, UserIdentity};
use crate::clock::Confirmation;
use crate::config::{self, Loaded, Snapshot, Version};
use crate::error::Diagnostics;
use crate::keys::file::{KeyringError, KeyringFile};
use crate::keys::memory;
use crate::store::Store as _;

/// How often the clock, the keyring and the published figures are looked after.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two writings of last uses.
const USES_EVERY: u32 = 60;
/// Last uses written in one call.
const USES_AT_ONCE: usize = 1_000;

/// The version that a reload put in force, or what keeps the configuration as it was.
pub type Reloaded = Result<Version, String>;

/// A wish to have the configuration read at once.
#[derive(Debug, Default)]
pub struct Reload(Option<oneshot::Sender<Reloaded>>);

impl Reload {
    /// A wish whose outcome is answered.
    pub fn answered() -> (Self, oneshot::Receiver<Reloaded>) {
        let (sender, answer) = oneshot::channel();
        (Self(Some(sender)), answer)
    }

    /// Whoever asked may have gone away.
    fn answer(self, outcome: &Reloaded) {
        drop(self.0.map(|sender| sender.send(outcome.clone())));
    }
}

/// What was read, and who waits for what becomes of it.
type Change = (Result<Loaded, Diagnostics>, Vec<Reload>);

/// Follows the configuration for as long as the future is polled: a good tree replaces the one in force as a whole, a
/// bad one changes nothing. Whoever sends a [`Reload`] is told which of the two it was.
pub async fn follow_configuration(
    app: Arc<App>,
    config: PathBuf,
    reloads: mpsc::Receiver<Reload>,
    development: bool,
) {
    let version = app.snapshot.load().version;
    metrics::gauge!("daypass_config_last_reload_successful").set(1.0);
    let (changes, mut changed) = mpsc::unbounded_channel();
    // It ends with the other half of this future only.
    let report = move |result, asking| drop(changes.send((result, asking)));
    let apply = async {
        while let Some(change) = changed.recv().await {
            apply(&app, change, &mut changed, development).await;
        }
    };
    tokio::join!(config::watch(config, version, reloads, report), apply);
}

/// Of several changes that come while one is written down only the newest counts.
async fn apply(app: &App, change: Change, newer: &mut mpsc::UnboundedReceiver<Change>, development: bool) {
    let (mut result, mut asking) = change;
    loop {
        while let Ok((newest, more)) = newer.try_recv() {
            result = newest;
            asking.extend(more);
        }
        let outcome = match usable(app, &result, development) {
            Err(errors) => Some(Err(errors)),
            Ok(snapshot) => put_in_force(app, &snapshot).await.then_some(Ok(snapshot.version)),
        };
        let waits = || Err("it waits: that it changes can't be written to the audit trail".to_owned());
        let told = outcome.clone().unwrap_or_else(waits);
        asking.drain(..).for_each(|reload| reload.answer(&told));
        if outcome.is_some() {
            return;
        }
        tokio::time::sleep(TICK).await;
    }
}

/// The changed configuration if it can be taken in, else what is wrong with it.
fn usable(
    app: &App,
    change: &Result<Loaded, Diagnostics>,
    development: bool,
) -> Result<Arc<Snapshot>, String> {
    let kept = app.snapshot.load().version;
    let refused = match change {
        Ok(loaded) => match prepare_providers(&app.provider_keys, &loaded.snapshot, development) {
            Ok(()) => return Ok(Arc::clone(&loaded.snapshot)),
            Err(cause) => cause.to_string(),
        },
        Err(diagnostics) => diagnostics.to_text(false),
    };
    metrics::gauge!("daypass_config_last_reload_successful").set(0.0);
    tracing::error!(%kept, errors = %refused, "the changed configuration is not taken in; the last good one stays");
    Err(refused)
}

/// False if the change can't be written down, and so is not in force yet.
async fn put_in_force(app: &App, snapshot: &Arc<Snapshot>) -> bool {
    let (version, before) = (snapshot.version, app.snapshot.load().version);
    if !record(app, "ReloadConfiguration", &version.to_string()).await {
        metrics::gauge!("daypass_config_last_reload_successful").set(0.0);
        return false;
    }
    app.snapshot.store(Arc::clone(snapshot));
    app.provider_keys.retain(snapshot.directory.oidc_providers().map(AsRef::as_ref));
    metrics::gauge!("daypass_config_last_reload_successful").set(1.0);
    tracing::info!(%version, %before, "the configuration changed and is in force");
    true
}

/// Looks after clock, keyring and figures for as long as the future is polled.
pub async fn tick(app: Arc<App>, development: bool) {
    let mut ticks = tokio::time::interval(TICK);
    let mut keyring_seen = None;
    let mut since_uses_written = 0;
    loop {
        ticks.tick().await;
        compare_clocks(&app).await;
        let clock = Arc::clone(&app.clock);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || clock.persist()).await {
            tracing::warn!(%error, "the clock's mark is not on disk");
        }
        follow_keyring(&app, development, &mut keyring_seen).await;
        publish(&app);
        since_uses_written += 1;
        if since_uses_written >= USES_EVERY {
            since_uses_written = 0;
            write_uses(&app).await;
        }
    }
}

/// Holds the wall clock against the store's: agreement settles a step, a gap too wide stops issuing.
async fn compare_clocks(app: &App) {
    let Ok(Some(reference)) = app.store.clock().await else { return };
    let skew = match app.clock.confirm(reference) {
        Confirmation::Agrees => Duration::ZERO,
        Confirmation::Differs { by } => by,
    };
    app.skew_ms.store(u64::try_from(skew.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    metrics::gauge!("daypass_clock_skew_seconds").set(skew.as_secs_f64());
}

/// A use that is not written is no loss: the next one is.
async fn write_uses(app: &App) {
    for uses in app.uses.take().chunks(USES_AT_ONCE) {
        if let Err(error) = app.store.touch(uses).await {
            tracing::debug!(%error, "last uses are not written");
        }
    }
}

/// What tells one state of a file from another; its time of change also says that its rights changed.
type Stamp = (u64, [i64; 4]);

fn stamp(file: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(file).ok()?;
    Some((data.ino(), [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()]))
}

/// Takes in a keyring of a higher version; anything else leaves the one in force.
async fn follow_keyring(app: &App, development: bool, seen: &mut Option<Stamp>) {
    let file = app.snapshot.load().settings.keys.file.clone();
    let Some(stamp) = stamp(&file) else { return };
    if *seen == Some(stamp) {
        return;
    }
    let first = seen.replace(stamp).is_none();
    let in_force = app.keyring.load().version();
    match KeyringFile::read(&file).and_then(|keyring| keyring.validate()) {
        Ok(keyring) if keyring.version() == in_force => {
            if keyring.summary() != app.keyring.load().summary() {
                tracing::error!(
                    in_force,
                    "the keyring differs from the one in force, which stays, and has its version: make the change in a copy \
                     of the one in force"
                );
            }
        }
        Ok(keyring) if keyring.version() < in_force || keyring.is_development() != development => {
            tracing::error!(
                in_force,
                offered = keyring.version(),
                "the keyring is older or not for this broker; the one in force stays"
            );
        }
        Ok(keyring) => {
            let version = keyring.version();
            if let Err(error) = keyring.check_follows(&app.keyring.load()) {
                tracing::error!(%error, in_force, offered = version, "the keyring is not taken in; the one in force stays");
                return;
            }
            // It may retire a key, and like every revocation that waits for no audit file.
            if let Some(event) = change(app, "ReloadKeyring", &version.to_string()) {
                app.audit.record_revocation(event).await;
            }
            let remembered = local_state(&app.snapshot.load())
                .map_err(|error| error.to_string())
                .and_then(|local| memory::remember(&local, version).map_err(|error| error.to_string()));
            if let Err(error) = remembered {
                tracing::error!(%error, version, "a restart will not know that this keyring was in use");
            }
            app.keyring.store(Arc::new(keyring));
            tracing::info!(version, before = in_force, "the keyring changed and is in force");
        }
        Err(error) => unusable_keyring(&error, first, in_force),
    }
}

fn unusable_keyring(error: &KeyringError, first: bool, in_force: u64) {
    if !first {
        tracing::error!(%error, in_force, "the keyring is not taken in; the one in force stays");
    }
}

fn change(app: &App, name: &'static str, version: &str) -> Option<Event<'static>> {
    let id = app.random::<16>().ok()?;
    let request_id = data_encoding::HEXLOWER.encode(&id);
    let event = Event::new(app.clock.reading().now(), Source::Daypass, name, request_id, id);
    let who = UserIdentity::of(IdentityKind::Operator);
    Some(event.identity(who).parameter(Parameter::File, version.to_owned()))
}

/// Writes a change down before it is in force; false if it can't be written, and then nothing changes.
async fn record(app: &App, name: &'static str, version: &str) -> bool {
    let Some(event) = change(app, name, version) else { return false };
    match app.audit.record(event).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%error, change = name, "a change is not taken in: it can't be written down");
            false
        }
    }
}

fn publish(app: &App) {
    let counters = app.audit.counters();
    metrics::gauge!("daypass_audit_broken").set(if counters.broken { 1.0 } else { 0.0 });
    metrics::counter!("daypass_audit_lines_lost_total").absolute(counters.lines_lost);
    metrics::counter!("daypass_refusals_lost_total").absolute(counters.refusals_lost);
    if let Some(age) = app.store.live().age(app.clock.since_boot()) {
        metrics::gauge!("daypass_revocation_view_age_seconds").set(age.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn f21_a_keyring_made_private_as_told_is_looked_at_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = stamp(file.path());
        assert_eq!(stamp(file.path()), refused);
        // The kernel's file times move in steps of some milliseconds.
        let changed = (0..1_000_000).find(|_| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
            stamp(file.path()) != refused
        });
        assert!(changed.is_some());
    }
}
