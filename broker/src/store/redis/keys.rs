//! Where things are in Redis. Records and indexes are spread; what a revocation view is made of, and
//! reservations, share one hash slot, so that a view is whole or absent.

use crate::store::sealed::{Kind, Name};

/// The Redis key of a stored value.
pub(super) fn key(name: Name) -> Vec<u8> {
    let place: &[u8] = match name.kind {
        Kind::Epoch | Kind::Heartbeat | Kind::Mark | Kind::Reservation | Kind::Singles => b"daypass:{state}:",
        Kind::Index | Kind::LastUse | Kind::Record => b"daypass:",
    };
    let mut key = Vec::with_capacity(place.len().saturating_add(24));
    key.extend_from_slice(place);
    key.extend_from_slice(&[name.kind.letter(), b':']);
    let mut id = [0; 22];
    data_encoding::BASE64URL_NOPAD.encode_mut(&name.id, &mut id);
    key.extend_from_slice(&id);
    key
}

/// The key of a record that an index names.
pub(super) fn record_key(member: [u8; 16]) -> Vec<u8> {
    key(Name { kind: Kind::Record, id: member })
}

/// A session's place in an index: microseconds of its expiry, the last three digits from its name, so that hardly two
/// sessions share a place. Below 2^53, which is exact as a score.
pub(super) fn score(expires_ms: u64, member: [u8; 16]) -> u64 {
    let [a, b, ..] = member;
    expires_ms.saturating_mul(1_000).saturating_add(u64::from(u16::from_be_bytes([a, b])) % 1_000)
}
