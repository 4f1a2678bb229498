//! The sample as it is written.

use std::os::unix::fs::PermissionsExt as _;

use ring::rand::SystemRandom;

use super::*;

/// The issuer's port is the broker's of the sample, to see that each is replaced once.
const PORTS: Ports = Ports { broker: 5280, issuer: 4280, telemetry: 5282 };

#[test]
fn the_sample_has_nothing_to_complain_about() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::create(folder.path(), PORTS, &SystemRandom::new()).unwrap();
    let loaded = config::load(&site.config()).unwrap();
    assert_eq!(loaded.warnings.to_text(false), "");
    let settings = &loaded.snapshot.settings;
    assert_eq!(settings.server.base_url(), "http://127.0.0.1:5280");
    assert_eq!(settings.telemetry.listen.port(), 5282);
    let [provider] = loaded.snapshot.directory.oidc_providers().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(provider.issuer().as_str(), "http://127.0.0.1:4280");
    assert_eq!(site.issuer(&SystemRandom::new()).unwrap().url(), "http://127.0.0.1:4280");
}

#[test]
fn keys_are_the_owners_alone_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::create(&folder.path().join("new"), PORTS, &SystemRandom::new()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("new")), 0o700);
    for name in ["keyring", "issuer"] {
        assert_eq!(mode(&folder.path().join("new").join(name)), 0o600, "{name}");
    }
    let keyring = KeyringFile::read(&folder.path().join("new/keyring")).unwrap().validate().unwrap();
    assert!(keyring.is_development());
    assert!(fs::read_to_string(site.issuer_file()).unwrap().starts_with("development = true\n"));
}

#[test]
fn folders_in_use_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let refused = Site::create(folder.path(), PORTS, &SystemRandom::new()).unwrap_err();
    assert!(matches!(refused, SiteError::Occupied(_)), "{refused}");
    assert!(matches!(Site::open(folder.path()).unwrap_err(), SiteError::NotMade(_)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
