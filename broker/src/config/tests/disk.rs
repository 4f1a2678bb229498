//! What only a disk shows: links, odd files, ids written, changes watched.

use std::{
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt as _, symlink},
    },
    time::Duration,
};

use super::*;

/// A copy of the sound tree, and the folder of its account.
fn copy() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let account = folder.path().join("directory/111122223333");
    (folder, config, account)
}

fn refused(config: &Path, file: &str, message: &str) {
    let found = compile(&Tree::read(config)).unwrap_err();
    let told = found.iter().any(|one| one.file.ends_with(file) && one.message == message);
    assert!(told, "wanted {file}: {message}\n{found}");
    assert!(found.iter().all(|one| one.fix.is_some()), "{found}");
}

#[test]
fn t20_a_link_out_of_the_tree_is_refused_and_one_inside_is_followed() {
    let (folder, config, account) = copy();
    let elsewhere = folder.path().join("elsewhere.json");
    std::fs::rename(account.join("policies/Read.json"), &elsewhere).unwrap();
    symlink(&elsewhere, account.join("policies/Read.json")).unwrap();
    refused(&config, "policies/Read.json", "this link leads out of the directory");

    std::fs::remove_file(account.join("policies/Read.json")).unwrap();
    std::fs::create_dir(folder.path().join("directory/..data")).unwrap();
    let inside = folder.path().join("directory/..data/Read.json");
    std::fs::rename(&elsewhere, &inside).unwrap();
    symlink(&inside, account.join("policies/Read.json")).unwrap();
    assert!(compile(&Tree::read(&config)).is_ok());
}

#[test]
fn t20_a_link_that_leads_into_itself_ends() {
    let (_folder, config, account) = copy();
    symlink(&account, account.join("roles/Loop")).unwrap();
    assert!(compile(&Tree::read(&config)).is_err());
}

#[test]
fn a_file_that_is_not_utf8_is_refused() {
    let (_folder, config, account) = copy();
    std::fs::write(account.join("account.toml"), b"name = \"\xff\"").unwrap();
    refused(&config, "account.toml", "this file cannot be read");
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let (_folder, config, account) = copy();
    std::fs::write(account.join(std::ffi::OsStr::from_bytes(b"\xff.toml")), "").unwrap();
    refused(&config, "111122223333", "this folder cannot be read");
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let (_folder, config, account) = copy();
    std::fs::write(account.join("account.toml"), " ".repeat(1024 * 1024 + 1)).unwrap();
    refused(&config, "account.toml", "this file cannot be read");
}

#[test]
fn a_pipe_is_refused_without_waiting_for_it() {
    let (_folder, config, account) = copy();
    let pipe = account.join("policies/Pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused(&config, "policies/Pipe.json", "this is neither a file nor a folder");
}

#[test]
fn t19_names_that_differ_in_case_only_are_refused() {
    let (_folder, config, account) = copy();
    std::fs::copy(account.join("policies/Read.json"), account.join("policies/read.json")).unwrap();
    refused(&config, "policies/read.json", "two names differ in case only");
}

#[test]
fn t18_a_policy_of_another_account_cannot_be_attached() {
    let (_folder, config, account) = copy();
    let other = account.with_file_name("444455556666");
    std::fs::create_dir_all(other.join("policies")).unwrap();
    std::fs::write(other.join("account.toml"), "name = \"Other\"\n").unwrap();
    std::fs::copy(account.join("policies/Read.json"), other.join("policies/Read.json")).unwrap();
    assert!(compile(&Tree::read(&config)).is_ok());
    let role = account.join("roles/Deploy/role.toml");
    let text = std::fs::read_to_string(&role).unwrap();
    let foreign = text.replace("111122223333:policy/Read", "444455556666:policy/Read");
    std::fs::write(&role, foreign).unwrap();
    refused(&config, "roles/Deploy/role.toml", "`managed_policies` is invalid");
}

#[test]
fn one_role_more_than_the_quota_is_refused() {
    let (_folder, config, account) = copy();
    for number in 0..1000 {
        std::fs::create_dir_all(account.join(format!("roles/R{number}"))).unwrap();
    }
    refused(&config, "111122223333/roles", "1002 are too many: an account has at most 1000");
}

#[test]
fn a_missing_directory_is_told_with_the_fix() {
    let (folder, config, _account) = copy();
    std::fs::remove_dir_all(folder.path().join("directory")).unwrap();
    refused(&config, "directory", "the directory cannot be read");
}

#[test]
fn an_empty_folder_of_a_later_kind_is_refused() {
    let (_folder, config, account) = copy();
    std::fs::create_dir(account.join("profiles")).unwrap();
    refused(&config, "111122223333/profiles", "this build does not load profiles yet");
}

#[test]
fn ids_are_written_once_and_nothing_else_changes() {
    let (_folder, config, account) = copy();
    let role = account.join("roles/Gateway/role.toml");
    let text = "# the gateway\r\nmax_session_duration = \"1h\" # short\r\n";
    std::fs::write(&role, text).unwrap();
    let mut entropy = |bytes: &mut [u8]| bytes.fill(7);
    assert_eq!(write_ids(&config, &mut entropy).unwrap(), [role.as_path()]);
    let written = std::fs::read_to_string(&role).unwrap();
    assert_eq!(written, format!("id = \"AROAA4DQOBYHA4DQOBYHA\"\r\n{text}"));
    assert!(compile(&Tree::read(&config)).is_ok());
    assert!(write_ids(&config, &mut entropy).unwrap().is_empty());
}

#[test]
fn users_and_groups_get_ids_of_their_kind() {
    let (_folder, config, account) = copy();
    let (user, group) = (account.join("users/kim/user.toml"), account.join("groups/builders/group.toml"));
    std::fs::write(&user, "groups = [\"builders\"]\n").unwrap();
    std::fs::write(&group, "").unwrap();
    let mut last = 0;
    let mut entropy = |bytes: &mut [u8]| {
        last += 1;
        bytes.fill(last);
    };
    assert_eq!(write_ids(&config, &mut entropy).unwrap(), [group.as_path(), user.as_path()]);
    assert!(std::fs::read_to_string(&user).unwrap().starts_with("id = \"AIDA"));
    assert!(std::fs::read_to_string(&group).unwrap().starts_with("id = \"AGPA"));
    assert!(compile(&Tree::read(&config)).is_ok());
}

#[test]
fn the_version_names_every_byte() {
    let (_folder, config, account) = copy();
    let before = Tree::read(&config);
    assert_eq!(before.version(), Tree::read(&config).version());
    std::fs::write(account.join("account.toml"), "name = \"Production\" ").unwrap();
    assert_ne!(before.version(), Tree::read(&config).version());
    assert_ne!(before.fingerprint(&config), Tree::read(&config).fingerprint(&account));
}

#[test]
fn a_ca_outside_of_the_tree_counts_for_the_version() {
    let (folder, config, account) = copy();
    let certificate = rcgen::generate_simple_self_signed(vec!["idp.corp.test".to_owned()]).unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certificate.cert.pem()).unwrap();
    let provider = account.join("oidc-providers/github.toml");
    let text = std::fs::read_to_string(&provider).unwrap();
    std::fs::write(&provider, format!("{text}ca_file = \"{}\"\n", ca.display())).unwrap();
    let before = Tree::read(&config);
    assert!(compile(&before).is_ok());
    std::fs::write(&ca, "not a certificate").unwrap();
    assert_ne!(before.version(), Tree::read(&config).version());
    refused(&config, "oidc-providers/github.toml", "`ca_file` is invalid");
}

#[test]
fn a_keyring_that_is_missing_is_warned_about() {
    let (folder, config, _account) = copy();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[keys]\nfile = \"keyring\"\n")).unwrap();
    let warns = || load(&config).unwrap().warnings.iter().any(|one| one.file.ends_with("keyring"));
    assert!(warns());
    std::fs::write(folder.path().join("keyring"), "").unwrap();
    assert!(!warns());
}

/// Every file that holds a secret, and the socket's folder, as an operator would have them.
fn with_secrets() -> (tempfile::TempDir, PathBuf) {
    let (folder, config, _account) = copy();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "[server]",
        "[state]\nurl = \"redis://127.0.0.1\"\npassword_file = \"redis.password\"\n[keys]\nfile = \"keyring\"\n\
         [admin]\nsocket = \"run/admin.sock\"\n[server]\ncert_file = \"tls.crt\"\nkey_file = \"tls.key\"",
    );
    std::fs::write(&config, text).unwrap();
    for file in ["keyring", "tls.key", "redis.password", "tls.crt"] {
        std::fs::write(folder.path().join(file), "").unwrap();
        mode(&folder, file, if file == "tls.crt" { 0o644 } else { 0o600 });
    }
    std::fs::create_dir(folder.path().join("run")).unwrap();
    mode(&folder, "run", 0o755);
    (folder, config)
}

fn mode(folder: &tempfile::TempDir, name: &str, mode: u32) {
    std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn secrets_that_others_can_get_at_are_refused_with_file_cause_and_fix() {
    let (folder, config) = with_secrets();
    for load in [load_to_check, load_to_serve] {
        let warnings = load(&config).map_err(|found| found.to_text(false)).unwrap().warnings;
        assert!(warnings.is_empty(), "{warnings}");
        let wrong = [
            ("keyring", 0o604, "600"),
            ("tls.key", 0o644, "640"),
            ("redis.password", 0o606, "640"),
            ("run", 0o775, "go-w"),
        ];
        for (name, open, fix) in wrong {
            mode(&folder, name, open);
            let found = load(&config).unwrap_err();
            let path = folder.path().join(name);
            let told: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
            let [error] = told.as_slice() else { panic!("{found}") };
            assert_eq!(error.file, path);
            assert_eq!(error.cause.as_deref(), Some(format!("its mode is {open:o}").as_str()));
            let chmod = error.fix.as_deref().unwrap();
            // Of root's files, the group's reading may stay.
            let fixes = [fix, "600"].map(|mode| format!("run `chmod {mode} {}`", path.display()));
            assert!(fixes.iter().any(|fix| fix == chmod), "{chmod}");
            mode(&folder, name, if name == "run" { 0o755 } else { 0o600 });
        }
    }
}

#[test]
fn a_configuration_with_secrets_in_the_open_is_still_read_by_who_only_asks_where_the_broker_is() {
    let (folder, config) = with_secrets();
    mode(&folder, "keyring", 0o644);
    assert!(load(&config).is_ok(), "a revocation does not wait for a chmod");
}

#[test]
fn two_names_of_one_file_are_found_on_disk() {
    let (folder, config) = with_secrets();
    symlink(folder.path().join("keyring"), folder.path().join("audit.jsonl")).unwrap();
    let found = load_to_check(&config).unwrap_err();
    let message = "`keys.file` and `audit.file` are the same file";
    assert!(found.iter().any(|one| one.message == message && one.fix.is_some()), "{found}");
    std::fs::remove_file(folder.path().join("audit.jsonl")).unwrap();
    std::fs::write(folder.path().join("audit.jsonl"), "").unwrap();
    assert!(load_to_check(&config).is_ok());
}

#[tokio::test]
async fn f26_a_changed_tree_is_reported_and_a_bad_one_with_its_errors() {
    let (_folder, config, account) = copy();
    let version = Tree::read(&config).version();
    let (sink, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let (ask, asking) = tokio::sync::mpsc::channel(2);
    let path = config.clone();
    let watching = tokio::spawn(async move {
        let report = move |report, asked| sink.send((report, asked)).unwrap();
        watch::watch_every(Duration::from_millis(20), path, version, asking, report).await;
    });
    ask.send("operator").await.unwrap();
    let (same, asked) = reports.recv().await.unwrap();
    assert_eq!((same.unwrap().snapshot.version, asked), (version, vec!["operator"]));

    std::fs::write(account.join("account.toml"), "nam = \"Test\"\n").unwrap();
    let (wrong, asked) = reports.recv().await.unwrap();
    assert!(asked.is_empty());
    let wrong = wrong.unwrap_err();
    assert!(wrong.iter().any(|one| one.message == "unknown field `nam`"), "{wrong}");

    std::fs::write(account.join("account.toml"), "name = \"Test\"\n").unwrap();
    let loaded = reports.recv().await.unwrap().0.unwrap();
    assert_eq!(loaded.snapshot.directory.accounts().next().unwrap().name, "Test");
    watching.abort();
}
