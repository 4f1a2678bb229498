//! The one primitive for everything sealed: tokens, stored records, marks.
//!
//! Each value gets a key of its own, derived from its salt, so no nonce can repeat; the header names exactly one key,
//! so none is ever tried.

use ring::{aead, hkdf, hmac};
use zeroize::Zeroizing;

/// Version of the sealed form; a value with another is refused.
const VERSION: u8 = 1;
/// Bytes before the ciphertext: version, key id, salt.
const HEADER: usize = 1 + 4 + SALT;
const SALT: usize = 32;
/// Bytes that sealing adds to a plaintext.
pub const OVERHEAD: usize = HEADER + 16;

/// What a key may be used for; part of every derivation, so that a value sealed for one purpose opens for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Session tokens.
    Token,
    /// Secret access keys, which are derived and never sealed.
    Secret,
    /// Values kept in the store: session records, reservations, revocation marks, heartbeats.
    Record,
}

impl Purpose {
    /// Every purpose, in the order in which a keyring lists them.
    pub const ALL: [Self; 3] = [Self::Token, Self::Secret, Self::Record];

    /// The purpose's name in the keyring file and in derivations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Secret => "secret",
            Self::Record => "record",
        }
    }
}

/// Names one key of the keyring; carried in the clear at the head of everything sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A key that seals and opens values of one purpose.
pub struct PurposeKey {
    material: Zeroizing<[u8; 32]>,
    /// Domain separation: purpose, keyring id, version, key id.
    info: Vec<u8>,
    id: KeyId,
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Changed, cut, bound to something else, or sealed by another key of the same id.
    #[error("the value was changed, or is bound to something else")]
    Forged,
    /// Too short, or of another version.
    #[error("not a sealed value of this version")]
    Malformed,
    /// The key was retired here: nothing it sealed is accepted.
    #[error("key {0} is retired")]
    RetiredKey(KeyId),
    /// The keyring has no key of this id.
    #[error("key {0} is not in the keyring")]
    UnknownKey(KeyId),
}

impl PurposeKey {
    /// A key for `purpose` from 32 random bytes, bound to its place in the keyring.
    pub fn new(purpose: Purpose, keyring_id: &str, id: KeyId, material: Zeroizing<[u8; 32]>) -> Self {
        let mut info = Vec::with_capacity(32 + keyring_id.len());
        info.extend_from_slice(b"daypass ");
        info.extend_from_slice(purpose.name().as_bytes());
        info.push(0);
        info.extend_from_slice(keyring_id.as_bytes());
        info.push(0);
        info.push(VERSION);
        info.extend_from_slice(&id.0.to_be_bytes());
        Self { material, info, id }
    }

    /// `N` bytes derived from this key, the salt and the context; equal inputs give equal bytes.
    pub fn derive<const N: usize>(&self, salt: &[u8], context: &[&[u8]]) -> Zeroizing<[u8; N]> {
        let mut info: Vec<&[u8]> = Vec::with_capacity(1 + context.len());
        info.push(&self.info);
        info.extend_from_slice(context);
        let mut out = Zeroizing::new([0u8; N]);
        expand(salt, self.material.as_ref(), &info, out.as_mut());
        out
    }

    /// `plaintext` sealed and bound to `bound_to`, which must be given again to open it.
    ///
    /// The salt is a MAC of the entropy and the plaintext: a cloned machine that draws the same entropy for another
    /// plaintext still gets another key.
    pub fn seal(
        &self,
        salt_key: &hmac::Key,
        bound_to: &[u8],
        plaintext: &[u8],
        entropy: &[u8; 32],
    ) -> Vec<u8> {
        let mut mac = hmac::Context::with_key(salt_key);
        mac.update(entropy);
        mac.update(bound_to);
        mac.update(plaintext);
        let salt = mac.sign();

        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id.0.to_be_bytes());
        sealed.extend_from_slice(salt.as_ref());
        let mut associated = Vec::with_capacity(HEADER + bound_to.len());
        associated.extend_from_slice(&sealed);
        associated.extend_from_slice(bound_to);
        sealed.extend_from_slice(plaintext);

        let ciphertext = sealed.get_mut(HEADER..).unwrap_or_default();
        // Fails only for plaintexts of gigabytes; an empty value then opens nowhere.
        let tag = self.cipher(salt.as_ref()).seal_in_place_separate_tag(
            nonce(),
            aead::Aad::from(&associated),
            ciphertext,
        );
        let Ok(tag) = tag else { return Vec::new() };
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// The plaintext of a sealed value, decrypted in place.
    pub fn open<'s>(&self, bound_to: &[u8], sealed: &'s mut [u8]) -> Result<&'s mut [u8], SealError> {
        if header(sealed)? != self.id {
            return Err(SealError::Malformed);
        }
        let (head, ciphertext) = sealed.split_at_mut_checked(HEADER).ok_or(SealError::Malformed)?;
        let salt = head.get(HEADER - SALT..).ok_or(SealError::Malformed)?;
        let mut associated = Vec::with_capacity(HEADER + bound_to.len());
        associated.extend_from_slice(head);
        associated.extend_from_slice(bound_to);
        self.cipher(salt)
            .open_in_place(nonce(), aead::Aad::from(&associated), ciphertext)
            .map_err(|_| SealError::Forged)
    }

    fn cipher(&self, salt: &[u8]) -> aead::LessSafeKey {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.material.as_ref());
        let info = [self.info.as_slice()];
        // The length asked for is the algorithm's own, which HKDF always gives.
        #[expect(clippy::expect_used, reason = "32 bytes are always within HKDF's limit of 255 hashes")]
        let okm = prk.expand(&info, &aead::AES_256_GCM).expect("32 bytes are within HKDF's limit");
        aead::LessSafeKey::new(aead::UnboundKey::from(okm))
    }
}

/// The id of the key that a sealed value names, before anything about it is known to be true.
pub fn header(sealed: &[u8]) -> Result<KeyId, SealError> {
    match sealed {
        [VERSION, a, b, c, d, rest @ ..] if rest.len() >= SALT + 16 => {
            Ok(KeyId(u32::from_be_bytes([*a, *b, *c, *d])))
        }
        _ => Err(SealError::Malformed),
    }
}

/// The nonce is constant because every key seals exactly one value.
fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; 12])
}

/// HKDF-SHA-256 (RFC 5869) into `out`.
fn expand(salt: &[u8], material: &[u8], info: &[&[u8]], out: &mut [u8]) {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(material);
    let filled = prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out));
    debug_assert!(filled.is_ok(), "HKDF gives up to 8,160 bytes");
}

impl std::fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PurposeKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
