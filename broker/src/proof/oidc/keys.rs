//! A provider's key set: only public signature keys that are strong enough, each for one kind of algorithm.

use jsonwebtoken::DecodingKey;

use super::algorithm::{Algorithm, KeyKind};
use super::json::{Object, Value, WrongType, shown};

mod jwk;

/// Largest key set, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 1024 * 1024;
/// Most keys of one type (`kty`), counting those that are skipped.
const MAX_KEYS_PER_TYPE: usize = 100;

/// The signature keys of a JWK Set (RFC 7517 §5), never empty.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: Vec<SkippedKey>,
}

/// A key that is in the set and can't be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its id.
    pub kid: Option<String>,
    /// What it is.
    pub reason: String,
}

#[derive(Clone, Debug)]
pub(super) struct VerificationKey {
    kid: Option<String>,
    kind: KeyKind,
    algorithm: Option<Algorithm>,
    pub(super) material: DecodingKey,
}

/// Why a key set as a whole is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Two keys share an id, so that the id says nothing.
    #[error("two keys have the id `{0}`")]
    DuplicateId(String),
    /// Nothing in it verifies a signature.
    #[error("no usable signature key{0}")]
    Empty(String),
    /// A key breaks its own format.
    #[error("key {index} is malformed: {problem}")]
    Key { index: usize, problem: String },
    /// Not JSON, or not the JSON of a key set.
    #[error("not a key set: {0}")]
    Malformed(String),
    /// A private or a shared key: whoever reads the set could sign.
    #[error("key {index} is not public: it has `{member}`")]
    NotPublic { index: usize, member: &'static str },
    /// More bytes than any provider needs.
    #[error("more than 1 MiB")]
    TooLarge,
    /// More keys than any provider needs.
    #[error("more than 100 keys of the type `{0}`")]
    TooMany(String),
}

impl KeySet {
    /// Reads a JWK Set of at most 1 MiB and 100 keys a type.
    ///
    /// Keys for encryption, of other curves, or too weak are skipped; a private or shared key, two keys
    /// of one id, or a malformed key refuse the whole set.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let document = Object::parse(bytes).map_err(|error| KeySetError::Malformed(error.to_string()))?;
        let Some(Value::Array(entries)) = document.member("keys") else {
            return Err(KeySetError::Malformed("there is no array `keys`".to_owned()));
        };
        count_types(entries)?;
        let mut set = Self { keys: Vec::new(), skipped: Vec::new() };
        for (index, entry) in entries.iter().enumerate() {
            set.add(index, entry)?;
        }
        if set.keys.is_empty() {
            let reason = set.skipped.first().map(|key| format!(": {}", key.reason));
            return Err(KeySetError::Empty(reason.unwrap_or_default()));
        }
        Ok(set)
    }

    /// Keys of the set that are not used, with the reason, for the operator.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Whether a token with this key id can be answered from this set, without asking for a newer one.
    ///
    /// A skipped key counts: its provider's next set would hold it again.
    pub fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none()
            || self.keys.iter().any(|key| key.kid.is_none() || key.kid.as_deref() == kid)
            || self.skipped.iter().any(|key| key.kid.as_deref() == kid)
    }

    /// The one key that `algorithm` and `kid` mean.
    ///
    /// Without an id (in the token, or in the set) there must be no second key it could be: trying keys in
    /// turn would let a stranger multiply the work, and OpenID Connect Core §10.1 wants the id then.
    pub(super) fn select(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&VerificationKey, String> {
        let fits = |key: &&VerificationKey| {
            key.kind == algorithm.key_kind() && key.algorithm.is_none_or(|only| only == algorithm)
        };
        if kid.is_some()
            && let Some(named) = self.keys.iter().find(|key| key.kid.as_deref() == kid)
        {
            return Some(named)
                .filter(fits)
                .ok_or_else(|| format!("the key of that id is not for {}", algorithm.name()));
        }
        let mut candidates = self.keys.iter().filter(|key| kid.is_none() || key.kid.is_none()).filter(fits);
        match (candidates.next(), candidates.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err("several keys could be meant and no id says which".to_owned()),
            (None, _) => Err(self.absence(kid)),
        }
    }

    fn absence(&self, kid: Option<&str>) -> String {
        let Some(kid) = kid else { return "no key of that kind".to_owned() };
        match self.skipped.iter().find(|key| key.kid.as_deref() == Some(kid)) {
            Some(key) => format!("`{}` can't be used: {}", shown(kid), key.reason),
            None => format!("no key has the id `{}`", shown(kid)),
        }
    }

    fn add(&mut self, index: usize, entry: &Value) -> Result<(), KeySetError> {
        let Value::Object(entry) = entry else {
            return Err(KeySetError::Key { index, problem: "not an object".to_owned() });
        };
        let malformed = |error: WrongType| KeySetError::Key { index, problem: error.to_string() };
        let kid = entry.text("kid").map_err(malformed)?.map(str::to_owned);
        match jwk::read(index, entry)? {
            jwk::Entry::Skipped(reason) => self.skipped.push(SkippedKey { kid, reason }),
            jwk::Entry::Key { kind, algorithm, material } => {
                if let Some(kid) = &kid
                    && self.keys.iter().any(|key| key.kid.as_ref() == Some(kid))
                {
                    return Err(KeySetError::DuplicateId(shown(kid)));
                }
                self.keys.push(VerificationKey { kid, kind, algorithm, material });
            }
        }
        Ok(())
    }
}

fn count_types(entries: &[Value]) -> Result<(), KeySetError> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for entry in entries {
        let Value::Object(entry) = entry else { continue };
        let kind = entry.member("kty").and_then(Value::as_str).unwrap_or_default();
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((kind, 1)),
        }
        if counts.len() > 16 {
            return Err(KeySetError::Malformed("more than 16 types of keys".to_owned()));
        }
    }
    match counts.iter().find(|(_, count)| *count > MAX_KEYS_PER_TYPE) {
        Some((kind, _)) => Err(KeySetError::TooMany(shown(kind))),
        None => Ok(()),
    }
}
