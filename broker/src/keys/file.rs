//! The keyring file: TOML, readable by its owner alone, changed only by writing a higher version.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::Path,
};

use data_encoding::{BASE64, HEXLOWER};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Key, KeyState, Keyring};
use crate::private::{Exposed, Privacy};
use crate::seal::{KeyId, Purpose, PurposeKey};

/// Why a keyring was not loaded or not written. The file's path is the caller's to add.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Another key is named active already, or none is.
    #[error("exactly one key must be active, {0} are")]
    Active(usize),
    /// Two keys have one id.
    #[error("key id {0} stands there twice")]
    Duplicate(u32),
    /// Others than the broker's user can read or change the file.
    #[error("{0}")]
    Exposed(#[from] Exposed),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Some key's material is not 32 bytes of base64.
    #[error("`{field}` of key {id} is not 32 bytes in base64")]
    Material {
        /// The key's id; 0 for the keyring's own two.
        id: u32,
        /// The field at fault.
        field: &'static str,
    },
    /// A change of state that the life of a key does not allow.
    #[error("key {id} is {from:?} and cannot become {to:?}")]
    State {
        /// The key's id.
        id: u32,
        /// Its state.
        from: KeyState,
        /// The state asked for.
        to: KeyState,
    },
    /// Not the TOML expected.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// The keyring has no such key.
    #[error("no key {0} in the keyring")]
    Unknown(u32),
}

/// The file's content. Material stays base64 text until it is validated into a [`Keyring`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringFile {
    id: String,
    version: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    development: bool,
    salt: Zeroizing<String>,
    names: Zeroizing<String>,
    key: Vec<KeyEntry>,
    /// User and group of the file that it was read from: whoever had these keys, and nobody who put a file there since.
    #[serde(skip)]
    owner: Option<(u32, u32)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: u32,
    state: KeyState,
    token: Zeroizing<String>,
    secret: Zeroizing<String>,
    record: Zeroizing<String>,
}

impl KeyringFile {
    /// A new keyring with one active key, from fresh randomness.
    pub fn generate(development: bool, random: &mut dyn FnMut() -> [u8; 32]) -> Self {
        let id = HEXLOWER.encode(random().get(..8).unwrap_or_default());
        let (salt, names) = (material(random), material(random));
        let key = vec![KeyEntry::generate(1, KeyState::Active, random)];
        Self { id, version: 1, development, salt, names, key, owner: None }
    }

    /// The file at `path`, to be relied on: it is root's or this user's, and nobody else can open it.
    pub fn read(path: &Path) -> Result<Self, KeyringError> {
        Self::read_if(path, |data| Privacy::Owner.check(data))
    }

    /// The file at `path`, to be changed by an operator, who may be root while the broker is another user.
    pub fn read_of_any_owner(path: &Path) -> Result<Self, KeyringError> {
        Self::read_if(path, |data| Privacy::Owner.check_mode(data))
    }

    fn read_if(
        path: &Path,
        private: impl FnOnce(&fs::Metadata) -> Result<(), Exposed>,
    ) -> Result<Self, KeyringError> {
        // Of the file that is open, since another one may have the name by then.
        let mut file = fs::File::open(path)?;
        let data = file.metadata()?;
        private(&data)?;
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)?;
        Ok(Self { owner: Some((data.uid(), data.gid())), ..toml::from_str(&text)? })
    }

    /// Replaces the file at `path` as a whole, with mode 0600, for the owner of the file that this was read from.
    pub fn write(&self, path: &Path) -> Result<(), KeyringError> {
        let text = Zeroizing::new(toml::to_string(self).map_err(std::io::Error::other)?);
        let temporary = path.with_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // Always a file of its own making: one that is there already may be open to others, or lead elsewhere.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        // A broker that runs as another user than the operator has to be able to read it.
        if let Some((user, group)) = self.owner
            && user != file.metadata()?.uid()
        {
            fchown(&file, Some(user), Some(group))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(())
    }

    /// Adds a prepared key, which brokers learn before any of them seals with it. Its id is returned.
    pub fn prepare(&mut self, random: &mut dyn FnMut() -> [u8; 32]) -> u32 {
        let id = self.key.iter().map(|key| key.id).max().unwrap_or(0).saturating_add(1);
        self.key.push(KeyEntry::generate(id, KeyState::Prepared, random));
        self.version = self.version.saturating_add(1);
        id
    }

    /// Makes a prepared key the one that seals; the one before it only opens from then on.
    pub fn activate(&mut self, id: u32) -> Result<(), KeyringError> {
        self.expect_state(id, &[KeyState::Prepared], KeyState::Active)?;
        for key in &mut self.key {
            if key.state == KeyState::Active {
                key.state = KeyState::VerifyOnly;
            }
            if key.id == id {
                key.state = KeyState::Active;
            }
        }
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Ends all that a key has sealed.
    pub fn retire(&mut self, id: u32) -> Result<(), KeyringError> {
        self.expect_state(id, &[KeyState::Prepared, KeyState::VerifyOnly], KeyState::Retired)?;
        for key in self.key.iter_mut().filter(|key| key.id == id) {
            key.state = KeyState::Retired;
        }
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// The keyring, if every rule holds.
    pub fn validate(&self) -> Result<Keyring, KeyringError> {
        let active: Vec<_> = self.key.iter().filter(|key| key.state == KeyState::Active).collect();
        let [only] = active.as_slice() else { return Err(KeyringError::Active(active.len())) };
        let mut keys = std::collections::BTreeMap::new();
        for entry in &self.key {
            if keys.insert(KeyId(entry.id), entry.validate(&self.id)?).is_some() {
                return Err(KeyringError::Duplicate(entry.id));
            }
        }
        let hmac = |text: &str, field| {
            decode(text, 0, field).map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()))
        };
        Ok(Keyring {
            id: self.id.clone(),
            version: self.version,
            development: self.development,
            salt: hmac(&self.salt, "salt")?,
            names: hmac(&self.names, "names")?,
            keys,
            active: KeyId(only.id),
        })
    }

    fn expect_state(&self, id: u32, allowed: &[KeyState], to: KeyState) -> Result<(), KeyringError> {
        let key = self.key.iter().find(|key| key.id == id).ok_or(KeyringError::Unknown(id))?;
        if allowed.contains(&key.state) {
            return Ok(());
        }
        Err(KeyringError::State { id, from: key.state, to })
    }
}

impl KeyEntry {
    fn generate(id: u32, state: KeyState, random: &mut dyn FnMut() -> [u8; 32]) -> Self {
        Self { id, state, token: material(random), secret: material(random), record: material(random) }
    }

    fn validate(&self, keyring_id: &str) -> Result<Key, KeyringError> {
        let mut fingerprint = digest::Context::new(&digest::SHA256);
        let mut key = |purpose: Purpose, text: &str| {
            let material = decode(text, self.id, purpose.name())?;
            fingerprint.update(material.as_ref());
            Ok::<_, KeyringError>(PurposeKey::new(purpose, keyring_id, KeyId(self.id), material))
        };
        let token = key(Purpose::Token, &self.token)?;
        let secret = key(Purpose::Secret, &self.secret)?;
        let record = key(Purpose::Record, &self.record)?;
        let digest = fingerprint.finish();
        let fingerprint = HEXLOWER.encode(digest.as_ref().get(..8).unwrap_or_default());
        Ok(Key { state: self.state, token, secret, record, fingerprint })
    }
}

fn material(random: &mut dyn FnMut() -> [u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(BASE64.encode(&random()))
}

fn decode(text: &str, id: u32, field: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).unwrap_or_default());
    let material: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyringError::Material { id, field })?;
    Ok(Zeroizing::new(material))
}

impl std::fmt::Debug for KeyringFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyringFile")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
