//! Where the binaries under test, the clients and the servers are.

use std::path::{Path, PathBuf};

/// A binary of this workspace, built into the same profile as the tests.
pub(crate) fn binary(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("the path of the test binary");
    let profile = tests.parent().and_then(Path::parent).expect("the folder of the profile");
    found(profile.join(name), "cargo build --workspace --bins")
}

/// The Python that has boto3.
pub(crate) fn python() -> PathBuf {
    found(cache().join("venv/bin/python"), "make deps")
}

/// A Node of 20 or newer.
pub(crate) fn node() -> PathBuf {
    found(cache().join("bin/node"), "make deps")
}

/// The folder whose `node_modules` has the provider and the JavaScript SDK.
pub(crate) fn node_modules() -> PathBuf {
    found(cache().join("node"), "make deps")
}

/// The AWS CLI: Debian's, else the one that `make deps` installed.
pub(crate) fn aws_cli() -> PathBuf {
    let packaged = PathBuf::from("/usr/bin/aws");
    if packaged.exists() { packaged } else { found(cache().join("venv/bin/aws"), "make deps") }
}

/// Keycloak, made ready to start.
pub(crate) fn keycloak() -> PathBuf {
    found(cache().join("keycloak"), "make deps")
}

/// SimpleSAMLphp, as Debian packages it.
pub(crate) fn simplesamlphp() -> PathBuf {
    found(cache().join("simplesamlphp"), "make deps")
}

/// A file or folder in `tests/cases`.
pub(crate) fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name)
}

/// A script in `tests/clients`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

fn cache() -> PathBuf {
    match std::env::var_os("DAYPASS_CACHE") {
        Some(cache) => cache.into(),
        None => Path::new(&std::env::var_os("HOME").expect("HOME is set")).join(".cache/daypass"),
    }
}

fn found(path: PathBuf, remedy: &str) -> PathBuf {
    assert!(path.exists(), "{} is not there: run `{remedy}`", path.display());
    path
}
