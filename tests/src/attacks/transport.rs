//! What a stranger can do to the listener itself: smuggling, floods, odd encodings, other pages.

use std::process::Command;

use serde_json::json;

use crate::harness::{
    Broker, Credentials, FORM, Idp, Site, assert_refused, exchange, form, role, try_exchange,
};

fn serving() -> (Site, Broker) {
    let site = Site::new();
    let broker = site.start();
    (site, broker)
}

fn raw(broker: &Broker, text: &str) -> u16 {
    broker.send(text.replace("{host}", &broker.address.to_string()).as_bytes()).status
}

#[test]
fn h01_a_head_that_never_ends() {
    let (_site, broker) = serving();
    let slow = format!("POST / HTTP/1.1\r\nHost: {}\r\nX-Slow: ", broker.address);
    let started = tokio::time::Instant::now();
    // Before a head is whole there is no request to answer: the connection is closed.
    let answer = try_exchange(broker.address, slow.as_bytes());
    assert!(answer.as_ref().is_none_or(|answer| answer.status == 408), "{answer:?}");
    assert!(started.elapsed().as_secs() <= 11, "{:?}", started.elapsed());
}

#[test]
fn h01_a_body_that_never_ends() {
    let (_site, broker) = serving();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {FORM}\r\nContent-Length: 9\r\n\r\nAction=",
        broker.address
    );
    let started = tokio::time::Instant::now();
    let answer = exchange(broker.address, request.as_bytes());
    assert_eq!(answer.status, 408, "{answer:?}");
    assert!(started.elapsed().as_secs() <= 11, "{:?}", started.elapsed());
}

#[test]
fn h02_two_lengths_of_one_body() {
    let (_site, broker) = serving();
    for lengths in [
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: +4",
        "Content-Length: 4, 5",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\nContent-Type: {FORM}\r\n{lengths}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        assert_eq!(raw(&broker, &request), 400, "{lengths}");
    }
}

#[test]
fn h03_more_than_anyone_needs() {
    let (site, broker) = serving();
    let body = |length: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    assert_eq!(raw(&broker, &body(10_000_001)), 413);
    assert_eq!(raw(&broker, &body(2_000_000)), 413, "1 MiB before authentication");
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\nX-Big: {}\r\n\r\n",
        "a".repeat(200_000)
    );
    assert_eq!(raw(&broker, &head), 431);
    let many: String = (0..5_000).map(|number| format!("f{number}=1&")).collect();
    let answer = broker.request("POST /", &[("content-type", FORM)], &many);
    assert_eq!(answer.status, 400, "{answer:?}");
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
}

#[test]
fn h04_a_compressed_body() {
    let (_site, broker) = serving();
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let answer =
            broker.request("POST /", &[("content-type", FORM), ("content-encoding", encoding)], "\u{1f}bomb");
        assert_eq!(answer.status, 415, "{encoding}: {answer:?}");
    }
}

#[test]
fn h06_health_and_metrics_are_not_on_the_public_listener() {
    let (site, broker) = serving();
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    for path in ["/metrics", "/readyz", "/livez", "/debug/pprof", "/admin", "/sessions/list"] {
        let answer = broker.request(&format!("GET {path}"), &[], "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    for (path, text) in [("/livez", ""), ("/readyz", ""), ("/metrics", "daypass_")] {
        let answer = broker.telemetry(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.body.contains(text), "{path}: {answer:?}");
    }
}

#[test]
fn h07_an_address_that_a_header_claims() {
    let site = Site::new();
    let mut trust = site.trust("111122223333", &["AssumeRoleWithWebIdentity"]);
    trust[0]["Condition"]["IpAddress"] = json!({ "aws:SourceIp": "203.0.113.0/24" });
    let reports = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }]);
    site.role("Inside", "AROAINSIDEAAAAAAAAAAB", "1h", &trust, &reports);
    let token = site.issuer.token("plant:a");
    let inside = role("Inside");
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &inside),
        ("RoleSessionName", "session"),
        ("WebIdentityToken", &token),
    ];
    let headers = [("content-type", FORM), ("x-forwarded-for", "203.0.113.9")];
    let asked = |broker: &Broker| broker.request("POST /", &headers, &form(&fields));
    let answer = asked(&site.start());
    assert_refused(&answer, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let settings =
        site.read("daypass.toml").replace("[telemetry]", "trusted_proxies = [\"127.0.0.0/8\"]\n[telemetry]");
    site.write("daypass.toml", &settings);
    Credentials::of(&asked(&site.start()));
}

#[test]
fn h08_line_breaks_and_colours_in_what_is_logged() {
    let (site, mut broker) = serving();
    let agent = "evil\u{1b}[31m\"}{\"seq\":1";
    let token = site.issuer.token("plant:a\n{\"eventName\":\"Forged\"}\u{1b}[2J");
    let role = role("Deploy");
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &role),
        ("RoleSessionName", "session"),
        ("WebIdentityToken", &token),
    ];
    broker.request("POST /", &[("content-type", FORM), ("user-agent", agent)], &form(&fields));
    broker.assume(&site.issuer.token("plant:a"), &role);
    assert_eq!(broker.stop(), Some(0));
    for file in ["audit.jsonl", "refusals.jsonl", "daypass.log"] {
        let text = site.read(file);
        assert!(!text.contains('\u{1b}'), "{file} has a terminal sequence");
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line)
                .unwrap_or_else(|error| panic!("{file}: {error}: {line}"));
            assert!(!line.starts_with("{\"eventName\":\"Forged\""), "{file}: {line}");
        }
    }
}

#[test]
fn h09_markup_in_what_is_echoed() {
    let (_site, broker) = serving();
    let action = "<script>&\"'</Message><Code>Ok</Code>]]>";
    let answer = broker.post(&[("Action", action), ("Version", "2011-06-15")]);
    assert_refused(
        &answer,
        400,
        "InvalidAction",
        &format!("Could not find operation {action} for version 2011-06-15"),
    );
    assert!(!answer.body.contains("<script>") && !answer.body.contains("]]>"), "{}", answer.body);
    let answer = broker.assume_with("aaaa", &role("Deploy"), &[("RoleSessionName", "<\u{0}\u{1}\u{fffe}>")]);
    assert_eq!(answer.status, 400);
    assert!(!answer.body.contains(['\u{0}', '\u{1}', '\u{fffe}']), "not XML: {}", answer.body);
}

#[test]
fn h10_bytes_that_are_no_request() {
    let (site, broker) = serving();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n\r\nX",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        let answer = try_exchange(broker.address, bytes);
        assert!(answer.as_ref().is_none_or(|answer| (400..=505).contains(&answer.status)), "{answer:?}");
    }
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert!(!site.read("daypass.log").contains("panicked"), "{}", site.read("daypass.log"));
}

#[test]
fn h11_dates_that_no_calendar_has() {
    let (site, broker) = serving();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    let query = credentials.presigned(&broker, 60);
    let date = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Date=")).expect("a date").to_owned();
    for other in [
        "99999999T999999Z",
        "20260230T000000Z",
        "-0010101T000000Z",
        &"2".repeat(4_000),
        "2026-11-22T00:00:00Z",
        "",
    ] {
        let answer = broker.request(&format!("GET /?{}", query.replace(&date, other)), &[], "");
        assert!([400, 403].contains(&answer.status), "{other}: {answer:?}");
    }
}

#[test]
fn h12_tls_older_than_1_2() {
    let idp = Idp::shared();
    let site = Site::new();
    for name in ["tls.crt", "tls.key"] {
        std::fs::copy(idp.ca_file().with_file_name(name), site.path(name)).expect("a certificate");
    }
    site.chmod("tls.key", 0o600);
    let settings = site.read("daypass.toml");
    site.write(
        "daypass.toml",
        &settings.replace("[telemetry]", "cert_file = \"tls.crt\"\nkey_file = \"tls.key\"\n[telemetry]"),
    );
    let broker = site.start();
    let speaks = |version: &str| {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            version,
            "-cipher",
            "ALL:@SECLEVEL=0",
            "-connect",
            &broker.address.to_string(),
            "-CAfile",
        ]);
        command.arg(idp.ca_file()).stdin(std::process::Stdio::null());
        command.output().expect("openssl is installed").status.success()
    };
    assert!(!speaks("-tls1") && !speaks("-tls1_1"));
    assert!(speaks("-tls1_2") && speaks("-tls1_3"));
}
