//! The one writer of the audit file: everything queued goes to disk in one write and one sync, then each is answered.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::chain::Checkpoint;
use super::gap::{Gap, housekeeping};
use super::log::Log;
use super::shared::{Origin, Shared};
use super::{Receipt, Unavailable};
use crate::clock::Clock;

/// The most bytes that one write takes.
const MAX_BATCH: usize = 4 * 1_024 * 1_024;
/// The most bytes kept for a file that can't be written; what doesn't fit is counted.
const MAX_HELD: usize = 16 * 1_024 * 1_024;
/// How long the next sync waits for each line of the last one, so that many lines come to share one. Lines that come
/// one at a time never wait.
const PACE_PER_LINE: Duration = Duration::from_micros(500);
/// The longest that it waits where somebody may be waiting for it, and a slice of the wait where nobody is.
const MAX_PACE: Duration = Duration::from_millis(5);
/// The longest that it waits while all lines are noted and nobody waits for one.
const MAX_NOTED_PACE: Duration = Duration::from_millis(50);
/// How long a broken file is left alone before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Something for the writer to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Write this line.
    Line { body: Vec<u8>, promise: Promise },
    /// Go on in a new file if the old one was renamed.
    Reopen(oneshot::Sender<io::Result<()>>),
}

/// What the sender of a line is waiting for.
#[derive(Debug)]
pub(super) enum Promise {
    /// It is on disk, or it is not and never will be.
    Awaited(oneshot::Sender<Result<Receipt, Unavailable>>),
    /// Nothing: it will be there.
    Noted,
    /// It is on disk; if it can't be now, it will be.
    Owed(oneshot::Sender<Result<Receipt, Unavailable>>),
}

pub(super) struct Writer {
    log: Log,
    head: Checkpoint,
    clock: Arc<Clock>,
    origin: Origin,
    shared: Arc<Shared>,
    /// Lines that are owed to a file that can't be written.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
}

impl Writer {
    pub(super) fn new(
        log: Log,
        head: Checkpoint,
        clock: Arc<Clock>,
        origin: Origin,
        shared: Arc<Shared>,
    ) -> Self {
        Self { log, head, clock, origin, shared, held: Vec::new(), held_bytes: 0 }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let began = self.clock.since_boot();
            let lines = self.serve(job, jobs);
            if self.shared.is_broken() {
                self.wait_out(jobs);
            } else if lines > 1 {
                self.pace(began, lines);
            }
        }
    }

    /// Waits until the next sync is worth it.
    fn pace(&self, began: Duration, lines: usize) {
        let all = PACE_PER_LINE.saturating_mul(u32::try_from(lines).unwrap_or(u32::MAX));
        let until = began.saturating_add(all.min(MAX_NOTED_PACE));
        loop {
            let left = until.saturating_sub(self.clock.since_boot());
            std::thread::sleep(left.min(MAX_PACE));
            if left <= MAX_PACE || self.shared.is_awaited() {
                return;
            }
        }
    }

    /// Writes what is queued; the number of its lines.
    fn serve(&mut self, first: Job, jobs: &Receiver<Job>) -> usize {
        let mut batch = Vec::new();
        let mut bytes = 0_usize;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Line { body, promise } => {
                    if !matches!(promise, Promise::Noted) {
                        self.shared.taken();
                    }
                    bytes = bytes.saturating_add(body.len());
                    batch.push((body, promise));
                }
                Job::Reopen(done) => {
                    self.shared.release(bytes);
                    let lines = batch.len();
                    self.commit(batch);
                    // Whoever asked may have gone; the file is reopened all the same.
                    let _ = done.send(self.reopen());
                    return lines;
                }
            }
            next = if bytes < MAX_BATCH { jobs.try_recv().ok() } else { None };
        }
        self.shared.release(bytes);
        let lines = batch.len();
        self.commit(batch);
        lines
    }

    fn commit(&mut self, batch: Vec<(Vec<u8>, Promise)>) {
        if batch.is_empty() {
            return;
        }
        if self.shared.is_broken() {
            return batch.into_iter().for_each(|line| self.refuse(line));
        }
        let mut head = self.head;
        let mut lines = Vec::new();
        let (refused, lost) = (self.shared.refused(), self.shared.lost());
        if refused.saturating_add(lost) > 0 {
            self.gap("lines came faster than they could be written", refused, lost, &mut head, &mut lines);
        }
        let mut receipts = Vec::with_capacity(batch.len());
        for (body, _) in &batch {
            head.append(body, &mut lines);
            receipts.push(Receipt { line: head });
        }
        if let Err(error) = self.log.append(&lines, &head) {
            self.break_off(&error);
            return batch.into_iter().for_each(|line| self.refuse(line));
        }
        self.advance(head);
        self.shared.told(refused, lost);
        for ((_, promise), receipt) in batch.into_iter().zip(receipts) {
            if let Promise::Awaited(sender) | Promise::Owed(sender) = promise {
                // Whoever gave up waiting was told that it isn't known to be written.
                let _ = sender.send(Ok(receipt));
            }
        }
    }

    /// Serves refusals while the file can't be written, and tries it again every second.
    fn wait_out(&mut self, jobs: &Receiver<Job>) {
        let mut retry_at = self.clock.since_boot().saturating_add(RETRY);
        loop {
            match jobs.recv_timeout(retry_at.saturating_sub(self.clock.since_boot())) {
                Ok(job) => {
                    self.serve(job, jobs);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.resume();
                    return;
                }
            }
            if !self.shared.is_broken() {
                return;
            }
            if self.clock.since_boot() >= retry_at {
                if self.resume() {
                    return;
                }
                retry_at = self.clock.since_boot().saturating_add(RETRY);
            }
        }
    }

    fn resume(&mut self) -> bool {
        match self.write_held() {
            Ok(()) => {
                tracing::warn!(file = %self.log.path().display(), "audit lines are written again");
                self.held.clear();
                self.held_bytes = 0;
                self.shared.mend();
                true
            }
            Err(error) => {
                self.break_off(&error);
                false
            }
        }
    }

    fn write_held(&mut self) -> io::Result<()> {
        self.log.mend()?;
        let (mut head, mut lines) = (self.head, Vec::new());
        let (refused, lost) = (self.shared.refused(), self.shared.lost());
        let cause = format!("the file could not be written: {}", self.shared.cause());
        self.gap(&cause, refused, lost, &mut head, &mut lines);
        for body in &self.held {
            head.append(body, &mut lines);
        }
        self.log.append(&lines, &head)?;
        self.shared.told(refused, lost);
        self.advance(head);
        Ok(())
    }

    fn refuse(&mut self, (body, promise): (Vec<u8>, Promise)) {
        if let Promise::Awaited(sender) = promise {
            self.shared.count_refused();
            let _ = sender.send(Err(Unavailable::Broken));
            return;
        }
        // An owed line's sender is dropped with its promise: that is the answer "pending".
        let held = self.held_bytes.saturating_add(body.len());
        if held > MAX_HELD {
            return self.shared.count_lost();
        }
        self.held_bytes = held;
        self.held.push(body);
    }

    fn reopen(&mut self) -> io::Result<()> {
        if self.shared.is_broken() {
            return if self.resume() { Ok(()) } else { Err(io::Error::other(self.shared.cause())) };
        }
        if !self.log.reopen()? {
            return Ok(());
        }
        let (mut head, mut lines) = (self.head, Vec::new());
        let event = housekeeping("AuditReopen", self.clock.reading().now(), &head);
        self.append(event, &mut head, &mut lines);
        match self.log.append(&lines, &head) {
            Ok(()) => {
                self.advance(head);
                Ok(())
            }
            Err(error) => {
                self.break_off(&error);
                Err(error)
            }
        }
    }

    fn gap(&self, cause: &str, refused: u64, lost: u64, head: &mut Checkpoint, lines: &mut Vec<u8>) {
        let gap = Gap::missing(cause.to_owned(), refused, lost);
        let event = gap.event(self.clock.reading().now(), head);
        self.append(event, head, lines);
    }

    fn append(&self, event: super::Event<'_>, head: &mut Checkpoint, lines: &mut Vec<u8>) {
        // Writing JSON into memory fails only for values that no event holds.
        if let Ok(body) = self.origin.body(event) {
            head.append(&body, lines);
        }
    }

    fn advance(&mut self, head: Checkpoint) {
        self.head = head;
        self.shared.publish(head);
    }

    fn break_off(&self, error: &io::Error) {
        let file = self.log.path().display();
        tracing::error!(%file, %error, "audit lines can't be written: nothing is issued until they can");
        self.shared.break_off(error);
    }
}
