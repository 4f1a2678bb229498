//! A session: minted from an assumed role, carried whole in its sealed token, opened again at every request. Pure:
//! the time, the randomness and the revocation view are arguments.

use data_encoding::BASE32;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::keys::Keyring;
use crate::revocation::{Link, Scope, SessionId, View, millis};
use crate::seal::{self, KeyId, Purpose, SealError};
use crate::trust::AssumedRole;

pub mod claims;

pub use claims::{Claims, ClaimsError, SessionPolicies};

/// A token's greatest length: 4,096 bytes sealed, in base64 without padding.
pub const MAX_TOKEN_CHARS: usize = 5_462;
/// The greatest part of a token that session policies and tags may take, in bytes of CBOR.
pub const MAX_PACKED: usize = 2_400;
/// What the access key id of every session begins with.
const ACCESS_KEY_PREFIX: &str = "ASIA";
/// The greatest number of sessions in a chain.
pub const MAX_LINKS: usize = 4;

/// When and under which id a session begins. The id is fresh randomness, drawn by the caller; that of a recorded session
/// gives that session again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// The session's id.
    pub session: SessionId,
    /// Later than every mark that stands on the session's targets; see [`View::stamp`].
    pub stamp: u64,
    /// Now, to the second.
    pub issued: Timestamp,
}

/// A new session, ready to be recorded and then handed out.
pub struct Session {
    /// Everything the token says.
    pub claims: Claims,
    /// The public half of the credentials, `ASIA…`, 20 characters.
    pub access_key_id: String,
    /// The secret half; derived, never stored.
    pub secret_access_key: SecretString,
    /// The sealed token.
    pub token: String,
    /// Share of the room for session policies and tags that is used, in percent; `None` if neither was given.
    pub packed_size: Option<u32>,
}

/// Why no session was minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// Longer than [`MAX_LINKS`].
    #[error("the chain of sessions would have {0} links of at most 4")]
    ChainTooLong(usize),
    /// Session policies and tags, or the whole token, are over their limit; in percent.
    #[error("session policies and tags take {0} percent of the room for them")]
    PackedTooLarge(u32),
    /// The keyring can't derive the secret.
    #[error("no secret can be derived: {0}")]
    Seal(#[from] SealError),
}

/// A token that opened: what it says is true, unexpired and not revoked, but who sent it is still open.
pub struct OpenSession {
    claims: Claims,
    access_key_id: String,
    sealed_by: KeyId,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its claims are not of this version's form.
    #[error("the token's claims do not read: {0}")]
    Claims(#[from] ClaimsError),
    /// Its time is up.
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// Not base64 of a possible length.
    #[error("not a session token")]
    Malformed,
    /// Ended.
    #[error("its {} was revoked", .0.name())]
    Revoked(Scope),
    /// It does not open with this keyring and this access key id.
    #[error("{0}")]
    Seal(#[from] SealError),
}

/// The credentials of a session in an assumed role. `least_token` pads the token to at least so many characters.
///
/// An equal role and birth give the same access key and secret, so a repeated request can be given the same session
/// with a freshly sealed token.
pub fn mint(
    assumed: &AssumedRole,
    birth: &Birth,
    least_token: usize,
    keyring: &Keyring,
    entropy: &[u8; 32],
) -> Result<Session, MintError> {
    let mut claims = Claims::of(assumed, birth);
    if least_token > 0 {
        let unpadded = token_chars(claims.encode().len());
        claims.padding = vec![0; least_token.saturating_sub(unpadded)];
    }
    seal_claims(claims, keyring, entropy)
}

/// The credentials that carry `claims`.
pub(crate) fn seal_claims(
    claims: Claims,
    keyring: &Keyring,
    entropy: &[u8; 32],
) -> Result<Session, MintError> {
    if claims.links.len() > MAX_LINKS {
        return Err(MintError::ChainTooLong(claims.links.len()));
    }
    let packed = if claims.has_packed() { claims.packed_bytes() } else { 0 };
    if packed > MAX_PACKED {
        return Err(MintError::PackedTooLarge(percent(packed, MAX_PACKED)));
    }
    let access_key_id = access_key_id(claims.session());
    let plaintext = claims.encode();
    let sealed = keyring.seal(Purpose::Token, access_key_id.as_bytes(), &plaintext, entropy);
    let token = data_encoding::BASE64URL_NOPAD.encode(&sealed);
    if token.len() > MAX_TOKEN_CHARS {
        return Err(MintError::PackedTooLarge(percent(token.len(), MAX_TOKEN_CHARS)));
    }
    let secret_access_key = secret(keyring, keyring.active(), &claims, &access_key_id)?;
    let packed_size = claims.has_packed().then(|| percent(packed, MAX_PACKED));
    Ok(Session { claims, access_key_id, secret_access_key, token, packed_size })
}

/// The access key id of a session, `ASIA…`, 20 characters: it is part of the session's id, so that either leads to the
/// session's record.
pub fn access_key_id(session: SessionId) -> String {
    let mut id = String::with_capacity(20);
    id.push_str(ACCESS_KEY_PREFIX);
    BASE32.encode_append(&in_access_key_id(session), &mut id);
    id
}

/// The part of a session's id that its access key id is made of.
pub fn in_access_key_id(SessionId([a, b, c, d, e, f, g, h, i, j, ..]): SessionId) -> [u8; 10] {
    [a, b, c, d, e, f, g, h, i, j]
}

/// The part of its session's id that an access key id tells, if it can be one of a session.
pub fn of_access_key_id(id: &str) -> Option<[u8; 10]> {
    BASE32.decode(id.strip_prefix(ACCESS_KEY_PREFIX)?.as_bytes()).ok()?.try_into().ok()
}

/// The session that a token carries, if it is bound to the access key id, unexpired and not revoked.
///
/// The order is the one that AWS answers in: token, expiry, revocation.
pub fn open(
    token: &str,
    access_key_id: &str,
    keyring: &Keyring,
    view: &View,
    now: Timestamp,
) -> Result<OpenSession, OpenError> {
    let (key, claims) = unseal(token, access_key_id, keyring)?;
    if now >= claims.expires {
        return Err(OpenError::Expired(claims.expires));
    }
    if let Some(scope) = claims.links.iter().find_map(|link| view.ends(link)) {
        return Err(OpenError::Revoked(scope));
    }
    let stamp = claims.links.iter().map(|link| link.stamp).max().unwrap_or(0);
    if view.ends_key(key, stamp) {
        return Err(OpenError::Revoked(Scope::Key));
    }
    Ok(OpenSession { claims, access_key_id: access_key_id.to_owned(), sealed_by: key })
}

/// The key id that a token names, unverified: whether a peer may know a key that this broker doesn't.
pub fn unverified_key(token: &str) -> Option<KeyId> {
    seal::header(&decode(token)?).ok()
}

fn unseal(token: &str, access_key_id: &str, keyring: &Keyring) -> Result<(KeyId, Claims), OpenError> {
    let mut sealed = decode(token).ok_or(OpenError::Malformed)?;
    let (key, plaintext) = keyring.open(Purpose::Token, access_key_id.as_bytes(), &mut sealed)?;
    Ok((key, Claims::decode(plaintext)?))
}

fn decode(token: &str) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN_CHARS {
        return None;
    }
    data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok()
}

/// 40 characters that only the keyring can compute; the token alone never yields them.
fn secret(
    keyring: &Keyring,
    key: KeyId,
    claims: &Claims,
    access_key_id: &str,
) -> Result<SecretString, SealError> {
    let session = claims.session();
    let expires = millis(claims.expires).to_be_bytes();
    let bytes = keyring.derive::<30>(
        key,
        Purpose::Secret,
        &session.0,
        &[b"secret", &key.0.to_be_bytes(), access_key_id.as_bytes(), &expires],
    )?;
    Ok(SecretString::from(data_encoding::BASE64.encode(bytes.as_ref())))
}

/// Characters of the token that seals so many bytes.
fn token_chars(plaintext: usize) -> usize {
    plaintext.saturating_add(seal::OVERHEAD).saturating_mul(4).div_ceil(3)
}

fn percent(part: usize, whole: usize) -> u32 {
    u32::try_from(part.saturating_mul(100).div_ceil(whole)).unwrap_or(u32::MAX)
}

impl OpenSession {
    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The access key id that the token is bound to.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The key of the keyring that sealed the token.
    pub fn sealed_by(&self) -> KeyId {
        self.sealed_by
    }

    /// The secret that must have signed the request, by the keyring that opened the token.
    ///
    /// # Errors
    /// The keyring was changed since and has the key no more.
    pub fn secret_access_key(&self, keyring: &Keyring) -> Result<SecretString, SealError> {
        secret(keyring, self.sealed_by, &self.claims, &self.access_key_id)
    }
}

impl Claims {
    /// The session that these claims are of: the last of its chain.
    pub fn session(&self) -> SessionId {
        self.links.last().map_or(SessionId([0; 16]), |link: &Link| link.session)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OpenSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenSession").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
