//! Keyring files that load, files that are refused, and the life of a key.

use std::os::unix::fs::PermissionsExt as _;

use super::file::{KeyringError, KeyringFile};
use super::*;
use crate::private::Exposed;

/// A keyring file whose "randomness" counts up, so that every material differs.
fn generated() -> KeyringFile {
    KeyringFile::generate(false, &mut counter())
}

fn counter() -> impl FnMut() -> [u8; 32] {
    let mut next = 0u8;
    move || {
        next += 1;
        [next; 32]
    }
}

#[test]
fn a_generated_keyring_survives_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    generated().write(&path).unwrap();
    let keyring = KeyringFile::read(&path).unwrap().validate().unwrap();
    assert_eq!((keyring.version(), keyring.active(), keyring.is_development()), (1, KeyId(1), false));
    let mut sealed = generated().validate().unwrap().seal(Purpose::Record, b"x", b"value", &[1; 32]);
    assert_eq!(keyring.open(Purpose::Record, b"x", &mut sealed).unwrap().1, b"value");
}

#[test]
fn a_keyring_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    generated().write(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = |read: Result<KeyringFile, KeyringError>| {
        matches!(read, Err(KeyringError::Exposed(Exposed::Mode { mode: 0o640, .. })))
    };
    assert!(exposed(KeyringFile::read(&path)) && exposed(KeyringFile::read_of_any_owner(&path)));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(KeyringFile::read(&path).is_ok() && KeyringFile::read_of_any_owner(&path).is_ok());
}

#[test]
fn t22_a_file_left_over_from_a_write_exposes_no_keyring() {
    let directory = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (directory.path().join("keyring"), directory.path().join("elsewhere"));
    std::fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, directory.path().join("keyring.new")).unwrap();
    generated().write(&path).unwrap();
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
    std::fs::write(directory.path().join("keyring.new"), "").unwrap();
    std::fs::set_permissions(directory.path().join("keyring.new"), std::fs::Permissions::from_mode(0o666))
        .unwrap();
    generated().write(&path).unwrap();
    assert!(KeyringFile::read(&path).is_ok(), "nobody else can read it");
}

#[test]
fn f21_a_keyring_cut_anywhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    generated().write(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // The last newline may go: what is left is the whole file.
    for length in 0..whole.len() - 1 {
        std::fs::write(&path, &whole[..length]).unwrap();
        let loaded = KeyringFile::read(&path).and_then(|file| file.validate());
        assert!(loaded.is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_key_goes_from_prepared_to_retired_and_opens_until_then() {
    let mut file = generated();
    let sealed = file.validate().unwrap().seal(Purpose::Token, b"x", b"value", &[1; 32]);
    let open = |file: &KeyringFile| {
        let keyring = file.validate().unwrap();
        keyring.open(Purpose::Token, b"x", &mut sealed.clone()).map(|(id, _)| id)
    };
    assert!(matches!(file.retire(1), Err(KeyringError::State { id: 1, .. })), "the active key stays");
    let second = file.prepare(&mut counter());
    assert_eq!(open(&file), Ok(KeyId(1)));
    file.activate(second).unwrap();
    assert_eq!(file.validate().unwrap().active(), KeyId(2));
    assert_eq!(open(&file), Ok(KeyId(1)), "verify-only opens");
    file.retire(1).unwrap();
    assert_eq!(open(&file), Err(SealError::RetiredKey(KeyId(1))));
    assert_eq!(file.validate().unwrap().version(), 4);
}

#[test]
fn an_unknown_key_is_told_apart_from_a_forgery() {
    let mut other = generated();
    other.prepare(&mut counter());
    other.activate(2).unwrap();
    let mut sealed = other.validate().unwrap().seal(Purpose::Token, b"x", b"value", &[1; 32]);
    let opened = generated().validate().unwrap().open(Purpose::Token, b"x", &mut sealed).map(|(id, _)| id);
    assert_eq!(opened, Err(SealError::UnknownKey(KeyId(2))));
}

#[test]
fn names_keep_their_parts_apart() {
    let keyring = generated().validate().unwrap();
    assert_ne!(keyring.name(b"ab", &[b"c"]), keyring.name(b"a", &[b"bc"]));
    assert_eq!(keyring.name(b"ab", &[b"c"]), keyring.name(b"ab", &[b"c"]));
}

/// Why `file` may not take the place of the keyring that `before` makes.
fn refused(file: &KeyringFile, before: &KeyringFile) -> Option<NotASuccessor> {
    file.validate().unwrap().check_follows(&before.validate().unwrap()).err()
}

/// The file with its text changed.
fn edited(file: &KeyringFile, from: &str, to: &str) -> KeyringFile {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    file.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    KeyringFile::read(&path).unwrap()
}

#[test]
fn f20_a_retired_key_comes_back_by_no_keyring_file() {
    let mut before = generated();
    before.prepare(&mut counter());
    before.activate(2).unwrap();
    let mut copy = edited(&before, "version = 3", "version = 3");
    before.retire(1).unwrap();
    copy.prepare(&mut counter());
    copy.activate(3).unwrap();
    assert_eq!(refused(&copy, &before), Some(NotASuccessor::Revived(vec![KeyId(1)])));
    before.prepare(&mut counter());
    assert_eq!(refused(&before, &copy), None, "one more key, and one retired");
}

#[test]
fn f21_a_key_whose_material_changed_and_another_sites_keyring_are_no_successors() {
    let before = generated();
    let other = |byte: u8| data_encoding::BASE64.encode(&[byte; 32]);
    for number in 4..=6 {
        let changed = edited(&before, &other(number), &other(99));
        assert_eq!(refused(&changed, &before), Some(NotASuccessor::Changed(vec![KeyId(1)])), "{number}");
    }
    let (id, names) = (before.validate().unwrap().id().to_owned(), other(3));
    for another in [edited(&before, &id, "elsewhere"), edited(&before, &names, &other(99))] {
        assert_eq!(refused(&another, &before), Some(NotASuccessor::Another));
    }
    assert_eq!(refused(&before, &before), None);
}

#[test]
fn a_keyring_that_lost_an_entry_is_no_successor() {
    let mut file = generated();
    file.prepare(&mut counter());
    assert_eq!(refused(&generated(), &file), Some(NotASuccessor::Missing(vec![KeyId(2)])));
    file.activate(2).unwrap();
    let before = edited(&file, "version = 3", "version = 3");
    file.retire(1).unwrap();
    assert_eq!(refused(&file, &before), None, "a retired key is still there");
}

#[test]
fn a_keyring_changed_by_root_stays_its_owners() {
    use std::os::unix::fs::MetadataExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    generated().write(&path).unwrap();
    let user = rustix::process::geteuid();
    let owner = if user.is_root() { 12_345 } else { user.as_raw() };
    std::os::unix::fs::chown(&path, Some(owner), None).unwrap();
    KeyringFile::read_of_any_owner(&path).unwrap().write(&path).unwrap();
    let written = std::fs::metadata(&path).unwrap();
    assert_eq!((written.uid(), written.mode() & 0o7777), (owner, 0o600));
}
