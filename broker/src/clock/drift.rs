//! The judgement of time, fed with pairs of wall and boot-time readings: it reads no clock itself.
//!
//! Boot time never steps. Since they last agreed, the wall clock should have moved as far as boot time; where it has
//! not, one of two times is right and nobody here knows which.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How far the clocks may part, and how far a reference may lie from the wall clock, before issuing stops.
const TOLERANCE_MS: i64 = 30_000;
/// How long the wall clock must then run evenly where no reference can be asked.
const CALM_MS: i64 = 60_000;
/// How evenly.
const CALM_TOLERANCE_MS: i64 = 1_000;
/// How long the clocks must have run together before what the wall clock says is taken for past beyond doubt: longer
/// than a machine that came up with a wrong clock goes uncorrected.
const STEADY_MS: i64 = 3_600_000;
/// Stands in `calm_offset` for "not calm": no real offset comes near.
const NOT_CALM: i64 = i64::MIN;

/// Milliseconds of the two clocks, read at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Since 1970.
    pub(super) wall: i64,
    /// Since boot.
    pub(super) boot: i64,
}

impl Sample {
    pub(super) fn wall_time(self) -> Timestamp {
        timestamp(self.wall)
    }

    fn offset(self) -> i64 {
        self.wall.saturating_sub(self.boot)
    }
}

/// Who settles which time is right after the wall clock has stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// The wall clock itself, by running evenly for 60 s; for a broker that stands alone.
    Calm,
    /// An outside reference, through [`Clock::confirm`](super::Clock::confirm).
    Reference,
}

/// Whether an outside reference and the wall clock tell the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Within 30 s: the wall clock is right.
    Agrees,
    /// Further apart than that; whatever was pending still is.
    Differs {
        /// How far.
        by: Duration,
    },
}

/// A step of the wall clock that nobody has settled; issuing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wall clock says {wall}, the time since boot says {steady}: nobody has confirmed either")]
pub struct Step {
    /// What the wall clock says.
    pub wall: Timestamp,
    /// What the wall clock would say had it not stepped.
    pub steady: Timestamp,
}

/// Whether a credential has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Expired by every reading.
    Expired,
    /// Expired by one reading and live by another: neither can be answered.
    InDoubt,
    /// Live by every reading.
    Live,
}

/// One look at the clock.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    now: Timestamp,
    wall: Timestamp,
    earliest: Timestamp,
    step: Option<Step>,
}

impl Reading {
    /// A reading whose two clocks say these times.
    #[cfg(test)]
    pub(crate) fn between(earliest: Timestamp, now: Timestamp) -> Self {
        let step = (earliest != now).then_some(Step { wall: now, steady: earliest });
        Self { now, wall: now, earliest, step }
    }

    /// The time to decide by: the latest that any clock or the high-water mark gives.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How far the wall clock lies behind the time in force; worth an alarm when it is more than a moment.
    pub fn wall_behind(&self) -> Duration {
        Duration::try_from(self.now.duration_since(self.wall)).unwrap_or_default()
    }

    /// Whether credentials may be issued by this reading.
    ///
    /// # Errors
    /// The step that is in the way.
    pub fn may_issue(&self) -> Result<(), Step> {
        self.step.map_or(Ok(()), Err)
    }

    /// Whether a credential that expires then is still good; it is expired from that very moment on.
    pub fn expiry(&self, expires: Timestamp) -> Expiry {
        if expires <= self.earliest {
            Expiry::Expired
        } else if expires > self.now {
            Expiry::Live
        } else {
            Expiry::InDoubt
        }
    }
}

#[derive(Debug)]
pub(super) struct Drift {
    /// Wall minus boot time while the clocks agree and nothing else is to be heeded, else `NOT_CALM`.
    calm_offset: AtomicI64,
    /// The highest time in force while no step was pending.
    mark: AtomicI64,
    /// Boot time at the start, or when a step was last seen.
    steady_since: AtomicI64,
    judgement: Mutex<Judgement>,
}

#[derive(Debug)]
struct Judgement {
    settling: Settling,
    /// Wall minus boot time when the two were last believed together.
    agreed: i64,
    /// The offset of a time that runs on ahead of the wall clock: after a step back that only calm has settled, the
    /// wall clock may be wrong, and by the old count credentials go on expiring.
    floor: Option<i64>,
    pending: Option<Pending>,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    offset: i64,
    since: i64,
}

impl Drift {
    pub(super) fn starting_at(sample: Sample, mark: Option<Timestamp>, settling: Settling) -> Self {
        let mark = mark.map_or(sample.wall, Timestamp::as_millisecond);
        // A mark well ahead of the wall clock is a step that happened while nobody was looking.
        let stepped_back = mark.saturating_sub(sample.wall) > TOLERANCE_MS;
        let agreed = if stepped_back { mark.saturating_sub(sample.boot) } else { sample.offset() };
        Self {
            calm_offset: AtomicI64::new(agreed),
            mark: AtomicI64::new(mark),
            steady_since: AtomicI64::new(sample.boot),
            judgement: Mutex::new(Judgement { settling, agreed, floor: None, pending: None }),
        }
    }

    pub(super) fn observe(&self, sample: Sample) -> Reading {
        let calm_offset = self.calm_offset.load(Ordering::Acquire);
        if calm_offset != NOT_CALM
            && sample.offset().saturating_sub(calm_offset).saturating_abs() <= TOLERANCE_MS
        {
            return self.undisputed(sample, sample.wall);
        }
        let mut judgement = self.judgement();
        judgement.weigh(sample);
        if judgement.pending.is_some() {
            self.steady_since.store(sample.boot, Ordering::Release);
        }
        self.publish(&judgement);
        self.read(&judgement, sample)
    }

    pub(super) fn confirm(&self, sample: Sample, reference: Timestamp) -> Confirmation {
        let apart = reference.as_millisecond().saturating_sub(sample.wall).unsigned_abs();
        if apart > TOLERANCE_MS.unsigned_abs() {
            return Confirmation::Differs { by: Duration::from_millis(apart) };
        }
        let mut judgement = self.judgement();
        if judgement.has_stepped(sample) {
            self.steady_since.store(sample.boot, Ordering::Release);
        }
        judgement.believe(sample);
        self.publish(&judgement);
        Confirmation::Agrees
    }

    /// Whether the clocks have run together for long enough that the time is beyond doubt.
    pub(super) fn is_steady(&self, boot: i64) -> bool {
        boot.saturating_sub(self.steady_since.load(Ordering::Acquire)) >= STEADY_MS
    }

    pub(super) fn reset(&self, sample: Sample) {
        let mut judgement = self.judgement();
        judgement.believe(sample);
        self.mark.store(sample.wall, Ordering::Release);
        self.steady_since.store(sample.boot, Ordering::Release);
        self.publish(&judgement);
    }

    fn read(&self, judgement: &Judgement, sample: Sample) -> Reading {
        let floor = judgement.floor.map_or(sample.wall, |offset| sample.boot.saturating_add(offset));
        if judgement.pending.is_none() {
            return self.undisputed(sample, floor);
        }
        let steady = sample.boot.saturating_add(judgement.agreed);
        let latest = sample.wall.max(steady).max(floor).max(self.mark.load(Ordering::Acquire));
        Reading {
            now: timestamp(latest),
            wall: timestamp(sample.wall),
            earliest: timestamp(sample.wall.min(steady)),
            step: Some(Step { wall: timestamp(sample.wall), steady: timestamp(steady) }),
        }
    }

    fn undisputed(&self, sample: Sample, floor: i64) -> Reading {
        let candidate = sample.wall.max(floor);
        let mark = self.mark.load(Ordering::Acquire);
        let now = if candidate > mark {
            self.mark.fetch_max(candidate, Ordering::AcqRel).max(candidate)
        } else {
            mark
        };
        let now = timestamp(now);
        Reading { now, wall: timestamp(sample.wall), earliest: now, step: None }
    }

    fn publish(&self, judgement: &Judgement) {
        let calm = judgement.pending.is_none() && judgement.floor.is_none();
        self.calm_offset.store(if calm { judgement.agreed } else { NOT_CALM }, Ordering::Release);
    }

    fn judgement(&self) -> MutexGuard<'_, Judgement> {
        self.judgement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Judgement {
    fn weigh(&mut self, sample: Sample) {
        let offset = sample.offset();
        if self.floor.is_some_and(|floor| floor <= offset) {
            self.floor = None;
        }
        if !self.has_stepped(sample) {
            self.pending = None;
            return;
        }
        match self.pending {
            Some(pending) if offset.saturating_sub(pending.offset).saturating_abs() <= CALM_TOLERANCE_MS => {
                let calm_for = sample.boot.saturating_sub(pending.since);
                if self.settling == Settling::Calm && calm_for >= CALM_MS {
                    self.settle_by_calm(offset);
                }
            }
            _ => self.pending = Some(Pending { offset, since: sample.boot }),
        }
    }

    fn has_stepped(&self, sample: Sample) -> bool {
        sample.offset().saturating_sub(self.agreed).saturating_abs() > TOLERANCE_MS
    }

    fn settle_by_calm(&mut self, offset: i64) {
        let floor = self.floor.unwrap_or(self.agreed).max(self.agreed);
        self.floor = (floor > offset).then_some(floor);
        self.agreed = offset;
        self.pending = None;
    }

    fn believe(&mut self, sample: Sample) {
        self.agreed = sample.offset();
        self.floor = None;
        self.pending = None;
    }
}

fn timestamp(millis: i64) -> Timestamp {
    let bound = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(millis).unwrap_or(bound)
}
