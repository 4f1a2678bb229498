//! Date operators: ISO 8601 in the W3C profile, or seconds (from 10^11 on, milliseconds) since 1970.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{BadValue, Order, Truth, compile_each};

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    order: Order,
    values: Vec<Timestamp>,
}

impl Wanted {
    pub(super) fn compile(order: Order, values: &[String]) -> Result<Self, BadValue> {
        let parse = |value: &str| {
            instant(value).ok_or("write a date such as `2030-01-31T12:00:00Z`, or epoch seconds")
        };
        Ok(Self { order, values: compile_each(values, parse)? })
    }

    pub(super) fn any(&self, seen: &str) -> Truth {
        instant(seen).map_or(Truth::Undecidable, |seen| {
            Truth::of(self.values.iter().any(|wanted| self.order.holds(&seen, wanted)))
        })
    }
}

/// Seconds of the year 5138: whoever writes more means milliseconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;
/// Longer than any date of the profile.
const MAX_LENGTH: usize = 40;

fn instant(text: &str) -> Option<Timestamp> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    if text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return if number.unsigned_abs() >= FIRST_MILLISECONDS {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        };
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) || text.contains(['[', ' ', '_']) {
        return None;
    }
    if text.contains(['T', 't']) {
        return text.parse().ok();
    }
    let date = match text.split_once('-') {
        Some((year, month)) if year.len() == 4 && month.len() == 2 => {
            Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?
        }
        _ => text.parse().ok()?,
    };
    Timestamp::from_second(days_from_1970(date)?.checked_mul(86_400)?).ok()
}

fn days_from_1970(date: Date) -> Option<i64> {
    let span = date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).ok()?;
    Some(i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_documented_form() {
        let noon = instant("2016-06-30T19:42:23.431Z");
        assert_eq!(noon, instant("1467315743431"));
        assert_eq!(noon, instant("2016-06-30T21:42:23.431+02:00"));
        assert_eq!(instant("2016-06-30"), instant("2016-06-30T00:00:00Z"));
        assert_eq!(instant("2016-06"), instant("2016-06-01T00:00:00Z"));
        assert_eq!(instant("1960-01-01"), instant("-315619200"));
        assert!(noon.is_some());
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "-",
            "soon",
            "2016-13-01",
            "2016-06-30T25:00:00Z",
            "2016-06-30T10:00:00",
            "9223372036854775808",
            "2016-06-30T10:00:00Z[UTC]",
            "20 16-06-30",
            "2016-06-30Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
