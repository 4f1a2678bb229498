//! The `Credential` of a signature: which key signed, for which day, region and service.

use std::borrow::Cow;

use crate::refusal::{Refusal, ScopeFault, excerpt};
use crate::time::SignedAt;

/// Access key id and scope as sent; only their shape was checked.
#[derive(Debug, Clone)]
pub(crate) struct Credential<'a> {
    pub(crate) access_key_id: Cow<'a, str>,
    pub(crate) date: Cow<'a, str>,
    pub(crate) region: Cow<'a, str>,
    pub(crate) service: Cow<'a, str>,
    terminator: Cow<'a, str>,
}

impl<'a> Credential<'a> {
    /// Reads `AKID/yyyymmdd/region/service/aws4_request`.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let malformed = || Refusal::CredentialMalformed { seen: excerpt(text) };
        let mut parts = text.split('/').map(Cow::Borrowed);
        let mut part = || parts.next().ok_or_else(malformed);
        let credential = Self {
            access_key_id: part()?,
            date: part()?,
            region: part()?,
            service: part()?,
            terminator: part()?,
        };
        if parts.next().is_some() || !is_access_key_id(&credential.access_key_id) {
            return Err(malformed());
        }
        Ok(credential)
    }

    pub(crate) fn into_owned(self) -> Credential<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Credential {
            access_key_id: own(self.access_key_id),
            date: own(self.date),
            region: own(self.region),
            service: own(self.service),
            terminator: own(self.terminator),
        }
    }

    /// Compares the scope with the service that is asked and the day the request was signed.
    pub(crate) fn check_scope(&self, service: &str, signed_at: &SignedAt<'_>) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        if !is_region(&self.region) {
            faults.push(ScopeFault::Region { seen: excerpt(&self.region) });
        }
        if self.service != service {
            faults.push(ScopeFault::Service { seen: excerpt(&self.service), wanted: service.to_owned() });
        }
        if self.terminator != crate::TERMINATOR {
            faults.push(ScopeFault::Terminator { seen: excerpt(&self.terminator) });
        }
        if self.date != signed_at.date() {
            let wanted = signed_at.basic.clone().into_owned();
            faults.push(ScopeFault::Date { seen: excerpt(&self.date), signed_at: wanted });
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Scope { faults }) }
    }
}

/// AWS allows 16 to 128 word characters; shorter ones are left to the key lookup.
fn is_access_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Any region of a valid shape will do: clients sign with the one they were configured with, also `aws-global`.
fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_elements_and_a_key_id_of_word_characters() {
        let credential = Credential::parse("AKIDEXAMPLE/20150830/eu-west-1/sts/aws4_request").unwrap();
        assert_eq!(
            (credential.access_key_id.as_ref(), credential.region.as_ref()),
            ("AKIDEXAMPLE", "eu-west-1")
        );
        for bad in ["", "AKID", "AKID/1/2/3", "AKID/1/2/3/4/5", "/1/2/3/4", "AK-ID/1/2/3/4", "ÄKID/1/2/3/4"]
        {
            assert!(Credential::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_checked_for_their_shape_only() {
        assert!(["us-east-1", "aws-global", "eu", "plant2"].iter().all(|region| is_region(region)));
        assert!(
            ["", "US-EAST-1", "-eu", "eu west", "1eu", "eu_west"].iter().all(|region| !is_region(region))
        );
    }
}
