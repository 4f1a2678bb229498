//! A real S3 service that asks about every request: allowed, denied with a reason, changed on the way, revoked.

use serde_json::{Value, json};

use crate::harness::{Broker, Client, Credentials, JAVASCRIPT, PYTHON, S3, Site, exchange, role};

fn storing() -> (Site, Broker, S3, Credentials) {
    let site = Site::new();
    let broker = site.start();
    let s3 = S3::start(&site, &broker);
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    (site, broker, s3, credentials)
}

fn code(answer: &Value) -> (&Value, &Value) {
    (&answer["status"], &answer["Error"]["Code"])
}

#[test]
fn boto3_and_the_javascript_sdk_store_what_policy_allows() {
    let (_site, broker, s3, credentials) = storing();
    for (client, key) in [(PYTHON, "python"), (JAVASCRIPT, "javascript")] {
        let ask = |question: &str, arguments: Value| {
            client().at(&broker).with(&credentials).storing_at(&s3).ask(question, &arguments)
        };
        let stored = ask("put_object", json!({ "Bucket": "reports", "Key": key, "Body": "a report" }));
        assert!(stored["ETag"].is_string(), "{stored}");
        let read = ask("get_object", json!({ "Bucket": "reports", "Key": key }));
        assert_eq!(read["Body"], "a report", "{read}");
        let denied = ask("get_object", json!({ "Bucket": "reports", "Key": "secret/plan" }));
        assert_eq!(code(&denied), (&json!(403), &json!("AccessDenied")), "{denied}");
        let message = denied["Error"]["Message"].as_str().unwrap_or_default();
        assert!(
            message.contains("s3:GetObject") && message.contains("arn:aws:s3:::reports/secret/plan"),
            "{message}"
        );
        assert!(message.contains("explicit deny"), "{message}");
    }
}

#[test]
fn the_aws_cli_copies_and_lists() {
    let (site, _broker, s3, credentials) = storing();
    let file = site.path("report.txt");
    std::fs::write(&file, "a report").expect("a file");
    let run = |arguments: &[&str]| Client::aws_cli(s3.url()).with(&credentials).run(arguments);
    let (code, _, errors) = run(&["s3", "cp", &file.display().to_string(), "s3://reports/from-the-cli.txt"]);
    assert_eq!(code, Some(0), "{errors}");
    let (code, output, errors) = run(&["s3", "ls", "s3://reports/"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("from-the-cli.txt"), "{output}");
    let (code, _, errors) = run(&["s3", "cp", &file.display().to_string(), "s3://reports/secret/report.txt"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("AccessDenied") && errors.contains("s3:PutObject"), "{errors}");
    assert_eq!(s3.stored(), ["from-the-cli.txt"]);
}

#[test]
fn a_revoked_session_stores_nothing_more() {
    let (site, broker, s3, credentials) = storing();
    let put = |key: &str| {
        let client = PYTHON().at(&broker).with(&credentials).storing_at(&s3);
        client.ask("put_object", &json!({ "Bucket": "reports", "Key": key, "Body": "text" }))
    };
    assert!(put("before")["ETag"].is_string());
    let revoked = broker.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let answer = put("after");
    assert_eq!(code(&answer), (&json!(403), &json!("InvalidClientTokenId")), "{answer}");
    assert_eq!(s3.stored(), ["before"]);
}

#[test]
fn v06_a_body_changed_after_signing_leaves_nothing_on_disk() {
    let (_site, broker, s3, credentials) = storing();
    let address = s3.url().trim_start_matches("http://").parse().expect("an address");
    let put = |body: &str, sent: &str| {
        let hash = data_encoding::HEXLOWER
            .encode(ring::digest::digest(&ring::digest::SHA256, body.as_bytes()).as_ref());
        let headers = credentials.s3_headers(s3.url(), "PUT", "/reports/plan", &hash);
        let head: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "PUT /reports/plan HTTP/1.1\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n{sent}",
            sent.len()
        );
        exchange(address, request.as_bytes())
    };
    let answer = put("pay alice", "pay mallo");
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("XAmzContentSHA256Mismatch")),
        "{answer:?}"
    );
    assert_eq!(s3.stored(), Vec::<String>::new());
    assert_eq!(put("pay alice", "pay alice").status, 200);
    assert_eq!(s3.stored(), ["plan"]);
    assert_eq!(broker.caller(&credentials).status, 200);
}

#[test]
fn a_service_may_not_ask_about_others_or_without_being_one() {
    let (site, broker, _s3, credentials) = storing();
    let question = json!({
        "method": "GET", "uri": "/reports/a", "headers": [["host", "127.0.0.1"]], "body_sha256": "UNSIGNED-PAYLOAD",
        "source_ip": "127.0.0.1", "secure_transport": false,
        "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "context": {},
    });
    let ask = |credentials: &Credentials, question: &Value| {
        let body = question.to_string();
        let path = "/authz/v1/verify";
        let headers = credentials.headers(
            &broker,
            "daypass",
            "POST",
            path,
            &[("content-type", "application/json")],
            &body,
        );
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        broker.request(&format!("POST {path}"), &headers, &body)
    };
    let answer = ask(&credentials, &question);
    assert_eq!(answer.status, 403, "a session that is no service: {answer:?}");
    let gateway = broker.assume(&site.issuer.token("plant:service:s3"), &role("Gateway"));
    let answer = ask(&gateway, &question);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["decision"], "deny", "nothing signs that request");
    for (name, value) in [("action", "iam:GetUser"), ("resource", "arn:aws:sqs:::queue")] {
        let mut other = question.clone();
        other[name] = json!(value);
        let answer = ask(&gateway, &other);
        assert_eq!(answer.status, 403, "{name} {value}: {answer:?}");
    }
    let anonymous = broker.request(
        "POST /authz/v1/verify",
        &[("content-type", "application/json")],
        &question.to_string(),
    );
    assert_eq!(anonymous.status, 403, "{anonymous:?}");
}
