//! The signature algorithms a provider may use, and the kind of key that each one needs.

use jsonwebtoken::Algorithm as Jws;

use super::json::shown;

/// A JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1) that this broker verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Algorithm(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

/// Why a name stands for no algorithm here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableAlgorithm {
    /// P-521, which the crypto library doesn't have.
    #[error("`ES512` is not supported: it needs the curve P-521, use ES256 or ES384")]
    Es512,
    /// A shared secret or no signature at all.
    #[error("`{0}` is no public-key signature")]
    NotPublicKey(String),
    /// Anything else.
    #[error("`{0}` is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")]
    Unknown(String),
}

/// What a public key is, as far as algorithms care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// Reads the registered name; case matters.
    pub fn parse(name: &str) -> Result<Self, UnusableAlgorithm> {
        Ok(Self(match name {
            "RS256" => Kind::Rs256,
            "RS384" => Kind::Rs384,
            "RS512" => Kind::Rs512,
            "PS256" => Kind::Ps256,
            "PS384" => Kind::Ps384,
            "PS512" => Kind::Ps512,
            "ES256" => Kind::Es256,
            "ES384" => Kind::Es384,
            "EdDSA" => Kind::EdDsa,
            "ES512" => return Err(UnusableAlgorithm::Es512),
            "none" | "HS256" | "HS384" | "HS512" => {
                return Err(UnusableAlgorithm::NotPublicKey(name.to_owned()));
            }
            _ => return Err(UnusableAlgorithm::Unknown(shown(name))),
        }))
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Rs256 => "RS256",
            Kind::Rs384 => "RS384",
            Kind::Rs512 => "RS512",
            Kind::Ps256 => "PS256",
            Kind::Ps384 => "PS384",
            Kind::Ps512 => "PS512",
            Kind::Es256 => "ES256",
            Kind::Es384 => "ES384",
            Kind::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn key_kind(self) -> KeyKind {
        match self.0 {
            Kind::Rs256 | Kind::Rs384 | Kind::Rs512 | Kind::Ps256 | Kind::Ps384 | Kind::Ps512 => KeyKind::Rsa,
            Kind::Es256 => KeyKind::P256,
            Kind::Es384 => KeyKind::P384,
            Kind::EdDsa => KeyKind::Ed25519,
        }
    }

    pub(crate) fn jws(self) -> Jws {
        match self.0 {
            Kind::Rs256 => Jws::RS256,
            Kind::Rs384 => Jws::RS384,
            Kind::Rs512 => Jws::RS512,
            Kind::Ps256 => Jws::PS256,
            Kind::Ps384 => Jws::PS384,
            Kind::Ps512 => Jws::PS512,
            Kind::Es256 => Jws::ES256,
            Kind::Es384 => Jws::ES384,
            Kind::EdDsa => Jws::EdDSA,
        }
    }
}
