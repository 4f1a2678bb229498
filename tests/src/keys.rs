//! The keyring in an operator's hands: retired keys end their sessions everywhere, entries stay.

use std::time::Duration;

use crate::harness::{Broker, Credentials, Ran, Redis, Site, role};

/// Changes the keyring of a site by `daypass keys`.
#[track_caller]
fn keys(site: &Site, arguments: &[&str]) -> Ran {
    let ran = Ran::of(site, &[&["keys"], arguments, &["--file", "keyring"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

/// Adds a second key, lets it seal, and waits until every broker has it.
fn rotate(sites: &[(&Site, &Broker)]) {
    let [(first, _), others @ ..] = sites else { panic!("a site") };
    for change in [&["prepare"][..], &["activate", "2"]] {
        keys(first, change);
        for (site, _) in others {
            std::fs::copy(first.path("keyring"), site.path("keyring")).expect("the keyring is handed out");
        }
        for (_, broker) in sites {
            broker.keyring_taken();
        }
    }
}

fn alive(broker: &Broker, credentials: &Credentials) -> bool {
    broker.caller(credentials).status == 200
}

#[track_caller]
fn ends_within_a_second(broker: &Broker, credentials: &Credentials) {
    let asked = tokio::time::Instant::now();
    while alive(broker, credentials) {
        assert!(asked.elapsed() <= Duration::from_secs(1), "it goes on");
    }
}

#[test]
fn a_retired_keys_sessions_end_on_every_broker_before_it_has_the_file() {
    let redis = Redis::start();
    let site = Site::on_redis(&redis);
    let twin = site.twin();
    let (broker, peer) = (site.start(), twin.start());
    let token = site.issuer.token("plant:a");
    let old = peer.assume(&token, &role("Deploy"));
    rotate(&[(&site, &broker), (&twin, &peer)]);
    let new = peer.assume(&token, &role("Deploy"));
    assert!(alive(&peer, &old) && alive(&broker, &new));

    let ran = keys(&site, &["retire", "1", "--config", "daypass.toml"]);
    assert!(ran.output.contains("what key 1 sealed is ended, on every broker within a second"), "{ran:?}");
    assert!(!twin.read("keyring").contains("retired"), "the peer still has the old file");
    ends_within_a_second(&peer, &old);
    ends_within_a_second(&broker, &old);
    assert!(alive(&peer, &new) && alive(&broker, &new), "another key's session goes on");
}

#[test]
fn a_key_is_retired_without_a_broker_too_and_that_is_said() {
    let site = Site::new();
    site.keyring();
    keys(&site, &["prepare"]);
    keys(&site, &["activate", "2"]);
    let ran = Ran::of(&site, &["keys", "retire", "1", "--config", "daypass.toml", "--file", "keyring"]);
    assert!(ran.errors.contains("no broker was told of key 1: no broker answers at"), "{ran:?}");
    assert_eq!(ran.code, Some(5), "it is not ended everywhere, as was asked");
    keys(&site, &["prepare"]);
    let ran = keys(&site, &["retire", "3"]);
    assert!(
        ran.errors.contains("no broker was told of key 3: what it sealed ends on each broker"),
        "{ran:?}"
    );
    assert_eq!(site.read("keyring").matches("\"retired\"").count(), 2);
}

#[test]
fn a_keyring_that_lost_a_retired_keys_entry_is_not_taken_in() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    rotate(&[(&site, &broker)]);
    keys(&site, &["retire", "1", "--config", "daypass.toml"]);
    broker.keyring_taken();
    let whole = site.read("keyring");
    let entries: Vec<&str> = whole.split("[[key]]").collect();
    let [head, _retired, active] = entries.as_slice() else { panic!("two keys") };
    let version = "version = 4";
    assert!(head.contains(version), "{head}");
    let newer = |text: &str| text.replace(version, "version = 5");
    site.write("keyring", &newer(&format!("{head}[[key]]{active}")));
    let said = broker.keyring_refused();
    assert!(said.contains("it lacks keys 1: put their entries back"), "{said}");
    broker.assume(&token, &role("Deploy"));
    site.write("keyring", &newer(&whole));
    broker.keyring_taken();
    broker.assume(&token, &role("Deploy"));
}

#[test]
fn f20_a_retirement_that_another_change_overtook_is_not_passed_over_in_silence() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    rotate(&[(&site, &broker)]);
    site.write("copy", &site.read("keyring"));
    site.chmod("copy", 0o600);
    keys(&site, &["prepare"]);
    broker.keyring_taken();
    let ran = Ran::of(&site, &["keys", "retire", "1", "--file", "copy"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    std::fs::rename(site.path("copy"), site.path("keyring")).expect("the keyring is handed out");
    let said = broker.keyring_refused();
    assert!(said.contains("has its version: make the change in a copy of the one in force"), "{said}");
    broker.assume(&token, &role("Deploy"));
}
