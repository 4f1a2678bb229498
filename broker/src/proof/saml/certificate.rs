//! Certificates of identity providers: keys to verify with, never chains.

use std::fmt;

use jiff::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::signature::Family;

const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const LEAST_RSA_BITS: usize = 2_048;

/// A certificate that signatures may be verified with while it is valid.
///
/// Metadata vouches for it, so who issued it does not matter (SAML metadata interoperability profile 2.6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningCertificate {
    pub(super) der: Vec<u8>,
    pub(super) family: Family,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl SigningCertificate {
    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// What is wrong with it: not one certificate, or a key other than RSA of 2048 bits or more, P-256 or P-384.
    pub fn parse(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| format!("it is no X.509 certificate: {error}"))?;
        if !rest.is_empty() {
            return Err("there are bytes after the certificate".to_owned());
        }
        let time = |seconds| Timestamp::from_second(seconds).map_err(|error| error.to_string());
        Ok(Self {
            family: family(&certificate)?,
            not_before: time(certificate.validity().not_before.timestamp())?,
            not_after: time(certificate.validity().not_after.timestamp())?,
            der: der.to_vec(),
        })
    }

    /// Whether its dates hold.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

impl fmt::Debug for SigningCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningCertificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

fn family(certificate: &X509Certificate<'_>) -> Result<Family, String> {
    let key = certificate.public_key();
    match key.parsed().map_err(|error| format!("its key is not readable: {error}"))? {
        PublicKey::RSA(rsa) if rsa.key_size() >= LEAST_RSA_BITS => Ok(Family::Rsa),
        PublicKey::RSA(rsa) => {
            Err(format!("its RSA key has {} bits; at least {LEAST_RSA_BITS} are wanted", rsa.key_size()))
        }
        PublicKey::EC(_) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            let curve = curve.map(|curve| curve.to_id_string()).unwrap_or_default();
            if [P256, P384].contains(&curve.as_str()) {
                Ok(Family::Ecdsa)
            } else {
                Err(format!("its curve {curve} is neither P-256 nor P-384"))
            }
        }
        _ => Err("its key is neither RSA nor of an elliptic curve".to_owned()),
    }
}
