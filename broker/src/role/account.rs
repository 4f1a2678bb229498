//! Account numbers.

use super::Invalid;

/// An account number: twelve digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// Exactly twelve ASCII digits, leading zeros included.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| INVALID)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(INVALID) }
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const INVALID: Invalid = Invalid::new("an account id is twelve digits");

impl std::fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::fmt::Debug for AccountId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
