//! Bodies that are not what was signed: each is refused, and nothing of it is left on disk.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};
use s3s::crypto::{Checksum as _, Crc32, Md5};

use crate::client::{Answer, MAX_OBJECT, Site};

const MISMATCH: (u16, &str, &str) = (
    400,
    "XAmzContentSHA256Mismatch",
    "The provided &apos;x-amz-content-sha256&apos; header does not match what was computed.",
);
const TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

#[tokio::test]
async fn v06_changed_body_leaves_nothing_on_disk() {
    let site = Site::start().await;
    let body = vec![7; 300_000];
    let mut changed = body.clone();
    changed[299_999] = 8;
    let mut longer = body.clone();
    longer.push(7);
    for spoilt in [changed, longer, body[..299_999].to_vec(), Vec::new()] {
        let wire = site.signed("PUT", "/data/new/deep/object", &body).with_body(&spoilt);
        assert_eq!(site.send(wire).await.error(), MISMATCH, "{} bytes", spoilt.len());
        assert!(site.on_disk().is_empty(), "{:?}", site.on_disk());
    }
    assert_eq!(site.ask("PUT", "/data/new/deep/object", &body).await.status, 200);
}

#[tokio::test]
async fn v06_changed_body_keeps_the_object_that_was_there() {
    let site = Site::start().await;
    assert_eq!(site.ask("PUT", "/data/kept", b"before").await.status, 200);
    let wire = site.signed("PUT", "/data/kept", b"after!").with_body(b"after?");
    assert_eq!(site.send(wire).await.error(), MISMATCH);
    assert_eq!(site.ask("GET", "/data/kept", b"").await.body, "before");
    assert_eq!(site.on_disk().len(), 3, "the object and its two sidecars: {:?}", site.on_disk());
}

#[tokio::test]
async fn v06_changed_part_and_changed_xml_are_refused() {
    let site = Site::start().await;
    let begun = site.ask("POST", "/data/big?uploads=", b"").await;
    let id = begun.element("UploadId");
    let before = site.on_disk();
    let part =
        site.signed("PUT", &format!("/data/big?partNumber=1&uploadId={id}"), b"part").with_body(b"tarp");
    assert_eq!(site.send(part).await.error(), MISMATCH);
    assert_eq!(site.on_disk(), before);
    let xml = b"<CompleteMultipartUpload/>";
    let complete = site
        .signed("POST", &format!("/data/big?uploadId={id}"), xml)
        .with_body(b"<CompleteMultipartUpload />");
    assert_eq!(site.send(complete).await.error(), MISMATCH);
}

#[tokio::test]
async fn v06_a_body_that_breaks_off_leaves_nothing_on_disk() {
    let site = Site::start().await;
    let body = vec![1; 100_000];
    let wire =
        site.signed("PUT", "/data/cut", &body).with_body(&body[..50_000]).header("content-length", "100000");
    wire.send_and_hang_up(site.address).await;
    let cleaned = async {
        while !site.on_disk().is_empty() || site.broker.conduct(|conduct| conduct.questions.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cleaned).await.expect("a cut body was left on disk");
}

#[tokio::test]
async fn v06_unsigned_payload_is_refused_unless_the_entry_allows_it() {
    let site = Site::start().await;
    let wire = site.signed_with("PUT", "/data/o", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], b"x");
    let refused = site.send(wire.clone()).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(site.on_disk().is_empty());
    site.broker.conduct(|conduct| conduct.unsigned_payload = true);
    assert_eq!(site.send(wire).await.status, 200);
}

#[tokio::test]
async fn v06_checksum_headers_are_held_to_before_anything_is_stored() {
    let site = Site::start().await;
    let mut crc = Crc32::new();
    crc.update(b"hello");
    let right = BASE64.encode(crc.finalize().as_ref());
    let mut md5 = Md5::new();
    md5.update(b"hello");
    let right_md5 = BASE64.encode(md5.finalize().as_ref());
    for (name, value) in [("x-amz-checksum-crc32", "AAAAAA=="), ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")] {
        let answer = site.send(site.signed_with("PUT", "/data/o", &[(name, value)], b"hello")).await;
        assert_eq!((answer.status, answer.element("Code")), (400, "BadDigest"), "{name}");
        assert!(site.on_disk().is_empty(), "{name}: {:?}", site.on_disk());
    }
    for (name, value) in [("x-amz-checksum-crc32", right.as_str()), ("content-md5", &right_md5)] {
        let answer = site.send(site.signed_with("PUT", "/data/o", &[(name, value)], b"hello")).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    let algorithm_alone = [("x-amz-sdk-checksum-algorithm", "SHA256")];
    assert_eq!(site.send(site.signed_with("PUT", "/data/o", &algorithm_alone, b"x")).await.status, 200);
}

#[tokio::test]
async fn an_unsigned_trailer_body_is_decoded_and_checked() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.unsigned_payload = true);
    let good = format!("5\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-sha256:{}\r\n\r\n", sum(b"hello!"));
    let stored = trailer(&site, "6", good.as_bytes()).await;
    assert_eq!(stored.status, 200, "{stored:?}");
    let got = site.ask("GET", "/data/chunked", b"").await;
    assert_eq!(got.body, "hello!");
    assert!(!got.head.contains("aws-chunked"), "{}", got.head);
    assert!(got.head.contains("content-encoding: gzip"), "{}", got.head);
    assert_eq!(
        trailer(&site, &(MAX_OBJECT + 1).to_string(), good.as_bytes()).await.element("Code"),
        "EntityTooLarge"
    );
}

#[tokio::test]
async fn v06_a_spoilt_trailer_body_leaves_nothing_on_disk() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.unsigned_payload = true);
    let end = format!("0\r\nx-amz-checksum-sha256:{}\r\n\r\n", sum(b"hello"));
    let cases = [
        ("5", format!("5\r\nhellO\r\n{end}"), "BadDigest"),
        ("6", format!("5\r\nhello\r\n{end}"), "IncompleteBody"),
        ("4", format!("5\r\nhello\r\n{end}"), "IncompleteBody"),
        ("5", "5\r\nhello\r\n0\r\n\r\n".to_owned(), "InvalidRequest"),
        ("5", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".to_owned(), "InvalidRequest"),
        ("5", format!("5;chunk-signature=0\r\nhello\r\n{end}"), "InvalidRequest"),
        ("5", format!("4\r\nhello\r\n{end}"), "InvalidRequest"),
        ("5", format!("5\r\nhello\r\n{end}more"), "InvalidRequest"),
        ("5", "5\r\nhello\r\n".to_owned(), "IncompleteBody"),
        ("5", "hello".to_owned(), "IncompleteBody"),
        ("5", "hello\r\n".to_owned(), "InvalidRequest"),
    ];
    for (length, body, code) in cases {
        let answer = trailer(&site, length, body.as_bytes()).await;
        assert_eq!((answer.status, answer.element("Code")), (400, code), "{body:?}");
        assert!(site.on_disk().is_empty(), "{body:?}: {:?}", site.on_disk());
    }
}

#[tokio::test]
async fn v06_a_trailer_body_is_refused_where_bodies_must_be_signed() {
    let site = Site::start().await;
    let body = format!("1\r\nx\r\n0\r\nx-amz-checksum-sha256:{}\r\n\r\n", sum(b"x"));
    let answer = trailer(&site, "1", body.as_bytes()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(site.on_disk().is_empty());
}

#[tokio::test]
async fn v17_chunk_signatures_are_refused_by_name() {
    let site = Site::start().await;
    for name in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"] {
        let headers = [
            ("x-amz-content-sha256", name),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "1"),
        ];
        let answer =
            site.send(site.signed_with("PUT", "/data/o", &headers, b"1;chunk-signature=0\r\nx\r\n")).await;
        assert_eq!((answer.status, answer.element("Code")), (501, "NotImplemented"));
        assert!(answer.element("Message").starts_with(&format!("`{name}` is not supported")), "{answer:?}");
        assert!(answer.element("Message").contains("chunkedEncodingEnabled(false)"), "{answer:?}");
    }
    assert!(site.broker.conduct(|conduct| conduct.questions.is_empty()));
}

#[tokio::test]
async fn v17_framing_that_is_not_declared_both_ways_is_refused() {
    let site = Site::start().await;
    let chunked = site
        .send(site.signed_with(
            "PUT",
            "/data/o",
            &[("content-encoding", "aws-chunked")],
            b"1\r\nx\r\n0\r\n\r\n",
        ))
        .await;
    assert_eq!((chunked.status, chunked.element("Code")), (400, "InvalidRequest"));
    let headers = [
        ("x-amz-content-sha256", TRAILER),
        ("x-amz-decoded-content-length", "1"),
        ("x-amz-trailer", "x-amz-checksum-sha256"),
    ];
    let unmarked = site.send(site.signed_with("PUT", "/data/o", &headers, b"x")).await;
    assert_eq!((unmarked.status, unmarked.element("Code")), (400, "InvalidRequest"));
    let gzip = site.send(site.signed_with("PUT", "/data/o", &[("content-encoding", "gzip")], b"x")).await;
    assert_eq!(gzip.status, 200);
}

#[tokio::test]
async fn h03_bodies_over_the_limit_are_refused_unread() {
    let site = Site::start().await;
    let wire = site
        .signed("PUT", "/data/o", b"x")
        .with_body(b"")
        .header("content-length", &(MAX_OBJECT + 1).to_string());
    let answer = site.send(wire).await;
    assert_eq!((answer.status, answer.element("Code")), (400, "EntityTooLarge"), "{answer:?}");
    let endless = site
        .signed("PUT", "/data/o", b"x")
        .with_body(b"1\r\nx\r\n0\r\n\r\n")
        .header("transfer-encoding", "chunked");
    assert_eq!(
        site.send(endless).await.error(),
        (411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    );
    assert!(site.on_disk().is_empty());
}

async fn trailer(site: &Site, length: &str, body: &[u8]) -> Answer {
    let headers = [
        ("x-amz-content-sha256", TRAILER),
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-decoded-content-length", length),
        ("x-amz-trailer", "x-amz-checksum-sha256"),
        ("x-amz-sdk-checksum-algorithm", "SHA256"),
    ];
    site.send(site.signed_with("PUT", "/data/chunked", &headers, body)).await
}

fn sum(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    assert_eq!(HEXLOWER.encode(digest.as_ref()).len(), 64);
    BASE64.encode(digest.as_ref())
}
