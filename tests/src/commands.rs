//! What an operator runs: check, sessions, simulate, explain, and how a broker starts and ends.

mod operator;
mod pipes;

use serde_json::json;

use crate::harness::{Ran, Site, role};

#[test]
fn check_is_content_with_a_sound_site_and_writes_ids_where_asked() {
    let site = Site::new();
    site.keyring();
    let ran = Ran::of(&site, &["check", "--config", "daypass.toml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let file = "directory/111122223333/roles/Plain/role.toml";
    site.write(file, "max_session_duration = \"1h\" # as the owner asked\n");
    assert_eq!(Ran::of(&site, &["check", "--config", "daypass.toml"]).code, Some(1));
    let ran = Ran::of(&site, &["check", "--config", "daypass.toml", "--write-ids"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let written = site.read(file);
    assert!(written.starts_with("id = \"AROA"), "{written}");
    assert!(written.ends_with("max_session_duration = \"1h\" # as the owner asked\n"), "{written}");
}

#[test]
fn check_reports_every_error_with_its_place() {
    let site = Site::new();
    site.keyring();
    site.write(
        "directory/111122223333/roles/Plain/role.toml",
        "id = \"AROAPLAINAAAAAAAAAAAB\"\nlongest = \"1h\"\n",
    );
    site.write(
        "directory/111122223333/roles/Deploy/trust.json",
        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{ \"Effect\": \"Maybe\" }]\n}\n",
    );
    let ran = Ran::of(&site, &["check", "--config", "daypass.toml"]);
    assert_eq!(ran.code, Some(1));
    let said = format!("{}{}", ran.output, ran.errors);
    for place in ["roles/Plain/role.toml:2", "roles/Deploy/trust.json:3"] {
        assert!(said.contains(place), "no {place} in {said}");
    }
}

#[test]
fn a_broker_drains_and_ends_well_when_asked() {
    let site = Site::new();
    let mut broker = site.start();
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_eq!(broker.stop(), Some(0));
}

#[test]
fn simulate_tells_what_policy_would_say() {
    let site = Site::new();
    site.keyring();
    let asked = |key: &str| {
        let resource = format!("arn:aws:s3:::reports/{key}");
        Ran::of(
            &site,
            &[
                "simulate",
                "--config",
                "daypass.toml",
                "--principal",
                &role("Deploy"),
                "--action",
                "s3:GetObject",
                "--resource",
                &resource,
            ],
        )
    };
    let (allowed, denied) = (asked("a"), asked("secret/a"));
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    assert_eq!(denied.code, Some(3), "{denied:?}");
    let statement = "Deny in directory/111122223333/roles/Deploy/policies/Main.json";
    assert!(denied.output.contains(statement), "{denied:?}");
}

#[test]
fn explain_shows_the_step_that_failed_with_what_was_seen_and_wanted() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token_with("plant:a", json!({ "aud": "someone-else" }));
    let answer = broker.assume_with(&token, &role("Deploy"), &[]);
    let id = answer.element("RequestId").expect("a request id");
    site.refusal_recorded(&id);
    let ran = broker.run(&site, &["explain", &id]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let explained = ran.output;
    assert!(explained.contains("audience") && explained.contains("someone-else"), "{explained}");
    assert!(!explained.contains(token.rsplit('.').next().expect("a signature")), "{explained}");
}

#[test]
fn wrong_usage_and_unknown_commands_exit_with_2() {
    let site = Site::new();
    for arguments in [&["surprise"][..], &["serve"], &["sessions", "revoke", "--config", "daypass.toml"]] {
        let ran = Ran::of(&site, arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    }
}
