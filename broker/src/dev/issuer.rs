//! The development issuer: one ES256 key in a file, and tokens about whomever it is asked for.

use std::path::Path;
use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, os::unix::fs::PermissionsExt as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use ring::rand::SecureRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{digest, error::Unspecified};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::app::NoRandomness;

/// The audience of tokens that are not asked to have another.
const AUDIENCE: &str = "sts.amazonaws.com";
/// How long a token is good: a day of work, so that a file with one serves a workload that renews its session.
const LIFETIME_SECONDS: i64 = 12 * 3600;

/// An issuer whose key anyone on this machine may use.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    kid: String,
    key: EcdsaKeyPair,
}

/// Why there is no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The file can be read by others than its owner.
    #[error("readable by others than its owner (mode {0:o}): run `chmod 600`")]
    Exposed(u32),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The key is none.
    #[error("`key` is not a P-256 key in PKCS #8 and base64")]
    Key,
    /// No randomness.
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    /// The file isn't marked as made for development.
    #[error("it is not marked `development = true`")]
    NotDevelopment,
    /// Not the TOML expected.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
}

/// The issuer's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFile {
    development: bool,
    url: String,
    key: Zeroizing<String>,
}

/// What a token is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    subject: String,
    audience: String,
    tags: Vec<(String, String)>,
    source_identity: Option<String>,
}

/// Why no token is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    /// Nobody is named.
    #[error("`sub` is missing: name whom the token is for")]
    Subject,
    /// A tag without a value.
    #[error("`{0}` is not a tag: write key=value")]
    Tag(String),
}

impl TokenRequest {
    /// A token about `subject`; each tag is `key=value`.
    pub fn new<'t>(
        subject: &str,
        audience: Option<&str>,
        tags: impl Iterator<Item = &'t str>,
        source_identity: Option<&str>,
    ) -> Result<Self, TokenRequestError> {
        if subject.is_empty() {
            return Err(TokenRequestError::Subject);
        }
        let tag = |tag: &str| {
            let (key, value) =
                tag.split_once('=').ok_or_else(|| TokenRequestError::Tag(tag.chars().take(64).collect()))?;
            Ok((key.to_owned(), value.to_owned()))
        };
        Ok(Self {
            subject: subject.to_owned(),
            audience: audience.unwrap_or(AUDIENCE).to_owned(),
            tags: tags.map(tag).collect::<Result<_, _>>()?,
            source_identity: source_identity.map(str::to_owned),
        })
    }
}

impl Issuer {
    /// Writes the file of a new issuer at `url`, with mode 0600.
    pub fn create(file: &Path, url: &str, random: &dyn SecureRandom) -> Result<(), IssuerError> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)
            .map_err(|Unspecified| NoRandomness)?;
        let key = Zeroizing::new(STANDARD.encode(key.as_ref()));
        let content = IssuerFile { development: true, url: url.to_owned(), key };
        let text = Zeroizing::new(toml::to_string(&content).map_err(std::io::Error::other)?);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// The issuer of a file that nobody but its owner may read.
    pub fn read(file: &Path, random: &dyn SecureRandom) -> Result<Self, IssuerError> {
        let mode = fs::metadata(file)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IssuerError::Exposed(mode));
        }
        let text = Zeroizing::new(fs::read_to_string(file)?);
        let file: IssuerFile = toml::from_str(&text)?;
        if !file.development {
            return Err(IssuerError::NotDevelopment);
        }
        let key = Zeroizing::new(STANDARD.decode(file.key.as_bytes()).map_err(|_| IssuerError::Key)?);
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, random)
            .map_err(|_| IssuerError::Key)?;
        let name = digest::digest(&digest::SHA256, key.public_key().as_ref());
        let kid = HEXLOWER.encode(name.as_ref().get(..8).unwrap_or_default());
        Ok(Self { url: file.url, kid, key })
    }

    /// Its URL, as tokens and the provider's file carry it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port of its URL.
    pub fn authority(&self) -> &str {
        self.url.split_once("://").map_or(&self.url, |(_, authority)| authority)
    }

    /// Its discovery document (OpenID Connect Discovery §3).
    pub fn discovery(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks", self.url),
            "token_endpoint": format!("{}/token", self.url),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// Its key set (RFC 7517 §5).
    pub fn key_set(&self) -> Value {
        // An uncompressed point (SEC 1 §2.3.3): a byte 4, then both coordinates.
        let point = self.key.public_key().as_ref();
        let coordinate = |from, to| URL_SAFE_NO_PAD.encode(point.get(from..to).unwrap_or_default());
        let (x, y) = (coordinate(1, 33), coordinate(33, 65));
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y
        }] })
    }

    /// A signed token in compact form, good from `now` for 12 hours.
    pub fn token(
        &self,
        request: &TokenRequest,
        now: Timestamp,
        random: &dyn SecureRandom,
    ) -> Result<String, NoRandomness> {
        let mut id = [0; 16];
        random.fill(&mut id).map_err(|Unspecified| NoRandomness)?;
        let issued = now.as_second();
        let mut claims = json!({
            "iss": self.url,
            "sub": request.subject,
            "aud": request.audience,
            "iat": issued,
            "exp": issued.saturating_add(LIFETIME_SECONDS),
            "jti": HEXLOWER.encode(&id),
        });
        if let Value::Object(claims) = &mut claims {
            claims.extend(request.aws_claims());
        }
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(random, signed.as_bytes()).map_err(|Unspecified| NoRandomness)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl TokenRequest {
    /// The claims that AWS reads session tags and the source identity from.
    fn aws_claims(&self) -> impl Iterator<Item = (String, Value)> {
        let tags = (!self.tags.is_empty()).then(|| {
            let tags: serde_json::Map<_, _> =
                self.tags.iter().map(|(key, value)| (key.clone(), json!([value]))).collect();
            ("https://aws.amazon.com/tags".to_owned(), json!({ "principal_tags": tags }))
        });
        let source_identity = self
            .source_identity
            .as_ref()
            .map(|identity| ("https://aws.amazon.com/source_identity".to_owned(), json!(identity)));
        tags.into_iter().chain(source_identity)
    }
}

#[cfg(test)]
mod tests;
