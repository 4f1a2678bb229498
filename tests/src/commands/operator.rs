//! What an operator asks of a running broker and of its files: reload, clock, sessions, audit trail.

use serde_json::{Value, json};

use crate::harness::{Ran, Site, assert_refused, role};

#[test]
fn reload_says_which_version_is_in_force_once_it_is() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let before = broker.json(&site, &["reload"])["version"].clone();
    let trust = site.trust("111122223333", &["AssumeRoleWithWebIdentity"]);
    let nothing = json!([{ "Effect": "Deny", "Action": "*", "Resource": "*" }]);
    site.role("Late", "AROALATEAAAAAAAAAAAAB", "1h", &trust, &nothing);
    let ran = broker.run(&site, &["reload"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    broker.assume(&token, &role("Late"));
    let version =
        ran.output.trim().strip_prefix("version ").and_then(|rest| rest.strip_suffix(" is in force"));
    let version = version.unwrap_or_else(|| panic!("{ran:?}")).to_owned();
    assert_ne!(before, json!(version));
    assert_eq!(broker.json(&site, &["reload"]), json!({ "version": version }), "nothing changed since");
}

#[test]
fn reload_fails_with_the_errors_of_a_configuration_that_is_not_taken_in() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let file = "directory/111122223333/roles/Plain/trust.json";
    let good = site.read(file);
    site.write(file, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Alow\"}]}");
    for named in [["--socket", "admin.sock"], ["--config", "daypass.toml"]] {
        let ran = Ran::of(&site, &["reload", named[0], named[1]]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.errors.contains("Plain/trust.json") && ran.output.is_empty(), "{ran:?}");
    }
    broker.assume(&token, &role("Plain"));
    site.write(file, &good);
    assert_eq!(Ran::of(&site, &["reload", "--socket", "admin.sock"]).code, Some(0));
}

#[test]
fn reload_without_a_broker_fails_and_says_where_none_answers() {
    let site = Site::new();
    site.keyring();
    let ran = Ran::of(&site, &["reload", "--config", "daypass.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("no broker answers at") && ran.errors.contains("admin.sock"), "{ran:?}");
}

#[test]
fn clock_reset_takes_the_wall_clocks_word_and_is_in_the_trail() {
    let site = Site::new();
    let broker = site.start();
    let reset = broker.json(&site, &["clock", "reset"]);
    assert!(reset["from"].as_str() <= reset["to"].as_str(), "{reset}");
    let ran = broker.run(&site, &["clock", "reset"]);
    assert!(ran.output.starts_with("the clock is taken at its word: "), "{ran:?}");
    let recorded = site.read("audit.jsonl").lines().filter(|line| line.contains("\"ResetClock\"")).count();
    assert_eq!(recorded, 2);
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
}

#[test]
fn sessions_show_tells_one_session_by_either_id_and_by_what_it_ended() {
    let site = Site::new();
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    let shown = broker.json(&site, &["sessions", "show", &credentials.access_key_id]);
    assert_eq!(shown["role"], json!(role("Deploy")));
    assert_eq!(shown["principal"], json!("https://issuer.test plant:a"));
    assert_eq!((&shown["peer"], &shown["ended_by"]), (&json!("127.0.0.1"), &Value::Null));
    let id = shown["session"].as_str().expect("an id");
    assert_eq!(
        broker.json(&site, &["sessions", "show", id])["access_key_id"],
        json!(credentials.access_key_id)
    );

    broker.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    let ran = broker.run(&site, &["sessions", "show", id]);
    assert!(ran.output.lines().any(|line| line.split_whitespace().eq(["ended", "by", "role"])), "{ran:?}");
    for (unknown, why) in
        [("ASIAAAAAAAAAAAAAAAAA", "no live session"), ("somebody", "is neither a session id")]
    {
        let ran = broker.run(&site, &["sessions", "show", unknown]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.errors.contains(why), "{ran:?}");
    }
}

#[test]
fn audit_verify_finds_a_changed_line_and_by_a_checkpoint_a_cut_end() {
    let site = Site::new();
    let mut broker = site.start();
    let token = site.issuer.token("plant:a");
    for _ in 0..3 {
        broker.assume(&token, &role("Deploy"));
    }
    broker.stop();
    let verify =
        |more: &[&str]| Ran::of(&site, &[&["audit", "verify", "--config", "daypass.toml"], more].concat());
    let whole: Value = serde_json::from_str(&verify(&["--output", "json"]).output).expect("JSON");
    let checkpoint = whole["checkpoint"].as_str().expect("a checkpoint").to_owned();
    assert_eq!(verify(&["--checkpoint", &checkpoint]).code, Some(0));

    let trail = site.read("audit.jsonl");
    site.write("audit.jsonl", &trail.replacen("plant:a", "plant:b", 1));
    let changed = verify(&[]);
    assert_eq!(changed.code, Some(1));
    assert!(changed.errors.contains("keep the file as evidence"), "{changed:?}");

    let kept = trail.lines().count() - 1;
    let cut: String = trail.split_inclusive('\n').take(kept).collect();
    site.write("audit.jsonl", &cut);
    assert_eq!(verify(&[]).code, Some(0), "a chain that is cut is a chain");
    assert_eq!(verify(&["--checkpoint", &checkpoint]).code, Some(1));
}

#[test]
fn simulate_tells_whether_an_identity_may_become_a_role() {
    let site = Site::new();
    let mut broker = site.start();
    let asked = |subject: &str| {
        let claims = json!({ "sub": subject, "aud": "sts.amazonaws.com" });
        let input = json!({ "provider": "https://issuer.test", "claims": claims });
        site.write("input.json", &input.to_string());
        let plain = role("Plain");
        let question =
            ["simulate", "--config", "daypass.toml", "--trust", "--role", &plain, "--input", "input.json"];
        Ran::of(&site, &question)
    };
    let (allowed, denied) = (asked("plant:a"), asked("office:a"));
    assert_eq!((allowed.code, denied.code), (Some(0), Some(3)), "{allowed:?} {denied:?}");
    assert!(denied.output.contains("issuer.test:sub: seen office:a; wanted plant:*"), "{denied:?}");
    // As the broker decides.
    broker.assume(&site.issuer.token("plant:a"), &role("Plain"));
    let refused = broker.assume_with(&site.issuer.token("office:a"), &role("Plain"), &[]);
    let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    assert_refused(&refused, 403, "AccessDenied", message);
    assert_eq!(broker.stop(), Some(0));
}

#[test]
fn check_and_serve_refuse_a_keyring_and_a_socket_that_others_can_get_at() {
    let site = Site::new();
    site.keyring();
    for (name, open, closed, fix) in
        [("keyring", 0o644, 0o600, "chmod 600"), (".", 0o777, 0o700, "chmod go-w")]
    {
        site.chmod(name, open);
        for command in ["check", "serve"] {
            let ran = Ran::of(&site, &[command, "--config", "daypass.toml"]);
            assert_eq!(ran.code, Some(1), "{ran:?}");
            let said = format!("{}{}", ran.output, ran.errors);
            let mode = format!("its mode is {open:o}");
            assert!(said.contains(name) && said.contains(&mode) && said.contains(fix), "{said}");
        }
        site.chmod(name, closed);
    }
    assert_eq!(Ran::of(&site, &["check", "--config", "daypass.toml"]).code, Some(0));
    site.start();
}

#[test]
fn check_and_serve_refuse_a_trail_that_is_the_keyring() {
    let site = Site::new();
    site.keyring();
    let good = site.read("daypass.toml");
    site.write("daypass.toml", &good.replace("audit.jsonl", "keyring"));
    for command in ["check", "serve"] {
        let ran = Ran::of(&site, &[command, "--config", "daypass.toml"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = format!("{}{}", ran.output, ran.errors);
        assert!(said.contains("`keys.file` and `audit.file` are the same file"), "{said}");
    }
    site.write("daypass.toml", &good);
    site.start();
}
