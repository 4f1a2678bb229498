//! Settings that load.

use super::{
    super::{
        report::{Report, Source},
        settings::settings,
    },
    *,
};

fn read(text: &str) -> Settings {
    let source = Source { path: "/etc/daypass/daypass.toml".into(), text: text.into() };
    let report = Report::default();
    let settings = settings(&source, &report);
    let found = report.into_sorted();
    assert!(!found.has_errors(), "{found}");
    settings.unwrap()
}

const LEAST: &str = "[server]\npublic_url = \"https://id.corp.test/\"\n";

#[test]
fn defaults_are_those_documented() {
    let settings = read(LEAST);
    assert_eq!(settings.directory, Path::new("/etc/daypass/directory"));
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8443");
    assert_eq!(settings.server.hosts, ["id.corp.test"]);
    assert_eq!(settings.server.transport, Transport::Plain);
    assert_eq!(settings.telemetry.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(settings.state, State::Embedded("/var/lib/daypass".into()));
    assert_eq!(settings.audit.file, Path::new("/etc/daypass/audit.jsonl"));
    assert_eq!(settings.limits.max_staleness, Duration::from_secs(30));
    assert_eq!(settings.limits, Limits::default());
}

#[test]
fn every_documented_field_is_read() {
    let settings = read(include_str!("tests/every_field.toml"));
    let tls =
        Transport::Tls { cert_file: "/etc/daypass/tls.crt".into(), key_file: "/etc/daypass/tls.key".into() };
    assert_eq!(settings.server.transport, tls);
    assert_eq!(settings.server.trusted_proxies.len(), 1);
    assert_eq!(settings.authz.grpc_listen.unwrap().port(), 9191);
    assert_eq!(settings.admin.socket, Path::new("/run/daypass/admin.sock"));
    assert_eq!(settings.limits.issues_per_second_per_peer, 51);
    let State::Redis(redis) = &settings.state else { panic!("{:?}", settings.state) };
    assert_eq!(
        (redis.host.as_str(), redis.port, redis.database, redis.tls),
        ("redis.corp.test", 6380, 1, true)
    );
    assert_eq!(redis.password_file.as_deref(), Some(Path::new("/etc/daypass/redis.password")));
}

#[test]
fn v13_only_named_hosts_are_answered() {
    let settings = read(&format!("{LEAST}hosts = [\"id.corp.test\", \"Other.test:8443\"]\n"));
    for host in ["id.corp.test", "ID.corp.test", "id.corp.test:443", "id.corp.test:8443", "other.test:8443"] {
        assert!(settings.server.answers_to(host), "{host}");
    }
    for host in
        ["", "evil.test", "other.test", "other.test:443", "id.corp.test.evil.test", "id.corp.test:x", ":443"]
    {
        assert!(!settings.server.answers_to(host), "{host}");
    }
}

#[test]
fn an_ipv6_host_keeps_its_brackets() {
    let settings = read("[server]\npublic_url = \"https://[::1]:4280\"\n");
    assert_eq!(settings.server.hosts, ["[::1]:4280"]);
    assert!(settings.server.answers_to("[::1]:4280"));
    assert!(!settings.server.answers_to("[::1]"));
}
