//! An issuer whose private key the test holds, so that it can sign whatever an attacker would want signed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};

use super::time::seconds;

/// An ES256 key under the name `k1`, for an issuer that the directory knows by an uploaded key set.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    key: EcdsaKeyPair,
    public: Vec<u8>,
}

impl Issuer {
    /// A new key for this issuer.
    pub(crate) fn new(url: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der(), &random)
            .expect("the key again");
        Self { url: url.to_owned(), key, public: pair.der_bytes().to_vec() }
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = (encoded(&self.public[1..33]), encoded(&self.public[33..]));
        json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig", "x": x, "y": y })
    }

    /// The key set that the directory is given.
    pub(crate) fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// Claims of an honest token for a subject: audience, times, issuer.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        let now = seconds();
        let mut id = [0; 12];
        ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut id).expect("randomness");
        let (aud, jti) = ("sts.amazonaws.com", encoded(&id));
        json!({ "iss": self.url, "aud": aud, "sub": subject, "iat": now - 5, "exp": now + 3600, "jti": jti })
    }

    /// An honest token for a subject.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.signed(&self.claims(subject))
    }

    /// The honest claims of a subject with some of them replaced; `null` takes one out.
    pub(crate) fn token_with(&self, subject: &str, changes: Value) -> String {
        let mut claims = self.claims(subject);
        let members = claims.as_object_mut().expect("an object");
        let Value::Object(changes) = changes else { panic!("changes are an object") };
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name)
            } else {
                members.insert(name, value)
            };
        }
        self.signed(&claims)
    }

    /// These claims under the honest header.
    pub(crate) fn signed(&self, claims: &Value) -> String {
        self.raw(r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#, &claims.to_string())
    }

    /// Any text as header and claims, rightly signed.
    pub(crate) fn raw(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", encoded(signature.as_ref()))
    }
}

/// Base64url without padding.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
