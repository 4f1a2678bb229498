//! The shared store: one Redis, primary reads only, names hashed and values sealed. Issuing needs it; verifying needs
//! only the view, which a task of its own keeps current.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::batch::Recorder;
use self::connection::Address;
use self::keys::key;
use self::lane::{DEADLINE, Lane};
use self::record::{Entries, Reserved, reserve};
use self::watch::{Assertion, Watch};
use super::journal::Journal;
use super::sealed::{Kind, Sealer};
use super::{
    Cursor, Limits, LiveView, MAX_SINGLE_REVOCATIONS, Page, Recorded, Reservation, Revocation, RevokeError,
    Selector, SessionName, SessionRecord, Settlement, SharedKeyring, Store, TimeSource, Unavailable,
};
use crate::revocation::{MARK_KEPT_MS, Mark, Scope, SessionId, millis};
use crate::seal::KeyId;

mod batch;
mod cap;
mod connection;
mod keys;
mod lane;
mod listing;
mod record;
#[cfg(test)]
mod tests;
mod watch;

pub use connection::{AddressError, ConnectError};

/// Revocations that may wait for the watch. More are enforced here, and come through with the next full comparison.
const ASSERTIONS: usize = 1_024;
/// Uses noted in one call.
const TOUCHES: usize = 1_000;

/// How the shared store is reached, and what this broker keeps of it.
#[derive(Debug)]
pub struct Settings {
    /// `redis://` or `rediss://`, with user, password, port and database.
    pub url: SecretString,
    /// Whom the server's certificate must be vouched for by; the system's authorities if none is named.
    pub ca_file: Option<PathBuf>,
    /// The journal of revocations.
    pub journal: PathBuf,
    /// This broker's name among its peers.
    pub broker: String,
    /// How old the view may be; also how long a lost history is waited for.
    pub max_staleness: Duration,
}

/// Why the store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address can't be used.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// The journal can't be read or written, or another broker has it open.
    #[error("the revocation journal: {0}")]
    Journal(#[from] std::io::Error),
    /// The server is there and may not be used.
    #[error("the Redis at `state.url` can't be used: {0}")]
    Server(#[from] ConnectError),
}

/// A Redis that several brokers share.
#[derive(Debug)]
pub struct Redis {
    lane: Arc<Lane>,
    recorder: Recorder,
    sealer: Sealer,
    live: Arc<LiveView>,
    peer_keys: Arc<ArcSwap<BTreeSet<KeyId>>>,
    journal: Arc<Mutex<Journal>>,
    assertions: mpsc::Sender<Assertion>,
    watching: JoinHandle<()>,
    time: TimeSource,
}

impl Redis {
    /// Opens the journal and starts keeping the view. A server that isn't there yet is waited for, with the view
    /// stale meanwhile; one that may not be used is an error.
    pub async fn open(
        settings: Settings,
        keyring: SharedKeyring,
        time: TimeSource,
    ) -> Result<Self, OpenError> {
        let address = Address::parse(settings.url.expose_secret(), settings.ca_file.as_deref())?;
        let sealer = Sealer::new(keyring);
        let (journal, history) = Journal::open(&settings.journal, sealer.clone())?;
        let journal = Arc::new(Mutex::new(journal));
        match address.connect().await {
            Ok(_) => {}
            Err(ConnectError::Down(error)) => tracing::warn!(%error, "the store is not there yet"),
            Err(refused) => return Err(refused.into()),
        }
        let live = Arc::new(LiveView::unconfirmed(history.view));
        let peer_keys = Arc::new(ArcSwap::default());
        let (assertions, asserted) = mpsc::channel(ASSERTIONS);
        let watch = Watch::new(watch::Parts {
            address: address.clone(),
            sealer: sealer.clone(),
            live: Arc::clone(&live),
            peer_keys: Arc::clone(&peer_keys),
            journal: Arc::clone(&journal),
            time: time.clone(),
            broker: settings.broker,
            lost_after: settings.max_staleness,
            has_history: history.whole,
        });
        let watching = tokio::spawn(watch.run(asserted));
        let lane = Arc::new(Lane::new(address));
        let recorder = Recorder::start(Arc::clone(&lane));
        Ok(Self { lane, recorder, sealer, live, peer_keys, journal, assertions, watching, time })
    }

    /// Counts sessions ended one by one under their principals; false if one has too many. A store that doesn't
    /// answer counts nothing: revoking must not depend on it.
    async fn within_single_limit(&self, revocations: &[Revocation]) -> bool {
        let now_ms = millis(self.time.now());
        for Revocation { mark, counted_under } in revocations {
            let (Scope::Session, Some(principal)) = (mark.target.scope, counted_under) else { continue };
            let singles = key(self.sealer.target_name(Kind::Singles, *principal));
            let mut pipeline = redis::pipe();
            pipeline.atomic();
            pipeline.cmd("ZREMRANGEBYSCORE").arg(&singles).arg("-inf").arg(now_ms).ignore();
            pipeline.cmd("ZADD").arg(&singles).arg(mark.kept_until).arg(&mark.target.id.0);
            pipeline.cmd("PEXPIRE").arg(&singles).arg(MARK_KEPT_MS).ignore();
            pipeline.cmd("ZCARD").arg(&singles);
            let Ok((added, count)) = self.lane.query::<(u64, u64)>(&pipeline).await else { continue };
            if added > 0 && count > MAX_SINGLE_REVOCATIONS {
                let mut pipeline = redis::pipe();
                pipeline.cmd("ZREM").arg(&singles).arg(&mark.target.id.0).ignore();
                let _uncounted = self.lane.query::<()>(&pipeline).await;
                return false;
            }
        }
        true
    }

    async fn write_journal(&self, marks: &[Mark]) -> Result<(), Unavailable> {
        let (journal, marks) = (Arc::clone(&self.journal), marks.to_vec());
        let written = tokio::task::spawn_blocking(move || {
            journal.lock().unwrap_or_else(PoisonError::into_inner).append(&marks)
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Unavailable::Failed(format!("the revocation journal: {error}"))),
            Err(_) => Err(Unavailable::Failed("the revocation journal was not written".into())),
        }
    }

    /// Whether the store confirmed the marks in time; if not, the watch goes on trying.
    async fn assert(&self, marks: &[Mark]) -> bool {
        let (confirmed, confirmation) = oneshot::channel();
        let assertion = Assertion { marks: marks.to_vec(), confirmed };
        if self.assertions.try_send(assertion).is_err() {
            return false;
        }
        matches!(tokio::time::timeout(DEADLINE, confirmation).await, Ok(Ok(())))
    }

    /// The answer to a proof that was redeemed before: the same session to the same request, refusal to any other.
    async fn repeated(
        &self,
        reservation: &Reservation,
        redemption: &super::value::Redemption,
        now: Timestamp,
    ) -> Result<Recorded, Unavailable> {
        if !redemption.is_repeated_by(reservation, now) {
            return Ok(Recorded::Spent);
        }
        let first = self.session(&SessionName::Id(redemption.session)).await?;
        Ok(first.map_or(Recorded::Spent, |record| Recorded::Same(Box::new(record))))
    }
}

impl Store for Redis {
    async fn record(
        &self,
        record: &SessionRecord,
        reservation: Option<&Reservation>,
        limits: Limits,
    ) -> Result<Recorded, Unavailable> {
        let now = self.time.now();
        let entries = Arc::new(Entries::new(record, limits, &self.sealer, now)?);
        if let Some(scope) = self.recorder.insert(Arc::clone(&entries)).await? {
            entries.take_back(&self.lane).await;
            return Ok(Recorded::TooMany(scope));
        }
        let Some(reservation) = reservation else { return Ok(Recorded::New) };
        match reserve(reservation, record, &self.lane, &self.sealer, now).await {
            Ok(Reserved::Made) => Ok(Recorded::New),
            Ok(Reserved::Redeemed(redemption)) => {
                entries.take_back(&self.lane).await;
                self.repeated(reservation, &redemption, now).await
            }
            // Without an answer the reservation may stand: then a repetition must find its session.
            Err(error @ (Unavailable::Deadline | Unavailable::Failed(_))) => Err(error),
            Err(error) => {
                entries.take_back(&self.lane).await;
                Err(error)
            }
        }
    }

    async fn session(&self, name: &SessionName) -> Result<Option<SessionRecord>, Unavailable> {
        listing::session(name, &self.lane, &self.sealer, self.time.now()).await
    }

    async fn sessions(&self, selector: &Selector, cursor: Cursor) -> Result<Page, Unavailable> {
        listing::sessions(selector, cursor, &self.lane, &self.sealer, self.time.now()).await
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Settlement, RevokeError> {
        if !self.within_single_limit(revocations).await {
            return Err(RevokeError::TooManySingle);
        }
        let marks: Vec<Mark> = revocations.iter().map(|revocation| revocation.mark).collect();
        self.live.merge(&marks);
        let (journaled, confirmed) = tokio::join!(self.write_journal(&marks), self.assert(&marks));
        match (journaled, confirmed) {
            (Ok(()), true) => Ok(Settlement::Settled),
            (Ok(()), false) | (Err(_), true) => Ok(Settlement::Propagating),
            (Err(error), false) => Err(RevokeError::NotDurable(error)),
        }
    }

    async fn touch(&self, uses: &[(SessionId, Timestamp)]) -> Result<(), Unavailable> {
        for uses in uses.chunks(TOUCHES) {
            let mut pipeline = redis::pipe();
            for (session, at) in uses {
                let name = Sealer::last_use_name(self.sealer.record_name(*session));
                let sealed = self.sealer.seal_value(name, at)?;
                pipeline.cmd("SET").arg(key(name)).arg(sealed).arg("PX").arg(MARK_KEPT_MS).ignore();
            }
            self.lane.query::<()>(&pipeline).await?;
        }
        Ok(())
    }

    async fn clock(&self) -> Result<Option<Timestamp>, Unavailable> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("TIME");
        let ((seconds, micros),): ((i64, i32),) = self.lane.query(&pipeline).await?;
        let time = Timestamp::new(seconds, micros.saturating_mul(1_000));
        time.map(Some).map_err(|_| Unavailable::Damaged("the server's time is out of range".into()))
    }

    fn live(&self) -> &Arc<LiveView> {
        &self.live
    }

    fn peer_keys(&self) -> Arc<BTreeSet<KeyId>> {
        self.peer_keys.load_full()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
