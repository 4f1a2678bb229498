//! Names and seals of stored values: a name tells nobody without the keyring what it stands for, and a value opens
//! only under the name that it was stored by.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::record::SessionRecord;
use super::value::{ReadError, Value};
use super::{Reservation, SessionName, SharedKeyring, Unavailable};
use crate::revocation::{SessionId, Target};
use crate::seal::{Purpose, SealError};
use crate::session::{in_access_key_id, of_access_key_id};

/// What a stored value is; its first byte in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Epoch,
    Heartbeat,
    Index,
    LastUse,
    Mark,
    Record,
    Reservation,
    Singles,
}

impl Kind {
    /// An ASCII letter.
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::Epoch => b'e',
            Self::Heartbeat => b'h',
            Self::Index => b'i',
            Self::LastUse => b'u',
            Self::Mark => b'm',
            Self::Record => b's',
            Self::Reservation => b'r',
            Self::Singles => b'n',
        }
    }
}

/// The name of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) id: [u8; 16],
}

/// Why a stored value was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Seal(#[from] SealError),
}

impl OpenError {
    /// Why a revocation does not open and what to do about it, for the operator.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Seal(SealError::UnknownKey(id)) => format!(
                "it is sealed by key {id}, which is not in the keyring: bring the newest keyring, or put the key's entry \
                 back; entries of retired keys stay in the file, or what they revoked would live again"
            ),
            other => other.to_string(),
        }
    }
}

impl From<OpenError> for Unavailable {
    fn from(error: OpenError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Names, seals and opens what the store holds, with the keyring in force.
#[derive(Clone)]
pub(super) struct Sealer {
    keyring: SharedKeyring,
    random: SystemRandom,
}

impl Sealer {
    pub(super) fn new(keyring: SharedKeyring) -> Self {
        Self { keyring, random: SystemRandom::new() }
    }

    pub(super) fn keyring(&self) -> arc_swap::Guard<std::sync::Arc<crate::keys::Keyring>> {
        self.keyring.load()
    }

    pub(super) fn name(&self, kind: Kind, parts: &[&[u8]]) -> Name {
        Name { kind, id: self.keyring.load().name(&[kind.letter()], parts) }
    }

    pub(super) fn record_name(&self, session: SessionId) -> Name {
        self.name(Kind::Record, &[&in_access_key_id(session)])
    }

    /// Where a record's last use is kept.
    pub(super) fn last_use_name(record: Name) -> Name {
        Name { kind: Kind::LastUse, id: record.id }
    }

    pub(super) fn target_name(&self, kind: Kind, target: Target) -> Name {
        self.name(kind, &[&[target.scope as u8], &target.id.0])
    }

    /// The index of a target's sessions, or of all.
    pub(super) fn index_name(&self, target: Option<Target>) -> Name {
        target.map_or_else(|| self.name(Kind::Index, &[]), |target| self.target_name(Kind::Index, target))
    }

    pub(super) fn reservation_name(&self, reservation: &Reservation) -> Name {
        self.target_name(Kind::Reservation, reservation.target)
    }

    /// The name of the record, if there can be one: what a session's id and its access key id have in common leads to it.
    pub(super) fn session_name(&self, name: &SessionName) -> Option<Name> {
        match name {
            SessionName::AccessKey(id) => of_access_key_id(id).map(|id| self.name(Kind::Record, &[&id])),
            SessionName::Id(session) => Some(self.record_name(*session)),
        }
    }

    pub(super) fn random<const N: usize>(&self) -> Result<[u8; N], Unavailable> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(|_| Unavailable::Failed("no randomness".into()))?;
        Ok(bytes)
    }

    pub(super) fn seal(&self, name: Name, plaintext: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let entropy = self.random()?;
        Ok(self.keyring.load().seal(Purpose::Record, &bound_to(name), plaintext, &entropy))
    }

    pub(super) fn seal_value<V: Value>(&self, name: Name, value: &V) -> Result<Vec<u8>, Unavailable> {
        self.seal(name, &value.encode())
    }

    pub(super) fn open_value<V: Value>(&self, name: Name, mut sealed: Vec<u8>) -> Result<V, OpenError> {
        Ok(V::decode(self.open(name, &mut sealed)?)?)
    }

    /// A mark, also if its key is retired. A mark only ever ends more, so it is safe to believe; without it, sessions
    /// of keys that are still good would live again.
    pub(super) fn open_mark<V: Value>(&self, name: Name, mut sealed: Vec<u8>) -> Result<V, OpenError> {
        let keyring = self.keyring.load();
        Ok(V::decode(keyring.open_even_retired(Purpose::Record, &bound_to(name), &mut sealed)?)?)
    }

    pub(super) fn open_record(&self, name: Name, mut sealed: Vec<u8>) -> Result<SessionRecord, OpenError> {
        Ok(SessionRecord::decode(self.open(name, &mut sealed)?)?)
    }

    pub(super) fn open<'s>(&self, name: Name, sealed: &'s mut [u8]) -> Result<&'s [u8], SealError> {
        let keyring = self.keyring.load();
        let (_, plaintext) = keyring.open(Purpose::Record, &bound_to(name), sealed)?;
        Ok(plaintext)
    }
}

/// What a retired key sealed is dead with it: as if it were not there.
pub(super) fn living<T>(opened: Result<T, OpenError>) -> Result<Option<T>, OpenError> {
    match opened {
        Err(OpenError::Seal(SealError::RetiredKey(_))) => Ok(None),
        opened => opened.map(Some),
    }
}

fn bound_to(name: Name) -> [u8; 17] {
    let mut bytes = [name.kind.letter(); 17];
    for (to, from) in bytes.iter_mut().skip(1).zip(name.id) {
        *to = from;
    }
    bytes
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}
