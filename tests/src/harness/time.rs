//! The tests' own reading of the clock.

use jiff::Timestamp;

/// The time that the system's clock shows.
#[expect(clippy::disallowed_methods, reason = "tests mint tokens and signatures for the broker's real clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Seconds since 1970.
pub(crate) fn seconds() -> i64 {
    now().as_second()
}
