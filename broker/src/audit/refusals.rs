//! The file for refusals of strangers: anybody can cause a line, so it has a rate and a size and may lose lines.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::chain::Checkpoint;
use super::gap::Gap;
use super::log::{length, open_regular};
use super::shared::Origin;
use super::worker::Worker;
use super::{AuditError, Event};
use crate::clock::Clock;

/// How many lines may wait for the disk.
const PLACES: usize = 1_024;

#[derive(Debug)]
pub(super) struct Refusals {
    worker: Worker<Vec<u8>>,
    bucket: Mutex<Bucket>,
    lost: Arc<AtomicU64>,
}

impl Refusals {
    pub(super) fn open(
        path: &Path,
        cap: u64,
        per_second: u32,
        origin: Origin,
        clock: Arc<Clock>,
    ) -> Result<Self, AuditError> {
        let io = |cause| AuditError::Io { file: path.to_path_buf(), cause };
        let bucket = Mutex::new(Bucket::full(per_second, clock.since_boot()));
        let file = open_regular(path).map_err(io)?.ok_or_else(|| AuditError::NotAFile(path.to_path_buf()))?;
        let size = file.metadata().map_err(io)?.len();
        let lost = Arc::new(AtomicU64::new(0));
        // A line that a crash cut short is closed off by the line break in front of the first new one.
        let mut pen = Pen {
            path: path.to_path_buf(),
            file,
            size,
            cap,
            torn: size > 0,
            lost: Arc::clone(&lost),
            told: 0,
        };
        let write = move |lines: Receiver<Vec<u8>>| {
            while let Ok(line) = lines.recv() {
                pen.write(line, &origin, &clock);
            }
        };
        Ok(Self { worker: Worker::start("refusals", PLACES, write).map_err(io)?, bucket, lost })
    }

    /// Writes the event down if there is room for it.
    pub(super) fn offer(&self, event: Event<'_>, origin: &Origin, since_boot: Duration) {
        let admitted = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(since_boot);
        let written = admitted && origin.body(event).is_ok_and(|body| self.worker.offer(body));
        if !written {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// So many lines a second, and a second's worth at once.
#[derive(Debug)]
struct Bucket {
    per_second: u32,
    /// Billionths of a line.
    level: u64,
    filled_at: Duration,
}

const WHOLE: u64 = 1_000_000_000;

impl Bucket {
    fn full(per_second: u32, now: Duration) -> Self {
        Self { per_second, level: u64::from(per_second).saturating_mul(WHOLE), filled_at: now }
    }

    fn take(&mut self, now: Duration) -> bool {
        let passed = u64::try_from(now.saturating_sub(self.filled_at).as_nanos()).unwrap_or(u64::MAX);
        let rate = u64::from(self.per_second);
        let most = rate.saturating_mul(WHOLE);
        self.level = self.level.saturating_add(passed.saturating_mul(rate)).min(most);
        self.filled_at = now;
        match self.level.checked_sub(WHOLE) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[derive(Debug)]
struct Pen {
    path: PathBuf,
    file: File,
    size: u64,
    cap: u64,
    torn: bool,
    lost: Arc<AtomicU64>,
    /// How many of the lost lines the file already tells of.
    told: u64,
}

impl Pen {
    fn write(&mut self, line: Vec<u8>, origin: &Origin, clock: &Clock) {
        let lost = self.lost.load(Ordering::Relaxed);
        let missing = lost.saturating_sub(self.told);
        let mut lines = Vec::with_capacity(line.len().saturating_add(2));
        if self.torn {
            lines.push(b'\n');
        }
        if missing > 0 {
            let gap = Gap::missing("refusals came faster than they may be written", 0, missing);
            lines
                .extend(origin.body(gap.event(clock.reading().now(), &Checkpoint::NONE)).unwrap_or_default());
            lines.push(b'\n');
        }
        lines.extend(line);
        lines.push(b'\n');
        match self.append(&lines) {
            Ok(()) => {
                self.torn = false;
                self.told = lost;
            }
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "a refusal could not be written down");
                self.torn = true;
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.size.saturating_add(length(lines.len())) > self.cap {
            std::fs::rename(&self.path, older(&self.path))?;
            self.file = open_regular(&self.path)?.ok_or_else(|| io::Error::other("not a regular file"))?;
            self.size = 0;
        }
        // Counted before it is known to be written: the cap holds for half-written lines too.
        self.size = self.size.saturating_add(length(lines.len()));
        self.file.write_all(lines)
    }
}

/// Where the refusals before the last rotation are.
pub(super) fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".1");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_gives_its_rate_and_no_more() {
        let mut bucket = Bucket::full(10, Duration::ZERO);
        let taken =
            |bucket: &mut Bucket, at| (0..100).filter(|_| bucket.take(Duration::from_millis(at))).count();
        assert_eq!(taken(&mut bucket, 0), 10);
        assert_eq!(taken(&mut bucket, 99), 0);
        assert_eq!(taken(&mut bucket, 500), 5);
        assert_eq!(taken(&mut bucket, 3_600_000), 10, "an hour of quiet buys one second");
    }
}
