//! The task that keeps the revocation view: it alone uses its connection, on which it writes heartbeats and marks and
//! reads marks and epoch. A connection that fails once is not used again.
//!
//! Marks are a stream that is only added to and that every reader merges by maximum: a stale, repeated or reordered
//! write can't lower what stands, so no write reads first. What is deleted behind the brokers' backs comes back, since
//! each of them reads the whole stream now and then and adds the marks of its view that are not in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use self::pass::Pass;
use super::connection::Address;
use super::lane::DEADLINE;
use crate::revocation::{MARK_KEPT_MS, Mark, Scope, Target, View, millis};
use crate::seal::KeyId;
use crate::store::journal::Journal;
use crate::store::sealed::Sealer;
use crate::store::{LiveView, TimeSource, Unavailable};

mod beat;
mod pass;

/// How often the view is polled.
const POLL: Duration = Duration::from_millis(250);
/// A heartbeat with every fourth poll: one a second.
const POLLS_A_BEAT: u64 = 4;
/// The whole stream is compared with the view every 240 polls: once a minute.
const POLLS_A_PASS: u64 = 240;
/// Pages of marks read at one poll.
const PAGES_A_POLL: usize = 64;
/// A journal shorter than this is not worth rewriting.
const SHORT_JOURNAL: u64 = 1 << 20;

/// Marks that the store is to have, and whom to tell once it does.
#[derive(Debug)]
pub(super) struct Assertion {
    pub(super) marks: Vec<Mark>,
    pub(super) confirmed: oneshot::Sender<()>,
}

/// What the task works with.
pub(super) struct Parts {
    pub(super) address: Address,
    pub(super) sealer: Sealer,
    pub(super) live: Arc<LiveView>,
    pub(super) peer_keys: Arc<ArcSwap<BTreeSet<KeyId>>>,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) time: TimeSource,
    pub(super) broker: String,
    /// How long a lost history is waited for before everything older is ended.
    pub(super) lost_after: Duration,
    /// Whether the view was whole before this start.
    pub(super) has_history: bool,
}

pub(super) struct Watch {
    parts: Parts,
    connection: Option<MultiplexedConnection>,
    pass: Pass,
    /// Marks that the store is not known to have.
    pending: View,
    waiting: Vec<oneshot::Sender<()>>,
    has_history: bool,
    missing_since: Option<Duration>,
    /// The run of the server that was read last.
    replication_id: Option<String>,
    store_time_ms: u64,
    polls: u64,
    failing: bool,
}

impl Watch {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            has_history: parts.has_history,
            parts,
            connection: None,
            pass: Pass::default(),
            pending: View::default(),
            waiting: Vec::new(),
            missing_since: None,
            replication_id: None,
            store_time_ms: 0,
            polls: 0,
            failing: false,
        }
    }

    /// Runs until the store is dropped.
    pub(super) async fn run(mut self, mut asserted: mpsc::Receiver<Assertion>) {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                assertion = asserted.recv() => {
                    let Some(assertion) = assertion else { return };
                    self.take_up(assertion);
                    while let Ok(next) = asserted.try_recv() {
                        self.take_up(next);
                    }
                    self.flush().await
                }
                _ = ticks.tick() => self.tick().await,
            };
            match done {
                Ok(()) => self.failing = false,
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Leaves the connection. What is pending stays so; whoever waits for it is told that it is.
    fn fail(&mut self, error: &Unavailable) {
        if !self.failing {
            tracing::warn!(%error, "the revocation view is not being read");
        }
        self.failing = true;
        self.connection = None;
        self.waiting.clear();
        self.missing_since = None;
    }

    fn take_up(&mut self, assertion: Assertion) {
        for mark in &assertion.marks {
            self.pending.merge(mark);
        }
        self.waiting.push(assertion.confirmed);
    }

    async fn tick(&mut self) -> Result<(), Unavailable> {
        let fresh = self.connection.is_none();
        if fresh {
            self.connection = Some(self.parts.address.connect().await?);
        }
        if fresh || self.polls.is_multiple_of(POLLS_A_PASS) {
            self.pass = Pass::default();
            self.tidy().await;
        }
        let beat = fresh || self.polls.is_multiple_of(POLLS_A_BEAT);
        self.polls = self.polls.wrapping_add(1);
        self.poll(beat).await
    }

    /// Reads what is new; the view's age starts anew if that, a heartbeat and all that is pending came through.
    async fn poll(&mut self, beat: bool) -> Result<(), Unavailable> {
        let begun = self.parts.time.read().monotonic;
        self.flush().await?;
        if beat {
            self.beat().await?;
        }
        if !self.read_pages().await? {
            return Ok(());
        }
        if self.pass.is_damaged() {
            // A keyring that is about to arrive, or an operator, may heal it.
            if beat {
                self.pass = Pass::default();
            }
            return Ok(());
        }
        if let Some(seen) = self.pass.finish() {
            self.pending = missing(&self.parts.live.whatever_its_age(), seen);
            self.flush().await?;
        }
        let Some(epoch) = self.pass.epoch() else { return self.restore_epoch(begun).await };
        self.missing_since = None;
        if beat {
            self.keep_epoch_readable(epoch).await?;
            self.note_history().await;
            self.parts.live.confirm(begun);
        }
        Ok(())
    }

    /// Whether the stream was read to its end.
    async fn read_pages(&mut self) -> Result<bool, Unavailable> {
        for _ in 0..PAGES_A_POLL {
            let pipeline = self.pass.ask(&self.parts.sealer);
            let answer = self.query(&pipeline).await?;
            let Some(page) = self.pass.take(answer, &self.parts.sealer) else { continue };
            let changed = self.parts.live.merge(&page.marks);
            if !changed.is_empty() {
                self.with_journal(move |journal| journal.append(&changed)).await;
            }
            if page.is_last {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes what the store is not known to have, and tells those who wait for it.
    async fn flush(&mut self) -> Result<(), Unavailable> {
        if self.connection.is_none() {
            self.waiting.clear();
            return Ok(());
        }
        if !self.pending.is_empty() {
            let marks: Vec<Mark> = self.pending.marks().collect();
            for marks in marks.chunks(pass::PAGE) {
                let pipeline = pass::add(marks, &self.parts.sealer)?;
                self.query::<()>(&pipeline).await?;
            }
            self.pending = View::default();
        }
        for waiting in self.waiting.drain(..) {
            let _nobody_waits = waiting.send(());
        }
        Ok(())
    }

    /// Starts a new history: at once where the old one is known here, else after giving peers time to, and with a
    /// mark that ends everything older.
    async fn restore_epoch(&mut self, begun: Duration) -> Result<(), Unavailable> {
        if !self.has_history {
            let since = *self.missing_since.get_or_insert(begun);
            if begun.saturating_sub(since) < self.parts.lost_after {
                return Ok(());
            }
            let now_ms = millis(self.parts.time.now());
            let target = Target::everything();
            let at = Scope::Everything.mark(now_ms, self.parts.live.whatever_its_age().mark(target));
            let kept_until = now_ms.saturating_add(MARK_KEPT_MS);
            let mark = Mark { target, at, barred_until: 0, kept_until };
            tracing::warn!("the store has no history that any broker knows: everything older is ended");
            self.parts.live.merge(&[mark]);
            self.with_journal(move |journal| journal.append(&[mark])).await;
            self.pending.merge(&mark);
            self.flush().await?;
        }
        let pipeline = self.pass.begin_epoch(&self.parts.sealer, self.parts.time.now())?;
        // The next poll is a heartbeat, so that nobody waits longer than needed.
        self.polls = 0;
        self.query::<()>(&pipeline).await
    }

    async fn note_history(&mut self) {
        if !self.has_history {
            self.has_history = self.with_journal(Journal::note_whole).await;
        }
    }

    /// Forgets marks whose time is up by both clocks, here and in a journal that is mostly superseded.
    async fn tidy(&mut self) {
        let now_ms = millis(self.parts.time.now()).min(self.store_time_ms);
        let forgot = self.parts.live.forget(now_ms);
        let (view, whole) = (self.parts.live.whatever_its_age(), self.has_history);
        let worth = (view.len() as u64).saturating_mul(600).max(SHORT_JOURNAL);
        self.with_journal(move |journal| {
            if forgot || journal.length() > worth { journal.rewrite(&view, whole) } else { Ok(()) }
        })
        .await;
    }

    /// Whether the journal took it. One that doesn't is reported; the view goes on without.
    async fn with_journal(
        &self,
        write: impl FnOnce(&mut Journal) -> std::io::Result<()> + Send + 'static,
    ) -> bool {
        let journal = Arc::clone(&self.parts.journal);
        let written = tokio::task::spawn_blocking(move || {
            write(&mut journal.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match written.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "the revocation journal was not written");
                false
            }
            Err(_) => false,
        }
    }

    async fn query<T: redis::FromRedisValue>(&mut self, pipeline: &Pipeline) -> Result<T, Unavailable> {
        let Some(connection) = &mut self.connection else { return Err(Unavailable::Deadline) };
        match tokio::time::timeout(DEADLINE, pipeline.query_async(connection)).await {
            Ok(answer) => answer.map_err(|error| Unavailable::Failed(error.to_string())),
            Err(_) => Err(Unavailable::Deadline),
        }
    }
}

/// What `view` has and `seen` lacks.
fn missing(view: &View, mut seen: View) -> View {
    let mut missing = View::default();
    for mark in view.marks().filter(|mark| seen.merge(mark)) {
        missing.merge(&mark);
    }
    missing
}
