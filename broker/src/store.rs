//! Session state: records, single-use reservations and revocations, in one durable file or in a Redis that several
//! brokers share. Everything stored is sealed, and nothing in it signs a request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::keys::Keyring;
use crate::revocation::{Mark, Scope, SessionId, Target};
use crate::seal::KeyId;

mod backend;
#[cfg(test)]
mod conformance;
pub mod embedded;
mod journal;
pub mod live;
mod record;
pub mod redis;
mod sealed;
mod value;

pub use backend::Backend;
pub use live::{LiveView, Stale};
pub use record::SessionRecord;

/// How many sessions of one principal can be ended one by one within 37 h; then the principal is the thing to end.
pub const MAX_SINGLE_REVOCATIONS: u64 = 1_000;
/// Sessions on one page.
pub const PAGE: usize = 100;
/// How soon after its first redemption an identical request from the same peer is given the same session: 10 s.
pub const SAME_REQUEST_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// The clocks, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What time it is.
    pub now: Timestamp,
    /// Time since some fixed moment; never steps.
    pub monotonic: Duration,
    /// What has passed beyond doubt: what a wrong clock must not delete goes by it.
    pub surely_past: Timestamp,
}

/// Where the store takes the time from.
#[derive(Clone)]
pub struct TimeSource(Arc<dyn Fn() -> Reading + Send + Sync>);

impl TimeSource {
    /// A source that asks `read` each time.
    pub fn new(read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    fn read(&self) -> Reading {
        (self.0)()
    }

    fn now(&self) -> Timestamp {
        self.read().now
    }
}

impl std::fmt::Debug for TimeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TimeSource")
    }
}

/// The keyring in force; a reload replaces it while the store runs.
pub type SharedKeyring = Arc<ArcSwap<Keyring>>;

/// What a broker asks of its store. Every call has a deadline of its own, and failure is a value.
pub trait Store: Send + Sync {
    /// Records a session before its credentials leave, spending `reservation` with it: both or neither.
    fn record(
        &self,
        record: &SessionRecord,
        reservation: Option<&Reservation>,
        limits: Limits,
    ) -> impl Future<Output = Result<Recorded, Unavailable>> + Send;

    /// The record of a live session.
    fn session(
        &self,
        name: &SessionName,
    ) -> impl Future<Output = Result<Option<SessionRecord>, Unavailable>> + Send;

    /// Live sessions, by expiry, at most [`PAGE`] at a time. A page can be short, even empty, and have a next.
    fn sessions(
        &self,
        selector: &Selector,
        cursor: Cursor,
    ) -> impl Future<Output = Result<Page, Unavailable>> + Send;

    /// Ends what the marks cover: here at once, everywhere as soon as the store has them. Nothing needs to be known
    /// to the store. Marks merge by maximum, so repeating a call is harmless.
    fn revoke(
        &self,
        revocations: &[Revocation],
    ) -> impl Future<Output = Result<Settlement, RevokeError>> + Send;

    /// Notes when sessions were last used.
    fn touch(&self, uses: &[(SessionId, Timestamp)]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The store's own time, if it has one.
    fn clock(&self) -> impl Future<Output = Result<Option<Timestamp>, Unavailable>> + Send;

    /// The revocation view that this store keeps current.
    fn live(&self) -> &Arc<LiveView>;

    /// Ids of the keys that live peers have published: what one of them sealed is unknown here, not forged.
    fn peer_keys(&self) -> Arc<BTreeSet<KeyId>>;
}

/// A proof that may be redeemed once, and who redeems it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What is spent: the proof, with the role where it may be spent once a role.
    pub target: Target,
    /// Digest of the whole request, to recognise its repetition.
    pub request_digest: [u8; 32],
    /// Address of the peer.
    pub peer: String,
    /// When the proof was issued: one older than the store's history can't be told from a spent one.
    pub issued: Timestamp,
    /// Until when the proof could be presented again: its end and 15 minutes.
    pub keep_until: Timestamp,
}

/// How many sessions may be live at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one principal.
    pub per_principal: u64,
    /// Of one account.
    pub per_account: u64,
}

/// A scope and how many live sessions one target of it may have.
type Limit = (Scope, u64);

impl Limits {
    /// The limit on the sessions of `target`, one of the record's, if it has one. Of a principal's names only the one
    /// that its issuer vouches for counts: a source identity may be said by every issuer, and one tenant could use up
    /// another's.
    fn of(self, record: &SessionRecord, target: Target) -> Option<Limit> {
        match target.scope {
            Scope::Principal if record.principal_target() != Some(target) => None,
            Scope::Principal => Some((target.scope, self.per_principal)),
            Scope::Account => Some((target.scope, self.per_account)),
            _ => None,
        }
    }
}

/// What became of a session that was to be recorded. Only `New` and `Same` may be answered with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is recorded.
    New,
    /// The request is a repetition: this is the session that it was given the first time.
    Same(Box<SessionRecord>),
    /// Its proof was redeemed before.
    Spent,
    /// This scope's target has as many live sessions as it may.
    TooMany(Scope),
}

/// How a session is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionName {
    /// By its access key id, `ASIA…`.
    AccessKey(String),
    /// By its own id.
    Id(SessionId),
}

/// Which sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selector {
    /// Those of one principal, role, provider, certificate or account; all if none is named.
    pub target: Option<Target>,
    /// Only those issued before this time.
    pub issued_before: Option<Timestamp>,
}

/// Where a listing goes on; the default is its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor {
    score: u64,
    member: [u8; 16],
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{}", self.score, data_encoding::HEXLOWER.encode(&self.member))
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| ())?;
        let (score, member) = bytes.split_first_chunk::<8>().ok_or(())?;
        Ok(Self { score: u64::from_be_bytes(*score), member: member.try_into().map_err(|_| ())? })
    }
}

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Up to [`PAGE`] sessions.
    pub sessions: Vec<SessionRecord>,
    /// Where to go on, if there may be more.
    pub next: Option<Cursor>,
}

/// A mark to set and, for a session ended by itself, the principal whose count of those it falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// What is ended.
    pub mark: Mark,
    /// The session's principal, if the session is known.
    pub counted_under: Option<Target>,
}

/// How far a revocation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Enforced here and in this broker's journal; peers learn of it as soon as the store answers again.
    Propagating,
    /// Durable; every broker enforces it within a second.
    Settled,
}

/// Why a revocation was not done.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Neither journal nor store holds it. It is enforced here until this broker stops.
    #[error("the revocation is not durable: {0}")]
    NotDurable(#[from] Unavailable),
    /// More than [`MAX_SINGLE_REVOCATIONS`] of one principal.
    #[error("{MAX_SINGLE_REVOCATIONS} sessions of this principal were ended one by one: use `--principal`")]
    TooManySingle,
}

/// Why the store gave no answer. Nothing may be issued on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many calls as may are waiting already.
    #[error("too many calls are waiting for the store")]
    Backlog,
    /// A stored value can't be what this broker or a peer wrote.
    #[error("a stored value does not open: {0}")]
    Damaged(String),
    /// No answer in time.
    #[error("the store did not answer in time")]
    Deadline,
    /// The disk, the connection or the server failed.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The store was lost after the proof was issued: whether it was spent before can't be known.
    #[error("the proof is older than the store's history")]
    HistoryLost,
}
