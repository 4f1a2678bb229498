//! The system clock, read here and nowhere else.

use jiff::Timestamp;

/// The present moment, by the wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}
