//! The keyring: one versioned file, identical on every broker, handed out by the operator. It holds all that seals,
//! opens and derives; nothing else in the system can make or open a token.

use std::collections::BTreeMap;

use ring::hmac;
use zeroize::Zeroizing;

use crate::seal::{self, KeyId, Purpose, PurposeKey, SealError};

pub mod file;
pub mod memory;

/// A validated keyring: at least one key, exactly one of them active.
pub struct Keyring {
    id: String,
    version: u64,
    development: bool,
    salt: hmac::Key,
    names: hmac::Key,
    keys: BTreeMap<KeyId, Key>,
    active: KeyId,
}

/// One generation of keys: independent material for each purpose, in one state.
struct Key {
    state: KeyState,
    token: PurposeKey,
    secret: PurposeKey,
    record: PurposeKey,
    fingerprint: String,
}

/// What a key is still good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Known everywhere, sealing nowhere yet; opens, since a peer may have activated it first.
    Prepared,
    /// The one that seals.
    Active,
    /// Opens what it sealed; kept 37 h after it was active.
    VerifyOnly,
    /// Opens nothing: what it sealed is dead.
    Retired,
}

/// One key as an operator may see it: no material.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeySummary {
    /// The key's id.
    pub id: u32,
    /// Its state.
    pub state: KeyState,
    /// First 16 hexadecimal digits of a digest of its material.
    pub fingerprint: String,
}

/// Why a keyring can't take the place of the one in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASuccessor {
    /// Its own name, or the key that names what is stored, is another.
    #[error("it is another keyring, not a newer version of this one")]
    Another,
    /// Keys have other material.
    #[error("the material of keys {} changed: bring it back, and prepare a new key instead", listed(.0))]
    Changed(Vec<KeyId>),
    /// What these keys sealed, revocations among it, could not be read.
    #[error("it lacks keys {}: put their entries back, retired ones too", listed(.0))]
    Missing(Vec<KeyId>),
    /// What these keys sealed was ended.
    #[error("keys {} were retired and are not any more: retire them in this file too", listed(.0))]
    Revived(Vec<KeyId>),
}

fn listed(ids: &[KeyId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Keyring {
    /// The keyring's own name; part of every derivation.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Grows with every change of the file; a lower one is refused.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether `daypass dev` made it, in which case `serve` refuses it.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// The key that seals now.
    pub fn active(&self) -> KeyId {
        self.active
    }

    /// Whether this keyring may take the place of the one `before`: it opens all that the other opens, unless a key
    /// was retired since.
    ///
    /// # Errors
    /// What the other sealed, or named in the store, could not be found or read; or what was ended would live again.
    pub fn check_follows(&self, before: &Self) -> Result<(), NotASuccessor> {
        if self.id != before.id || self.name(b"", &[]) != before.name(b"", &[]) {
            return Err(NotASuccessor::Another);
        }
        let ids = |wrong: &dyn Fn(&Key, Option<&Key>) -> bool| -> Vec<KeyId> {
            let found = before.keys.iter().filter(|(id, key)| wrong(key, self.keys.get(id)));
            found.map(|(id, _)| *id).collect()
        };
        let missing = ids(&|_, now| now.is_none());
        let changed = ids(&|key, now| now.is_some_and(|now| now.fingerprint != key.fingerprint));
        let revived = ids(&|key, now| {
            key.state == KeyState::Retired && now.is_some_and(|now| now.state != KeyState::Retired)
        });
        if !missing.is_empty() {
            return Err(NotASuccessor::Missing(missing));
        }
        if !changed.is_empty() {
            return Err(NotASuccessor::Changed(changed));
        }
        if !revived.is_empty() {
            return Err(NotASuccessor::Revived(revived));
        }
        Ok(())
    }

    /// Every key without its material, by id.
    pub fn summary(&self) -> Vec<KeySummary> {
        self.keys
            .iter()
            .map(|(id, key)| KeySummary { id: id.0, state: key.state, fingerprint: key.fingerprint.clone() })
            .collect()
    }

    /// `plaintext` sealed by the active key for `purpose` and bound to `bound_to`.
    pub fn seal(&self, purpose: Purpose, bound_to: &[u8], plaintext: &[u8], entropy: &[u8; 32]) -> Vec<u8> {
        match self.keys.get(&self.active) {
            Some(key) => key.purpose(purpose).seal(&self.salt, bound_to, plaintext, entropy),
            None => Vec::new(),
        }
    }

    /// The plaintext of a sealed value and the key that sealed it, decrypted in place.
    pub fn open<'s>(
        &self,
        purpose: Purpose,
        bound_to: &[u8],
        sealed: &'s mut [u8],
    ) -> Result<(KeyId, &'s mut [u8]), SealError> {
        let id = seal::header(sealed)?;
        let plaintext = self.key(id)?.purpose(purpose).open(bound_to, sealed)?;
        Ok((id, plaintext))
    }

    /// As [`Keyring::open`], by a retired key too: for values that can do no harm whoever sealed them.
    pub fn open_even_retired<'s>(
        &self,
        purpose: Purpose,
        bound_to: &[u8],
        sealed: &'s mut [u8],
    ) -> Result<&'s mut [u8], SealError> {
        let id = seal::header(sealed)?;
        self.keys.get(&id).ok_or(SealError::UnknownKey(id))?.purpose(purpose).open(bound_to, sealed)
    }

    /// `N` bytes that only this keyring can compute from `salt` and `context`.
    pub fn derive<const N: usize>(
        &self,
        id: KeyId,
        purpose: Purpose,
        salt: &[u8],
        context: &[&[u8]],
    ) -> Result<Zeroizing<[u8; N]>, SealError> {
        Ok(self.key(id)?.purpose(purpose).derive(salt, context))
    }

    /// A name for the store that tells nobody without the keyring what it stands for.
    pub fn name(&self, kind: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = hmac::Context::with_key(&self.names);
        for part in std::iter::once(&kind).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(mac.sign().as_ref()) {
            *to = *from;
        }
        name
    }

    fn key(&self, id: KeyId) -> Result<&Key, SealError> {
        match self.keys.get(&id) {
            None => Err(SealError::UnknownKey(id)),
            Some(key) if key.state == KeyState::Retired => Err(SealError::RetiredKey(id)),
            Some(key) => Ok(key),
        }
    }
}

impl Key {
    fn purpose(&self, purpose: Purpose) -> &PurposeKey {
        match purpose {
            Purpose::Token => &self.token,
            Purpose::Secret => &self.secret,
            Purpose::Record => &self.record,
        }
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
