//! The time a request was signed at, and how far it may be from now.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;

/// How far a request's time may be from the verifier's, either way (AWS: 15 minutes for STS and IAM).
pub const MAX_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// The longest life of a presigned request: seven days, in seconds.
pub(crate) const MAX_EXPIRES: u32 = 604_800;

/// When a request says it was signed.
#[derive(Debug, Clone)]
pub(crate) struct SignedAt<'a> {
    pub(crate) instant: Timestamp,
    /// `YYYYMMDDTHHMMSSZ`, as it goes into the string to sign.
    pub(crate) basic: Cow<'a, str>,
}

impl<'a> SignedAt<'a> {
    /// Reads `X-Amz-Date`: `YYYYMMDDTHHMMSSZ` and nothing else.
    pub(crate) fn from_basic(text: Cow<'a, str>) -> Result<Self, Refusal> {
        match parse_basic(&text) {
            Some(instant) => Ok(Self { instant, basic: text }),
            None => Err(malformed(&text)),
        }
    }

    /// Reads the `Date` header: RFC 9110's form, or the basic one that old signers put there.
    pub(crate) fn from_date_header(text: &'a str) -> Result<Self, Refusal> {
        if let Some(instant) = parse_basic(text) {
            return Ok(Self { instant, basic: Cow::Borrowed(text) });
        }
        let instant =
            jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).map_err(|_| malformed(text))?;
        Ok(Self { instant, basic: Cow::Owned(basic(instant)) })
    }

    /// `YYYYMMDD`.
    pub(crate) fn date(&self) -> &str {
        self.basic.get(..8).unwrap_or_default()
    }

    /// Checks that a header-signed request is at most [`MAX_SKEW`] from `now`.
    pub(crate) fn check_skew(&self, now: Timestamp) -> Result<(), Refusal> {
        let age = now.duration_since(self.instant);
        if age > MAX_SKEW {
            return Err(Refusal::Expired { signed_at: self.instant, now });
        }
        self.check_current(now)
    }

    /// Checks that a presigned request is between its date less [`MAX_SKEW`] and its date plus `expires` seconds.
    pub(crate) fn check_window(&self, expires: u32, now: Timestamp) -> Result<(), Refusal> {
        if now.duration_since(self.instant) > SignedDuration::from_secs(i64::from(expires)) {
            return Err(Refusal::PresignExpired { signed_at: self.instant, expires, now });
        }
        self.check_current(now)
    }

    fn check_current(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.instant.duration_since(now) > MAX_SKEW {
            return Err(Refusal::NotYetCurrent { signed_at: self.instant, now });
        }
        Ok(())
    }
}

/// `YYYYMMDDTHHMMSSZ`.
pub(crate) fn basic(instant: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(instant);
    let (year, month, day) = (at.year(), at.month(), at.day());
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second())
}

/// `X-Amz-Expires`: decimal digits, 1 to [`MAX_EXPIRES`].
pub(crate) fn expires(text: &str) -> Result<u32, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if digits { text.parse().ok() } else { None };
    seconds
        .filter(|seconds| (1..=MAX_EXPIRES).contains(seconds))
        .ok_or_else(|| Refusal::ExpiryOutOfRange { seen: crate::refusal::excerpt(text) })
}

fn parse_basic(text: &str) -> Option<Timestamp> {
    let shape = |(index, byte): (usize, u8)| match index {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 16 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let number = |from: usize| text.get(from..from.checked_add(2)?)?.parse::<i8>().ok();
    let year = text.get(..4)?.parse().ok()?;
    let at = DateTime::new(year, number(4)?, number(6)?, number(9)?, number(11)?, number(13)?, 0).ok()?;
    Offset::UTC.to_timestamp(at).ok()
}

fn malformed(text: &str) -> Refusal {
    Refusal::DateMalformed { seen: crate::refusal::excerpt(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_dates_are_read_exactly() {
        let at = SignedAt::from_basic("20150830T123600Z".into()).unwrap();
        assert_eq!(at.instant, "2015-08-30T12:36:00Z".parse().unwrap());
        assert_eq!((at.date(), basic(at.instant).as_str()), ("20150830", "20150830T123600Z"));
        for bad in
            ["", "20150830", "20150830T1236Z", "20150830t123600z", "20151330T123600Z", "20150830T256000Z"]
        {
            assert!(SignedAt::from_basic(bad.into()).is_err(), "{bad}");
        }
        for bad in ["2015-08-30T12:36Z", "+0150830T123600Z", "20150230T123600Z", "20150830T123660Z"] {
            assert!(SignedAt::from_basic(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn date_headers_are_read_in_both_forms() {
        for text in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
            assert_eq!(SignedAt::from_date_header(text).unwrap().basic, "20150830T123600Z");
        }
        assert!(SignedAt::from_date_header("yesterday").is_err());
    }
}
