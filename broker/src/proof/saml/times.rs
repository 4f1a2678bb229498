//! Times of assertions: in UTC, with the skew that the provider's clock may have.

use jiff::Timestamp;

/// A time as SAML writes it (core 1.3.3): UTC with a `Z`, to the second or finer.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let sound = text.is_ascii()
        && (20..=32).contains(&text.len())
        && text.ends_with('Z')
        && text.as_bytes().get(10) == Some(&b'T');
    let refused = || format!("`{}` is not a time in UTC", text.chars().take(40).collect::<String>());
    if !sound {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// Whether `end` is over, on a clock that may be `skew` seconds ahead of the provider's.
pub(super) fn is_over(end: Timestamp, skew: i64, now: Timestamp) -> bool {
    end.as_second().saturating_add(skew) <= now.as_second()
}

/// Whether `start` is to come, on a clock that may be `skew` seconds behind the provider's.
pub(super) fn is_to_come(start: Timestamp, skew: i64, now: Timestamp) -> bool {
    start.as_second().saturating_sub(skew) > now.as_second()
}
