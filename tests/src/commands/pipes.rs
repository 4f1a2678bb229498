//! Commands behind a pipe that nobody reads any more: they end quietly, with the exit code that they would have had.

use serde_json::json;

use crate::harness::{Ran, Site, role};

#[test]
fn commands_that_need_no_broker_end_quietly_where_nobody_reads() {
    let site = Site::new();
    let simulated = |key: &'static str| {
        let resource = format!("arn:aws:s3:::reports/{key}");
        let deploy = role("Deploy");
        let question = ["--principal", &deploy, "--action", "s3:GetObject", "--resource", &resource];
        Ran::unread(&site, &[&["simulate", "--config", "daypass.toml"], &question[..]].concat())
    };
    for arguments in [&["--help"][..], &["--version"], &["keys", "init", "--file", "keyring"]] {
        assert_eq!(Ran::unread(&site, arguments), Some(0), "{arguments:?}");
    }
    for arguments in
        [["keys", "show", "--file", "keyring"], ["check", "--config", "daypass.toml", "--write-ids"]]
    {
        assert_eq!(Ran::unread(&site, &arguments), Some(0), "{arguments:?}");
    }
    assert_eq!((simulated("a"), simulated("secret/a")), (Some(0), Some(3)), "it still decides");
    site.write("directory/111122223333/account.toml", "nam = \"Plant\"\n");
    for command in ["check", "serve"] {
        assert_eq!(Ran::unread(&site, &[command, "--config", "daypass.toml"]), Some(1), "{command}");
    }
    assert_eq!(Ran::unread(&site, &["surprise"]), Some(2));
}

#[test]
fn commands_that_ask_a_broker_end_quietly_where_nobody_reads() {
    let site = Site::new();
    let broker = site.start();
    let session = broker.assume(&site.issuer.token("plant:a"), &role("Deploy")).access_key_id;
    let refused =
        broker.assume_with(&site.issuer.token_with("plant:a", json!({ "aud": "x" })), &role("Deploy"), &[]);
    let request = refused.element("RequestId").expect("a request id");
    site.refusal_recorded(&request);
    let unread = |arguments: &[&str]| {
        let json = [arguments, &["--config", "daypass.toml", "--output", "json"]].concat();
        let table = [arguments, &["--config", "daypass.toml"]].concat();
        (Ran::unread(&site, &json), Ran::unread(&site, &table))
    };
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "show", &session],
        &["explain", &request],
        &["audit", "verify"],
        &["clock", "reset"],
        &["reload"],
        &["sessions", "revoke", "--session", &session],
    ] {
        assert_eq!(unread(arguments), (Some(0), Some(0)), "{arguments:?}");
    }
    assert_eq!(
        unread(&["sessions", "show", "ASIAAAAAAAAAAAAAAAAA"]),
        (Some(1), Some(1)),
        "an error stays one"
    );
}

#[test]
fn a_broker_goes_on_when_nobody_reads_its_log() {
    let site = Site::new();
    let mut broker = site.start_unheard();
    let file = "directory/111122223333/account.toml";
    let good = site.read(file);
    site.write(file, "nam = \"Plant\"\n");
    let reload = || Ran::of(&site, &["reload", "--socket", "admin.sock"]).code;
    assert_eq!(reload(), Some(1), "an error that is logged");
    site.write(file, &good);
    assert_eq!(reload(), Some(0));
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_eq!(broker.stop(), Some(0));
}
