//! When a token is valid: `exp` and `iat` are required, `nbf` counts where it is there.

use jiff::Timestamp;

use super::claims::Claims;
use super::refusal::Refusal;

/// The times of a token that is valid now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

/// Checks the times against `now`, allowing the provider's clock to be off by `skew` seconds.
pub(super) fn check(claims: &Claims, skew: i64, now: Timestamp) -> Result<Lifetime, Refusal> {
    let expires = instant("exp", claims.expires)?.ok_or(Refusal::MissingClaim { name: "exp" })?;
    let issued = instant("iat", claims.issued)?.ok_or(Refusal::MissingClaim { name: "iat" })?;
    let not_before = instant("nbf", claims.not_before)?;
    if expires.as_second().saturating_add(skew) <= now.as_second() {
        return Err(Refusal::Expired { expired: expires, now });
    }
    for (name, at) in [("iat", Some(issued)), ("nbf", not_before)] {
        if let Some(at) = at
            && at.as_second().saturating_sub(skew) > now.as_second()
        {
            return Err(Refusal::NotYetValid { name, at, now });
        }
    }
    Ok(Lifetime { issued, expires })
}

/// A time in seconds; one beyond the calendar (milliseconds, for instance) is refused.
fn instant(name: &'static str, seconds: Option<i64>) -> Result<Option<Timestamp>, Refusal> {
    let Some(seconds) = seconds else { return Ok(None) };
    let refused =
        |_| Refusal::Claim { name: name.to_owned(), problem: format!("{seconds} is not a time in seconds") };
    Timestamp::from_second(seconds).map(Some).map_err(refused)
}
