//! The small values of the store, as CBOR arrays of a fixed form: marks, reservations, heartbeats, the epoch.

use jiff::Timestamp;
use minicbor::{Decoder, Encoder};
use subtle::ConstantTimeEq as _;

pub(super) use crate::session::claims::ClaimsError as ReadError;

use super::{Reservation, SAME_REQUEST_WITHIN};
use crate::keys::{KeyState, Keyring};
use crate::revocation::{Mark, SessionId, Target};
use crate::seal::KeyId;
use crate::session::claims::{Written, expect_array, list, sixteen, target, text};

/// A value that the store seals.
pub(super) trait Value: Sized {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written;
    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError>;

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        let written = self.write(&mut Encoder::new(&mut bytes));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut decoder = Decoder::new(bytes);
        let value = Self::read(&mut decoder)?;
        end(&decoder)?;
        Ok(value)
    }
}

/// Refuses bytes after a value.
pub(super) fn end(d: &Decoder<'_>) -> Result<(), ReadError> {
    if d.position() == d.input().len() { Ok(()) } else { Err(ReadError("bytes after the value".into())) }
}

pub(super) fn write_targets(e: &mut Encoder<&mut Vec<u8>>, targets: &[Target]) -> Written {
    e.array(targets.len() as u64)?;
    targets.iter().try_for_each(|target| write_target(e, *target))
}

pub(super) fn target_list(d: &mut Decoder<'_>) -> Result<Vec<Target>, ReadError> {
    list(d, target)
}

fn write_target(e: &mut Encoder<&mut Vec<u8>>, target: Target) -> Written {
    e.array(2)?.u8(target.scope as u8)?.bytes(&target.id.0)?;
    Ok(())
}

impl Value for Mark {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        write_target(e.array(4)?, self.target)?;
        e.u64(self.at)?.u64(self.barred_until)?.u64(self.kept_until)?;
        Ok(())
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        expect_array(d, 4)?;
        Ok(Self { target: target(d)?, at: d.u64()?, barred_until: d.u64()?, kept_until: d.u64()? })
    }
}

/// What a reservation says of the redemption that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redemption {
    pub(super) request_digest: [u8; 32],
    pub(super) peer: String,
    pub(super) session: SessionId,
    pub(super) at: Timestamp,
}

impl Redemption {
    pub(super) fn new(reservation: &Reservation, session: SessionId, at: Timestamp) -> Self {
        Self { request_digest: reservation.request_digest, peer: reservation.peer.clone(), session, at }
    }

    /// Whether a request is a repetition of the one that redeemed, and comes soon enough after it.
    pub(super) fn is_repeated_by(&self, reservation: &Reservation, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        bool::from(self.request_digest.ct_eq(&reservation.request_digest))
            && self.peer == reservation.peer
            && age.abs() <= SAME_REQUEST_WITHIN
    }
}

impl Value for Redemption {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.array(4)?.bytes(&self.request_digest)?.str(&self.peer)?.bytes(&self.session.0)?;
        write_time(e, self.at)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        expect_array(d, 4)?;
        let digest = d.bytes()?.try_into().map_err(|_| ReadError("a digest that is not 32 bytes".into()))?;
        Ok(Self {
            request_digest: digest,
            peer: text(d)?,
            session: sixteen(d).map(SessionId)?,
            at: read_time(d)?,
        })
    }
}

/// Names one uninterrupted history of the store; gone when the store has lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch {
    pub(super) id: [u8; 16],
    pub(super) began: Timestamp,
}

impl Value for Epoch {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        write_time(e.array(2)?.bytes(&self.id)?, self.began)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        expect_array(d, 2)?;
        Ok(Self { id: sixteen(d)?, began: read_time(d)? })
    }
}

/// A broker's sign of life, with the keys that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heartbeat {
    pub(super) keyring_version: u64,
    /// Id and fingerprint of every key that is not retired.
    pub(super) keys: Vec<(KeyId, String)>,
    pub(super) at: Timestamp,
}

impl Heartbeat {
    pub(super) fn new(keyring: &Keyring, at: Timestamp) -> Self {
        let keys = keyring.summary().into_iter().filter(|key| key.state != KeyState::Retired);
        Self {
            keyring_version: keyring.version(),
            keys: keys.map(|key| (KeyId(key.id), key.fingerprint)).collect(),
            at,
        }
    }
}

impl Value for Heartbeat {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        e.array(3)?.u64(self.keyring_version)?.array(self.keys.len() as u64)?;
        for (id, fingerprint) in &self.keys {
            e.array(2)?.u32(id.0)?.str(fingerprint)?;
        }
        write_time(e, self.at)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        expect_array(d, 3)?;
        let keyring_version = d.u64()?;
        let keys = list(d, |d| {
            expect_array(d, 2)?;
            Ok((KeyId(d.u32()?), text(d)?))
        })?;
        Ok(Self { keyring_version, keys, at: read_time(d)? })
    }
}

/// When a session was last used.
impl Value for Timestamp {
    fn write(&self, e: &mut Encoder<&mut Vec<u8>>) -> Written {
        write_time(e, *self)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, ReadError> {
        read_time(d)
    }
}

/// Milliseconds, finer than the seconds of claims.
fn write_time(e: &mut Encoder<&mut Vec<u8>>, time: Timestamp) -> Written {
    e.i64(time.as_millisecond())?;
    Ok(())
}

fn read_time(d: &mut Decoder<'_>) -> Result<Timestamp, ReadError> {
    Timestamp::from_millisecond(d.i64()?).map_err(|_| ReadError("a time out of range".into()))
}
