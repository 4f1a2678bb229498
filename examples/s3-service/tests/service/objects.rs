//! Honest requests: what an SDK does all day works.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::client::{Answer, Site};

#[tokio::test]
async fn objects_are_put_read_listed_copied_and_deleted() {
    let site = Site::start().await;
    assert_eq!(site.ask("PUT", "/photos", b"").await.status, 200);
    let put = site.ask("PUT", "/photos/2026/caf%C3%A9%20one.txt", b"hello").await;
    assert_eq!(put.status, 200, "{put:?}");
    let got = site.ask("GET", "/photos/2026/caf%C3%A9%20one.txt", b"").await;
    assert_eq!((got.status, got.body.as_str()), (200, "hello"));
    let listed = site.ask("GET", "/photos?list-type=2&prefix=2026%2F", b"").await;
    assert_eq!((listed.status, listed.element("Key")), (200, "2026/café one.txt"));
    let source = [("x-amz-copy-source", "/photos/2026/caf%C3%A9%20one.txt")];
    let copied = site.send(site.signed_with("PUT", "/data/copy", &source, b"")).await;
    assert_eq!(copied.status, 200, "{copied:?}");
    assert_eq!(site.ask("GET", "/data/copy", b"").await.body, "hello");
    assert_eq!(site.ask("HEAD", "/data/copy", b"").await.status, 200);
    assert_eq!(site.ask("DELETE", "/data/copy", b"").await.status, 204);
    assert_eq!(site.ask("GET", "/data/copy", b"").await.error().1, "NoSuchKey");
    let buckets = site.ask("GET", "/", b"").await;
    assert_eq!((buckets.status, buckets.element("Name")), (200, "data"));
}

#[tokio::test]
async fn an_empty_object_is_stored() {
    let site = Site::start().await;
    assert_eq!(site.ask("PUT", "/data/empty", b"").await.status, 200);
    let got = site.ask("GET", "/data/empty", b"").await;
    assert_eq!((got.status, got.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_multipart_upload_becomes_one_object() {
    let site = Site::start().await;
    let id = begin(&site, "/data/big").await;
    let first = vec![b'a'; 5 * 1024 * 1024];
    for (number, part) in [(1, first.as_slice()), (2, b"end")] {
        let answer = site.ask("PUT", &format!("/data/big?partNumber={number}&uploadId={id}"), part).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let list = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part>\
                <Part><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>";
    let done = site.ask("POST", &format!("/data/big?uploadId={id}"), list.as_bytes()).await;
    assert_eq!(done.status, 200, "{done:?}");
    let got = site.ask("GET", "/data/big", b"").await;
    assert_eq!(got.body.len(), first.len() + 3);
    assert!(got.body.ends_with("aend"));
}

#[tokio::test]
async fn an_upload_serves_only_the_key_it_was_begun_for() {
    let site = Site::start().await;
    let id = begin(&site, "/data/mine").await;
    for (method, target) in [
        ("PUT", format!("/data/other?partNumber=1&uploadId={id}")),
        ("DELETE", format!("/data/other?uploadId={id}")),
    ] {
        let body: &[u8] = if method == "PUT" { b"x" } else { b"" };
        assert_eq!(site.ask(method, &target, body).await.error().1, "AccessDenied", "{target}");
    }
    assert_eq!(site.ask("PUT", &format!("/data/mine?partNumber=1&uploadId={id}"), b"x").await.status, 200);
    assert_eq!(site.ask("DELETE", &format!("/data/mine?uploadId={id}"), b"").await.status, 204);
    assert!(site.on_disk().is_empty(), "{:?}", site.on_disk());
}

#[tokio::test]
async fn a_presigned_url_reads_and_writes_where_bodies_may_go_unsigned() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.unsigned_payload = true);
    assert_eq!(site.send(site.presigned("PUT", "/data/a%20b", b"by url")).await.status, 200);
    let got = site.send(site.presigned("GET", "/data/a%20b", b"")).await;
    assert_eq!((got.status, got.body.as_str()), (200, "by url"));
    let mut spoilt = site.presigned("GET", "/data/a%20b", b"");
    spoilt.target = spoilt.target.replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    assert_eq!(site.send(spoilt).await.error().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_stop_lets_the_running_upload_end() {
    let (stop, stopped) = oneshot::channel::<()>();
    let site = Site::start_until(async move { drop(stopped.await) }).await;
    let bytes = site.signed("PUT", "/data/slow", b"slowly but whole").bytes();
    let (first, rest) = bytes.split_at(bytes.len() - 5);
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(first).await.unwrap();
    let asked = async {
        while site.broker.conduct(|conduct| conduct.questions.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
    stop.send(()).unwrap();
    let refused = async {
        while TcpStream::connect(site.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    stream.write_all(rest).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Answer::parse(&answer).status, 200);
    assert_eq!(std::fs::read(site.root().join("data/slow")).unwrap(), b"slowly but whole");
}

async fn begin(site: &Site, target: &str) -> String {
    let begun = site.ask("POST", &format!("{target}?uploads="), b"").await;
    assert_eq!(begun.status, 200, "{begun:?}");
    begun.element("UploadId").to_owned()
}
