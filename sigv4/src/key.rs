//! Signing keys: the HMAC chain from a secret to one day, region and service.

use ring::hmac;
use zeroize::Zeroizing;

use crate::canonical::{StringToSign, array};

/// A key that signs one day's requests to one service of one region; safe to keep in a cache until the day is over.
///
/// Wiped when dropped and never printed. (ring's own HMAC state on the stack is not wiped.)
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl SigningKey {
    /// Derives the key: HMAC-SHA-256 of `AWS4` + secret over date (`YYYYMMDD`), region, service, `aws4_request`.
    #[must_use]
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let mut seed = Zeroizing::new(Vec::with_capacity(secret.len().saturating_add(4)));
        seed.extend_from_slice(b"AWS4");
        seed.extend_from_slice(secret.as_bytes());
        let mut key = step(&seed, date);
        for part in [region, service, crate::TERMINATOR] {
            key = step(key.as_slice(), part);
        }
        Self(key)
    }

    /// HMAC of the string to sign.
    pub(crate) fn sign(&self, string: &StringToSign<'_>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        string.write(&mut context);
        array(context.sign().as_ref())
    }
}

fn step(key: &[u8], part: &str) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), part.as_bytes());
    Zeroizing::new(array(tag.as_ref()))
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_key_that_aws_documents_and_never_prints_it() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = SigningKey::derive(secret, "20150830", "us-east-1", "iam");
        let want = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(data_encoding::HEXLOWER.encode(key.0.as_slice()), want);
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }
}
