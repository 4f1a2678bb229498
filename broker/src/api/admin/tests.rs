//! What is at the socket's place before a broker starts.

use super::*;

#[test]
fn only_a_left_over_socket_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, link, socket) =
        (folder.path().join("keyring"), folder.path().join("link"), folder.path().join("socket"));
    std::fs::write(&keyring, "precious").unwrap();
    std::os::unix::fs::symlink(&keyring, &link).unwrap();
    assert!(remove_left_over(&keyring).is_err());
    assert!(remove_left_over(&link).is_err());
    assert_eq!(std::fs::read_to_string(&keyring).unwrap(), "precious");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    remove_left_over(&socket).unwrap();
    assert!(!socket.exists());
    remove_left_over(&socket).unwrap();
}

#[test]
fn a_folder_that_others_may_write_to_holds_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let (open, own) = (folder.path().join("open"), folder.path().join("own").join("deeper"));
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(prepare_folder(&open).unwrap_err().to_string().contains("chmod go-w"));
    prepare_folder(&own).unwrap();
    prepare_folder(&own).unwrap();
}
