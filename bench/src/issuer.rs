//! An issuer of OpenID tokens signed with RS256, by a key of 2048 bits made for the run.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use serde_json::{Value, json};

use crate::Outcome;
use crate::clock::now;

/// The issuer's URL; nobody asks it anything, its key set is in the directory.
pub(crate) const ISSUER: &str = "https://issuer.test";
/// The audience of its tokens.
pub(crate) const AUDIENCE: &str = "sts.amazonaws.com";

/// An issuer and its key.
#[derive(Debug)]
pub(crate) struct Issuer(KeyPair);

impl Issuer {
    /// One with a new key.
    pub(crate) fn new() -> Outcome<Self> {
        let mut command = Command::new("openssl");
        command.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"]);
        let made = command.output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
        }
        // Some versions write PKCS #1 where others write PKCS #8.
        let key = KeyPair::from_pkcs8(&made.stdout).or_else(|_| KeyPair::from_der(&made.stdout));
        Ok(Self(key.map_err(|error| error.to_string())?))
    }

    /// Modulus and exponent of the public key, in base64url.
    pub(crate) fn public(&self) -> (String, String) {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e))
    }

    /// The key set that the directory is given.
    pub(crate) fn key_set(&self) -> String {
        let (n, e) = self.public();
        json!({ "keys": [{ "kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": n, "e": e }] })
            .to_string()
    }

    /// A token for a subject, good for an hour.
    pub(crate) fn token(&self, subject: &str) -> Outcome<String> {
        let now = now().as_second();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now - 5, "nbf": now - 5, "exp": now + 3_600,
            "repository": "corp/plant", "environment": "production", "jti": format!("{subject}-{now}"),
        });
        let header = json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        let done = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        done.map_err(|_| "a token could not be signed")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
