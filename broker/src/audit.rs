//! The audit trail: what must be known is on disk, chained line to line, before anybody is answered.
//!
//! Refusals of strangers go to a file of their own, which has a size and a rate: nobody outside can fill the disk
//! that issuing depends on.

mod chain;
mod event;
mod find;
mod gap;
mod log;
mod refusals;
mod shared;
#[cfg(test)]
mod tests;
mod text;
mod worker;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
pub use chain::{Break, Cause, Checkpoint, MAX_LINE, NotACheckpoint, Start, Summary, verify_chain};
pub use event::{
    Decision, Event, IdentityKind, Issuer, Outcome, Parameter, SessionContext, Source, Step, UserIdentity,
    uuid,
};
pub use find::{files, find};
use log::{Found, Log};
use refusals::Refusals;
use shared::{Origin, Shared};
pub use text::Text;
use worker::Worker;
use writer::{Job, Promise, Writer};

/// How many lines may wait for the disk.
const PLACES: usize = 16_384;
/// How many bytes of them. Notes stop first, so that they never keep an awaited line out, and revocations last.
const NOTED_BYTES: usize = 8 * 1_024 * 1_024;
const AWAITED_BYTES: usize = 24 * 1_024 * 1_024;
const OWED_BYTES: usize = 32 * 1_024 * 1_024;

/// How the audit trail is kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The chained file; no other process may have it open.
    pub file: PathBuf,
    /// The file for refusals of strangers; one older generation is kept beside it as `.1`.
    pub refusals_file: PathBuf,
    /// The most bytes that each of those two may hold.
    pub refusals_cap: u64,
    /// The most refusals written a second.
    pub refusals_per_second: u32,
    /// How long an awaited line may take.
    pub deadline: Duration,
    /// This broker's name, for every record.
    pub broker: String,
    /// The region, for every record.
    pub region: String,
}

/// The open audit trail. Dropping it writes what is queued.
#[derive(Debug)]
pub struct Audit {
    worker: Worker<Job>,
    shared: Arc<Shared>,
    refusals: Refusals,
    origin: Origin,
    clock: Arc<Clock>,
    deadline: Duration,
}

/// What was found in the audit file when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The last line that was there.
    pub head: Checkpoint,
    /// How many lines at the end of the file were checked: those of its last 4 MiB.
    pub lines_checked: u64,
    /// How many bytes a write cut short had left; a gap record names them now.
    pub torn_bytes: u64,
}

/// Proof that a line is on disk; only a sync of the file makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    line: Checkpoint,
}

impl Receipt {
    /// The line's place in the chain.
    pub fn line(&self) -> Checkpoint {
        self.line
    }
}

/// What became of a line that is owed rather than awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It isn't on disk yet. It will be once the file can be written, or a gap record will say that it is missing.
    Pending,
    /// It is on disk.
    Written(Receipt),
}

/// What to watch: all but `broken` only ever grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// The file can't be written at the moment, and nothing is issued.
    pub broken: bool,
    /// How often that began.
    pub failures: u64,
    /// Lines of the chained file that a gap record stands for.
    pub lines_lost: u64,
    /// Refusals that were not written down.
    pub refusals_lost: u64,
}

/// Why a line is not known to be on disk; whatever waited for it must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The file can't be written at the moment.
    #[error("the audit file can't be written")]
    Broken,
    /// More lines wait for the disk than may.
    #[error("the audit file is too slow for what is asked")]
    Busy,
    /// The disk didn't answer in time; the line may turn up all the same.
    #[error("the audit file didn't answer in time")]
    Deadline,
}

/// Why the audit trail can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A line was changed, or lines are missing. Keep the file as evidence under another name, and start anew.
    #[error("audit file `{}` was tampered with: {broken}", file.display())]
    Chain {
        /// Which file.
        file: PathBuf,
        /// Where, and what is wrong.
        #[source]
        broken: Break,
    },
    /// Another process writes it.
    #[error("audit file `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The system refused.
    #[error("audit file `{}`: {cause}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The path leads to a folder, a device or a pipe.
    #[error("audit file `{}` is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It holds something else, which is not written into.
    #[error("`{}` is not an audit file", .0.display())]
    NotAnAuditFile(PathBuf),
}

impl Audit {
    /// Opens both files, creating them for their owner alone, and checks the lines in the last 4 MiB of the chain.
    ///
    /// A write that a crash cut short stays in the file, and a gap record names its bytes.
    ///
    /// # Errors
    /// A chain that was edited is not continued: see [`AuditError`].
    pub fn open(settings: Settings, clock: Arc<Clock>) -> Result<(Self, Recovered), AuditError> {
        let io = |cause| AuditError::Io { file: settings.file.clone(), cause };
        let origin = Origin { broker: settings.broker, region: settings.region };
        let (mut log, found) = Log::open(&settings.file)?;
        let head = close_off(&mut log, &found, &origin, &clock).map_err(io)?;
        let torn_bytes = found.torn.as_ref().map_or(0, |torn| torn.bytes);
        let recovered = Recovered { head: found.head, lines_checked: found.lines_checked, torn_bytes };

        let (cap, rate) = (settings.refusals_cap, settings.refusals_per_second);
        let refusals =
            Refusals::open(&settings.refusals_file, cap, rate, origin.clone(), Arc::clone(&clock))?;
        let shared = Arc::new(Shared::new(head));
        let writer = Writer::new(log, head, Arc::clone(&clock), origin.clone(), Arc::clone(&shared));
        let worker = Worker::start("audit", PLACES, move |jobs| writer.run(&jobs)).map_err(io)?;
        Ok((Self { worker, shared, refusals, origin, clock, deadline: settings.deadline }, recovered))
    }

    /// Writes the event down; what is returned waits until it is on disk: for whatever must not happen unrecorded.
    ///
    /// # Errors
    /// The event is not known to be on disk. After [`Unavailable::Deadline`] it may turn up there: the file may tell
    /// of more than was answered, never of less.
    pub fn record(&self, event: Event<'_>) -> impl Future<Output = Result<Receipt, Unavailable>> + use<> {
        let (sender, answer) = oneshot::channel();
        let queued = if self.shared.is_broken() {
            self.shared.count_refused();
            Err(Unavailable::Broken)
        } else if self.queue(event, Promise::Awaited(sender), AWAITED_BYTES) {
            Ok(tokio::time::timeout(self.deadline, answer))
        } else {
            Err(Unavailable::Busy)
        };
        // Without the event, which is large: every sign-in holds this while it waits.
        async move {
            match queued?.await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Unavailable::Broken),
                Err(_) => Err(Unavailable::Deadline),
            }
        }
    }

    /// Writes down an event that goes ahead in any case: ending sessions must not wait for a disk.
    pub async fn record_revocation(&self, event: Event<'_>) -> Recorded {
        let (sender, answer) = oneshot::channel();
        if !self.queue(event, Promise::Owed(sender), OWED_BYTES) {
            self.shared.count_lost();
            return Recorded::Pending;
        }
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(Ok(receipt))) => Recorded::Written(receipt),
            _ => Recorded::Pending,
        }
    }

    /// Writes the event down soon: for decisions, which are many. A gap record counts those that found no room.
    pub fn note(&self, event: Event<'_>) {
        if !self.queue(event, Promise::Noted, NOTED_BYTES) {
            self.shared.count_lost();
        }
    }

    /// Writes the refusal of a stranger down, if there is room for it.
    pub fn refusal(&self, event: Event<'_>) {
        self.refusals.offer(event, &self.origin, self.clock.since_boot());
    }

    /// Goes on in a new file if the old one was renamed; its first line names the last one of the old file. A file
    /// that couldn't be written is tried at once.
    ///
    /// # Errors
    /// The new file can't be used; the old one still is, if it can be written.
    pub async fn reopen(&self) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        if !self.worker.offer(Job::Reopen(done)) {
            return Err(io::Error::other(Unavailable::Busy));
        }
        answer.await.map_err(|_| io::Error::other(Unavailable::Broken))?
    }

    /// The last line known to be on disk; kept elsewhere, it shows later that nothing before it was changed.
    pub fn checkpoint(&self) -> Checkpoint {
        self.shared.head()
    }

    /// What to watch.
    pub fn counters(&self) -> Counters {
        self.shared.counters(self.refusals.lost())
    }

    fn queue(&self, event: Event<'_>, promise: Promise, limit: usize) -> bool {
        let Ok(body) = self.origin.body(event) else { return false };
        let bytes = body.len();
        if !self.shared.admit(bytes, limit) {
            return false;
        }
        let awaited = !matches!(promise, Promise::Noted);
        if awaited {
            self.shared.await_line();
        }
        let queued = self.worker.offer(Job::Line { body, promise });
        if !queued {
            self.shared.release(bytes);
            if awaited {
                self.shared.taken();
            }
        }
        queued
    }
}

/// Closes off what a write cut short left at the end of the file, and says so in the next line.
fn close_off(log: &mut Log, found: &Found, origin: &Origin, clock: &Clock) -> io::Result<Checkpoint> {
    let mut head = found.head;
    let gap = match &found.torn {
        None if found.line_break.is_empty() => return Ok(head),
        None => gap::Gap::missing("a write was cut short before its line break", 0, 0),
        Some(torn) => gap::Gap::torn(torn),
    };
    let body = origin.body(gap.event(clock.reading().now(), &head)).map_err(io::Error::other)?;
    let mut lines = found.line_break.to_vec();
    head.append(&body, &mut lines);
    log.append(&lines, &head)?;
    Ok(head)
}
