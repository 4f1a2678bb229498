//! Time: the only module that reads the system's clocks. It says what time it is, whether that can be trusted
//! enough to issue, and whether a credential is live, expired or in doubt.

mod drift;
mod high_water;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

pub use drift::{Confirmation, Expiry, Reading, Settling, Step};
use drift::{Drift, Sample};
pub use high_water::HighWaterError;
use high_water::HighWaterFile;

/// Two readings of one sample that lie further apart than this were interrupted, and are taken again.
const TORN_SAMPLE_MS: i64 = 1_000;
const SAMPLE_ATTEMPTS: usize = 4;

/// How a clock is kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the highest time seen is kept across restarts; none keeps it in memory only.
    pub high_water_file: Option<PathBuf>,
    /// The least time between two writes of that file.
    pub persist_every: Duration,
    /// Who settles a step of the wall clock.
    pub settling: Settling,
}

/// The system's time, with the doubts one must have about it; reading it takes no lock while the clocks agree.
#[derive(Debug)]
pub struct Clock {
    drift: Drift,
    file: Option<Mutex<HighWaterFile>>,
    /// The high-water mark that is on disk.
    persisted: AtomicI64,
}

/// What [`Clock::persist`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persisted {
    /// Nothing to write: no file, nothing new, or written a moment ago.
    NotDue,
    /// The wall clock has stepped and nobody has settled which time is right, so nothing was written.
    StepPending,
    /// The mark is on disk.
    Written,
}

/// What [`Clock::reset`] changed, for the audit record of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// The time in force until the reset.
    pub from: Timestamp,
    /// The wall clock's time, in force from now on.
    pub to: Timestamp,
}

impl Clock {
    /// The system's clock, never behind the time that the high-water file remembers.
    ///
    /// # Errors
    /// A high-water file that is there but can't be read: guessing could revive expired credentials.
    pub fn system(settings: Settings) -> Result<Self, HighWaterError> {
        Self::starting_at(sample(), settings)
    }

    fn starting_at(sample: Sample, settings: Settings) -> Result<Self, HighWaterError> {
        let file = settings
            .high_water_file
            .map(|path| HighWaterFile::open(path, settings.persist_every))
            .transpose()?;
        let mark = file.as_ref().and_then(HighWaterFile::mark);
        Ok(Self {
            drift: Drift::starting_at(sample, mark, settings.settling),
            file: file.map(Mutex::new),
            persisted: AtomicI64::new(mark.map_or(0, Timestamp::as_millisecond)),
        })
    }

    /// What time it is, and how far that is to be believed.
    pub fn reading(&self) -> Reading {
        self.drift.observe(sample())
    }

    /// A time that has passed beyond doubt, by which what protects can be thrown away: 1970 until the clock has run
    /// evenly for an hour, then the high-water mark on disk. What has expired by it stays expired, whatever the clock
    /// says after a restart.
    pub fn surely_past(&self) -> Timestamp {
        self.surely_past_at(sample())
    }

    fn surely_past_at(&self, sample: Sample) -> Timestamp {
        if self.drift.is_steady(sample.boot) {
            Timestamp::from_millisecond(self.persisted.load(Ordering::Acquire))
                .unwrap_or(Timestamp::UNIX_EPOCH)
        } else {
            Timestamp::UNIX_EPOCH
        }
    }

    /// Time since the machine booted, sleep included: it never steps, so ages and intervals are measured on it.
    pub fn since_boot(&self) -> Duration {
        boot_time()
    }

    /// Compares the wall clock with an outside reference (the store's time); agreement settles a pending step.
    pub fn confirm(&self, reference: Timestamp) -> Confirmation {
        self.drift.confirm(sample(), reference)
    }

    /// Writes the high-water mark if it is due and no step is pending; blocks on the disk, so call it from a
    /// blocking thread, about once a second.
    ///
    /// # Errors
    /// The file could not be replaced; the mark in memory holds on.
    pub fn persist(&self) -> Result<Persisted, HighWaterError> {
        self.persist_at(sample())
    }

    fn persist_at(&self, sample: Sample) -> Result<Persisted, HighWaterError> {
        let Some(file) = &self.file else { return Ok(Persisted::NotDue) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.drift.observe(sample);
        if reading.may_issue().is_err() {
            return Ok(Persisted::StepPending);
        }
        let persisted = file.write_if_due(reading.now(), sample.boot)?;
        if persisted == Persisted::Written {
            self.persisted.store(reading.now().as_millisecond(), Ordering::Release);
        }
        Ok(persisted)
    }

    /// Takes the wall clock's word: forgets the high-water mark, on disk too, and any pending step. For the operator
    /// who has looked at the clock, and for nobody else: it can revive credentials that had expired.
    ///
    /// # Errors
    /// The file could not be replaced; then nothing has changed.
    pub fn reset(&self) -> Result<Reset, HighWaterError> {
        self.reset_at(sample())
    }

    fn reset_at(&self, sample: Sample) -> Result<Reset, HighWaterError> {
        let from = self.drift.observe(sample).now();
        let to = sample.wall_time();
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).write(to, sample.boot)?;
            self.persisted.store(to.as_millisecond(), Ordering::Release);
        }
        self.drift.reset(sample);
        Ok(Reset { from, to })
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn sample() -> Sample {
    let mut boot = millis(boot_time());
    let mut wall = Timestamp::now().as_millisecond();
    // A process stopped between the two reads would see a step that never was.
    for _ in 0..SAMPLE_ATTEMPTS {
        let after = millis(boot_time());
        if after.saturating_sub(boot) <= TORN_SAMPLE_MS {
            break;
        }
        boot = after;
        wall = Timestamp::now().as_millisecond();
    }
    Sample { wall, boot }
}

fn boot_time() -> Duration {
    // The kernel never reports a negative time since boot.
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
