//! A changed directory takes effect as a whole or not at all.

use serde_json::json;

use crate::harness::{Ran, Site, assert_refused, role};

#[test]
fn a_role_that_was_added_can_be_assumed_without_a_restart() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    assert_eq!(broker.assume_with(&token, &role("Late"), &[]).status, 403);
    let reports = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }]);
    let trust = site.trust("111122223333", &["AssumeRoleWithWebIdentity"]);
    site.role("Late", "AROALATEAAAAAAAAAAAAB", "1h", &trust, &reports);
    broker.reloaded();
    broker.assume(&token, &role("Late"));
}

#[test]
fn a_broken_directory_leaves_the_last_good_one_in_force() {
    let site = Site::new();
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let file = "directory/111122223333/roles/Plain/trust.json";
    let good = site.read(file);
    site.write(
        "directory/111122223333/roles/Deploy/role.toml",
        "id = \"AROADEPLOYAAAAAAAAAAB\"\nmax_session_duration = \"2h\"\n",
    );
    site.write(file, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Alow\"}]}");
    let said = broker.reload_refused();
    assert!(said.contains("Plain/trust.json"), "{said}");
    broker.assume(&token, &role("Plain"));
    let long = broker.assume_with(&token, &role("Deploy"), &[("DurationSeconds", "43200")]);
    assert_eq!(long.status, 200, "nothing of a broken tree is in force: {long:?}");
    let metrics = broker.telemetry("/metrics").body;
    assert!(metrics.contains("daypass_config_last_reload_successful 0"), "{metrics}");
    site.write(file, &good);
    broker.reloaded();
    let long = broker.assume_with(&token, &role("Deploy"), &[("DurationSeconds", "43200")]);
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_refused(&long, 400, "ValidationError", message);
}

#[test]
fn a_running_session_follows_its_roles_policy() {
    let site = Site::new();
    let broker = site.start();
    let s3 = crate::harness::S3::start(&site, &broker);
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Plain"));
    std::fs::write(site.path("buckets/reports/a"), "text").expect("an object");
    let status = || {
        let client = crate::harness::PYTHON().at(&broker).with(&credentials).storing_at(&s3);
        client.ask("get_object", &json!({ "Bucket": "reports", "Key": "a" }))["ResponseMetadata"]["HTTPStatusCode"].clone()
    };
    assert_eq!(status(), 200);
    let none = json!([{ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::reports" }]);
    site.role(
        "Plain",
        "AROAPLAINAAAAAAAAAAAB",
        "1h",
        &site.trust("111122223333", &["AssumeRoleWithWebIdentity"]),
        &none,
    );
    broker.reloaded();
    assert_eq!(status(), 403);
}

#[test]
fn a_broker_does_not_start_on_a_broken_directory_and_says_where() {
    let site = Site::new();
    site.keyring();
    site.write(
        "directory/111122223333/roles/Plain/role.toml",
        "id = \"AROAPLAINAAAAAAAAAAAB\"\nmax_session = \"1h\"\n",
    );
    for arguments in [["serve", "--config", "daypass.toml"], ["check", "--config", "daypass.toml"]] {
        let ran = Ran::of(&site, &arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = format!("{}{}", ran.output, ran.errors);
        assert!(said.contains("roles/Plain/role.toml:2") && said.contains("max_session"), "{said}");
    }
}
