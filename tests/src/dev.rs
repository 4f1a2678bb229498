//! `daypass dev`: a folder that works as it is made, and nothing of it that `daypass serve` takes.

use crate::harness::{Broker, FORM, Ran, Site, exchange, form, role};

#[test]
fn a_token_of_its_own_provider_becomes_credentials() {
    let site = Site::new();
    let (broker, issuer) = Broker::develop(&site);
    let asked = form(&[("sub", "alice"), ("tags", "team=core"), ("source_identity", "alice@corp.test")]);
    let answer = exchange(issuer, &token_request(&issuer.to_string(), &asked));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let credentials = broker.assume(answer.body.trim(), &role("Deploy"));
    let caller = broker.caller(&credentials);
    assert!(caller.body.contains("assumed-role/Deploy/session"), "{}", caller.body);
    let printed = Ran::of(&site, &["dev", "token", "--dir", "dev", "--sub", "bob"]);
    broker.assume(printed.output.trim(), &role("ReadOnly"));
    let refused = broker.assume_with(printed.output.trim(), &role("Deploy"), &[]);
    assert_eq!(refused.status, 403, "{}", refused.body);
}

#[test]
fn a_folder_is_used_again_with_what_is_in_it() {
    let site = Site::new();
    let (mut broker, _) = Broker::develop(&site);
    let token = Ran::of(&site, &["dev", "token", "--dir", "dev", "--sub", "alice"]).output;
    let credentials = broker.assume(token.trim(), &role("Deploy"));
    assert_eq!(broker.stop(), Some(0));
    let (again, _) = Broker::develop(&site);
    assert_eq!(again.address, broker.address);
    assert_eq!(again.caller(&credentials).status, 200);
}

#[test]
fn pages_under_another_name_get_no_token() {
    let site = Site::new();
    let (_broker, issuer) = Broker::develop(&site);
    let answer = exchange(issuer, &token_request("evil.test", "sub=alice"));
    assert_eq!((answer.status, answer.body.as_str()), (421, ""));
}

#[test]
fn serve_takes_nothing_that_was_made_for_development() {
    let site = Site::new();
    let (mut broker, _) = Broker::develop(&site);
    broker.stop();
    let ran = Ran::of(&site, &["serve", "--config", "dev/daypass.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("keyring `dev/keyring` was made for development"), "{}", ran.errors);
    site.keyring();
    std::fs::copy(site.path("keyring"), site.path("dev/keyring")).expect("another keyring");
    let ran = Ran::of(&site, &["serve", "--config", "dev/daypass.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("is plain http, for development"), "{}", ran.errors);
}

#[test]
fn dev_takes_no_keyring_of_others_and_no_folder_in_use() {
    let site = Site::new();
    let (mut broker, _) = Broker::develop(&site);
    broker.stop();
    site.keyring();
    std::fs::copy(site.path("keyring"), site.path("dev/keyring")).expect("another keyring");
    let ran = Ran::of(&site, &["dev", "--dir", "dev"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("keyring `dev/keyring` was not made for development"), "{}", ran.errors);
    let ran = Ran::of(&site, &["dev", "--dir", "directory"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("`directory` holds other files"), "{}", ran.errors);
}

/// A form that asks for a token, under a host of the sender's choice.
fn token_request(host: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST /token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    format!("{head}Content-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}
