//! What the writer and those who queue lines for it both know.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::chain::Checkpoint;
use super::text::{Text, to_json};
use super::{Counters, Event};

/// Which broker writes, and where it stands; every event carries it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) broker: String,
    pub(super) region: String,
}

impl Origin {
    pub(super) fn body<'a>(&'a self, mut event: Event<'a>) -> Result<Vec<u8>, serde_json::Error> {
        event.aws_region = Text::from(self.region.as_str());
        event.additional_event_data.broker = Text::from(self.broker.as_str());
        to_json(&event)
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    broken: AtomicBool,
    queued_bytes: AtomicUsize,
    /// Lines in the queue that somebody waits for.
    awaited: AtomicUsize,
    /// Awaited lines answered with an error, not yet told in a gap record.
    refused: AtomicU64,
    /// Lines that went missing, not yet told in a gap record.
    lost: AtomicU64,
    failures: AtomicU64,
    lost_ever: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    head: Checkpoint,
    cause: String,
}

impl Shared {
    pub(super) fn new(head: Checkpoint) -> Self {
        Self {
            broken: AtomicBool::new(false),
            queued_bytes: AtomicUsize::new(0),
            awaited: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            lost_ever: AtomicU64::new(0),
            state: Mutex::new(State { head, cause: String::new() }),
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    pub(super) fn break_off(&self, error: &io::Error) {
        let mut state = self.state();
        state.cause = error.to_string();
        if !self.broken.swap(true, Ordering::AcqRel) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn mend(&self) {
        self.broken.store(false, Ordering::Release);
    }

    pub(super) fn cause(&self) -> String {
        self.state().cause.clone()
    }

    /// Room for a line among those queued; false if they would be more than `limit` bytes.
    pub(super) fn admit(&self, bytes: usize, limit: usize) -> bool {
        let fits = |queued: usize| queued.checked_add(bytes).filter(|sum| *sum <= limit);
        self.queued_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
    }

    /// Somebody is going to wait for a line in the queue.
    pub(super) fn await_line(&self) {
        self.awaited.fetch_add(1, Ordering::AcqRel);
    }

    /// Such a line was taken out of the queue, or didn't get in.
    pub(super) fn taken(&self) {
        self.awaited.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0
    }

    pub(super) fn release(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn count_lost(&self) {
        self.lost.fetch_add(1, Ordering::AcqRel);
        self.lost_ever.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }

    /// Takes off what a gap record on disk now tells.
    pub(super) fn told(&self, refused: u64, lost: u64) {
        self.refused.fetch_sub(refused, Ordering::AcqRel);
        self.lost.fetch_sub(lost, Ordering::AcqRel);
    }

    pub(super) fn publish(&self, head: Checkpoint) {
        self.state().head = head;
    }

    pub(super) fn head(&self) -> Checkpoint {
        self.state().head
    }

    pub(super) fn counters(&self, refusals_lost: u64) -> Counters {
        Counters {
            broken: self.is_broken(),
            failures: self.failures.load(Ordering::Relaxed),
            lines_lost: self.lost_ever.load(Ordering::Relaxed),
            refusals_lost,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
