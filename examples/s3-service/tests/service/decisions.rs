//! Who asks what, and that nothing but a yes lets a request through.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Site, Wire};

/// A request, the permissions it needs, and the context of the first.
type Case<'a> = (Wire, &'a [(&'a str, &'a str)], Value);

#[tokio::test]
async fn every_operation_asks_for_its_own_permission() {
    let site = Site::start().await;
    let source = [("x-amz-copy-source", "data/a")];
    let cases: [Case<'_>; 9] = [
        (site.signed("PUT", "/data/a", b"1"), &[("s3:PutObject", "data/a")], json!({})),
        (site.signed("GET", "/data/a", b""), &[("s3:GetObject", "data/a")], json!({})),
        (site.signed("HEAD", "/data/a", b""), &[("s3:GetObject", "data/a")], json!({})),
        (
            site.signed_with("PUT", "/data/b", &source, b""),
            &[("s3:GetObject", "data/a"), ("s3:PutObject", "data/b")],
            json!({}),
        ),
        (site.signed("DELETE", "/data/b", b""), &[("s3:DeleteObject", "data/b")], json!({})),
        (
            site.signed("GET", "/data?list-type=2&prefix=a%2F&delimiter=%2F&max-keys=5", b""),
            &[("s3:ListBucket", "data")],
            json!({"s3:prefix": ["a/"], "s3:delimiter": ["/"], "s3:max-keys": ["5"]}),
        ),
        (site.signed("PUT", "/fresh", b""), &[("s3:CreateBucket", "fresh")], json!({})),
        (site.signed("DELETE", "/fresh", b""), &[("s3:DeleteBucket", "fresh")], json!({})),
        (site.signed("GET", "/", b""), &[("s3:ListAllMyBuckets", "*")], json!({})),
    ];
    for (wire, needed, context) in cases {
        let answer = site.send(wire.clone()).await;
        assert!(answer.status < 300, "{} {}: {answer:?}", wire.method, wire.target);
        let asked = site.broker.conduct(|conduct| std::mem::take(&mut conduct.questions));
        let found: Vec<_> =
            asked.iter().map(|q| (q["action"].as_str().unwrap(), q["resource"].as_str().unwrap())).collect();
        let needed: Vec<_> =
            needed.iter().map(|(action, on)| (*action, format!("arn:aws:s3:::{on}"))).collect();
        let needed: Vec<_> = needed.iter().map(|(action, on)| (*action, on.as_str())).collect();
        assert_eq!(found, needed);
        assert_eq!(asked[0]["context"], context);
        assert_eq!(
            (&asked[0]["source_ip"], &asked[0]["secure_transport"]),
            (&json!("127.0.0.1"), &json!(false))
        );
        assert_eq!(asked[0]["uri"], wire.target);
    }
}

#[tokio::test]
async fn a_denial_is_relayed_and_does_nothing() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.allow = vec!["s3:PutObject arn:aws:s3:::data/mine/".to_owned()]);
    assert_eq!(site.ask("PUT", "/data/mine/o", b"x").await.status, 200);
    let before = site.on_disk();
    let denied = site.ask("PUT", "/data/theirs/o", b"x").await;
    let message = "User: me is not authorized to perform: s3:PutObject arn:aws:s3:::data/theirs/o";
    assert_eq!(denied.error(), (403, "AccessDenied", message));
    assert_eq!(denied.element("RequestId"), "r-2");
    assert_eq!(site.on_disk(), before);
}

#[tokio::test]
async fn a_copy_needs_both_permissions() {
    let site = Site::start().await;
    assert_eq!(site.ask("PUT", "/data/secret", b"x").await.status, 200);
    for allowed in ["s3:PutObject", "s3:GetObject"] {
        site.broker.conduct(|conduct| conduct.allow = vec![allowed.to_owned()]);
        let copy = site.signed_with("PUT", "/data/copy", &[("x-amz-copy-source", "data/secret")], b"");
        assert_eq!(site.send(copy).await.status, 403, "{allowed}");
    }
    let odd =
        site.signed_with("PUT", "/data/copy", &[("x-amz-copy-source", "data/%2e%2e/other/secret")], b"");
    assert_eq!(site.send(odd).await.error().1, "InvalidArgument");
}

#[tokio::test]
async fn v04_a_changed_head_is_refused() {
    let site = Site::start().await;
    let mut moved = site.signed("PUT", "/data/a", b"x");
    moved.target = "/data/b".to_owned();
    let mut verb = site.signed("GET", "/data/a", b"");
    verb.method = "DELETE".to_owned();
    let source = site.signed("PUT", "/data/c", b"").header("x-amz-copy-source", "data/a");
    let foreign = site
        .signed("PUT", "/data/d", b"x")
        .without("x-amz-security-token")
        .header("x-amz-security-token", "other");
    let codes =
        ["SignatureDoesNotMatch", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidClientTokenId"];
    for (wire, code) in [moved, verb, source, foreign].into_iter().zip(codes) {
        let answer = site.send(wire).await;
        assert_eq!((answer.status, answer.element("Code")), (403, code), "{answer:?}");
    }
    assert!(site.on_disk().is_empty());
}

#[tokio::test]
async fn v05_two_signatures_are_relayed_as_the_broker_refuses_them() {
    let site = Site::start().await;
    let authorization = site.signed("GET", "/data/a", b"").headers;
    let mut both = site.presigned("GET", "/data/a", b"");
    both.headers = authorization;
    assert_eq!(site.send(both).await.error().1, "IncompleteSignature");
}

#[tokio::test]
async fn an_unsigned_request_is_refused_without_a_question() {
    let site = Site::start().await;
    let anonymous = Wire::new("GET", "/data/a", &site.address.to_string(), b"");
    assert_eq!(
        site.send(anonymous).await.error(),
        (403, "AccessDenied", "Anonymous access is forbidden for this operation")
    );
    assert!(site.broker.conduct(|conduct| conduct.questions.is_empty()));
}

#[tokio::test]
async fn v14_signature_version_2_is_refused_by_name() {
    let site = Site::start().await;
    let target = "/data/a?AWSAccessKeyId=ASIACLIENT&Signature=x%3D&Expires=2000000000";
    let query = site.send(Wire::new("GET", target, &site.address.to_string(), b"")).await;
    assert_eq!((query.status, query.element("Code")), (400, "InvalidRequest"));
    assert!(query.element("Message").ends_with("Please use AWS4-HMAC-SHA256."), "{query:?}");
    let header = Wire::new("GET", "/data/a", &site.address.to_string(), b"")
        .header("authorization", "AWS ASIACLIENT:x=");
    assert_eq!(site.send(header).await.error().1, "IncompleteSignature");
}

#[tokio::test]
async fn only_a_decision_to_allow_lets_a_request_through() {
    let site = Site::start().await;
    let answers = [
        (StatusCode::OK, "{}"),
        (StatusCode::OK, r#"{"decision":"maybe","reason":"","request_id":"","principal":null,"error":null}"#),
        (StatusCode::OK, r#"{"decision":"ALLOW","reason":"","request_id":"","principal":null,"error":null}"#),
        (
            StatusCode::ACCEPTED,
            r#"{"decision":"allow","reason":"","request_id":"","principal":null,"error":null}"#,
        ),
        (StatusCode::FOUND, ""),
        (StatusCode::FORBIDDEN, r#"{"code":"AccessDenied","message":"this caller may not ask"}"#),
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"code":"ServiceUnavailable","message":"stale"}"#),
    ];
    for (status, body) in answers {
        site.broker.conduct(|conduct| conduct.answer = Some((status, body.to_owned())));
        let answer = site.ask("PUT", "/data/o", b"x").await;
        assert_eq!((answer.status, answer.element("Code")), (503, "ServiceUnavailable"), "{status} {body}");
        assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
        assert!(site.on_disk().is_empty());
    }
    site.broker.conduct(|conduct| conduct.answer = None);
    assert_eq!(site.ask("PUT", "/data/o", b"x").await.status, 200);
}

#[tokio::test]
async fn t20_keys_that_name_another_file_are_refused() {
    let site = Site::start().await;
    std::fs::create_dir(site.root().join("other")).unwrap();
    std::fs::write(site.root().join("other/secret"), "secret").unwrap();
    site.broker.conduct(|conduct| conduct.allow = vec!["s3:GetObject arn:aws:s3:::data/".to_owned()]);
    for path in [
        "/data/../other/secret",
        "/data/%2e%2e/other/secret",
        "/data/%2E./other/secret",
        "/data//other",
        "/data/./o",
        "/data/o/",
    ] {
        let answer = site.ask("GET", path, b"").await;
        assert_eq!((answer.status, answer.element("Code")), (400, "InvalidArgument"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_implemented_is_refused_by_name() {
    let site = Site::start().await;
    let form = ("content-type", "multipart/form-data; boundary=x");
    let cases = [
        (site.signed("POST", "/data?delete=", b"<Delete/>"), "DeleteObjects"),
        (site.signed("GET", "/data?policy=", b""), "GetBucketPolicy"),
        (site.signed("GET", "/data/o?versionId=1", b""), "GetObject of a version"),
        (site.signed_with("PUT", "/data/o", &[("x-amz-acl", "public-read")], b"x"), "x-amz-acl"),
        (site.signed_with("POST", "/data", &[form], b"--x--"), "PostObject"),
    ];
    for (wire, name) in cases {
        let answer = site.send(wire).await;
        assert_eq!((answer.status, answer.element("Code")), (501, "NotImplemented"));
        assert!(answer.element("Message").contains(name), "{answer:?}");
    }
    assert!(site.on_disk().is_empty());
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let site = Site::start().await;
    for query in ["prefix=a&prefix=b", "prefix=a+b", "prefix=%FF"] {
        let mut wire = site.signed("GET", "/data", b"");
        wire.target = format!("/data?{query}");
        assert_eq!(site.send(wire).await.error().1, "InvalidURI", "{query}");
    }
    let twice = site.signed("GET", "/data/o", b"").header("x-amz-date", "20260101T000000Z");
    assert_eq!(site.send(twice).await.error().1, "InvalidRequest");
    let body = site.signed("GET", "/data/o", b"x");
    assert_eq!(site.send(body).await.error().1, "InvalidRequest");
}

#[tokio::test]
async fn an_object_in_a_missing_bucket_creates_no_bucket() {
    let site = Site::start().await;
    assert_eq!(
        site.ask("PUT", "/nowhere/o", b"x").await.error(),
        (404, "NoSuchBucket", "The specified bucket does not exist")
    );
    let source = site.signed_with("PUT", "/nowhere/o", &[("x-amz-copy-source", "data/o")], b"");
    assert_eq!(site.send(source).await.status, 404);
    assert!(!site.root().join("nowhere").exists());
}

#[tokio::test]
async fn h03_heads_over_the_limit_are_refused() {
    let site = Site::start().await;
    let mut crowded = site.signed("GET", "/data/o", b"");
    crowded.headers.extend((0..200).map(|n| (format!("x-{n}"), "v".to_owned())));
    assert_eq!(site.send(crowded).await.status, 431);
    let long = site.signed("GET", &format!("/data/{}", "k".repeat(20_000)), b"");
    assert!(site.send(long).await.status >= 400);
}
