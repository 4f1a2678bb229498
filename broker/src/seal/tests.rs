//! What is sealed opens as it was, for its purpose and its binding alone.

use super::*;

fn key(purpose: Purpose, id: u32) -> PurposeKey {
    PurposeKey::new(purpose, "test", KeyId(id), Zeroizing::new([7; 32]))
}

fn salt_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[9; 32])
}

fn sealed(bound_to: &[u8], plaintext: &[u8]) -> Vec<u8> {
    key(Purpose::Token, 1).seal(&salt_key(), bound_to, plaintext, &[3; 32])
}

#[test]
fn what_is_sealed_opens_again() {
    let mut value = sealed(b"ASIA1", b"claims");
    assert_eq!(value.len(), b"claims".len() + OVERHEAD);
    assert_eq!(key(Purpose::Token, 1).open(b"ASIA1", &mut value).unwrap(), b"claims");
}

#[test]
fn v12_no_bit_of_a_sealed_value_can_be_flipped() {
    let honest = sealed(b"ASIA1", b"claims");
    for bit in 0..honest.len() * 8 {
        let mut value = honest.clone();
        value[bit / 8] ^= 1 << (bit % 8);
        assert!(key(Purpose::Token, 1).open(b"ASIA1", &mut value).is_err(), "bit {bit}");
    }
    for length in 0..honest.len() {
        let mut value = honest[..length].to_vec();
        assert!(key(Purpose::Token, 1).open(b"ASIA1", &mut value).is_err(), "cut to {length}");
    }
}

#[test]
fn k04_a_value_opens_only_for_its_purpose_key_and_binding() {
    let forged = Err(SealError::Forged);
    let open = |key: &PurposeKey, bound_to: &[u8]| {
        key.open(bound_to, &mut sealed(b"ASIA1", b"claims")).map(|plaintext| plaintext.to_vec())
    };
    assert_eq!(open(&key(Purpose::Token, 1), b"ASIA1"), Ok(b"claims".to_vec()));
    assert_eq!(open(&key(Purpose::Token, 1), b"ASIA2"), forged);
    assert_eq!(open(&key(Purpose::Record, 1), b"ASIA1"), forged);
    assert_eq!(open(&key(Purpose::Token, 2), b"ASIA1"), Err(SealError::Malformed));
}

#[test]
fn k04_k08_repeated_entropy_repeats_no_key_and_so_no_nonce() {
    let (first, second) = (sealed(b"ASIA1", b"one"), sealed(b"ASIA1", b"two"));
    assert_ne!(first[5..37], second[5..37], "another plaintext must give another salt");
    assert_ne!(sealed(b"ASIA1", b"one")[5..37], sealed(b"ASIA2", b"one")[5..37]);
}
