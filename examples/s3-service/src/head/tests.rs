//! What is left of a request once its signature is taken off.

use http::Request;

use super::*;

fn take(request: Request<()>) -> Result<(Parts, SignedHead), Refusal> {
    let (mut parts, ()) = request.into_parts();
    let head = SignedHead::take(&mut parts, true, IpAddr::from([127, 0, 0, 1]))?;
    Ok((parts, head))
}

#[test]
fn nothing_of_the_signature_stays_with_the_request() {
    let uri = "/b/k?X-Amz-Signature=aa&partNumber=1&X-Amz-Security-Token=secret&x-amz-date=d&uploadId=u%2F";
    let request = Request::get(uri)
        .header("x-amz-security-token", "secret")
        .header("authorization", "secret")
        .header("x-amz-meta-kept", "yes")
        .body(())
        .unwrap();
    let (parts, head) = take(request).unwrap();
    assert_eq!(parts.uri, "/b/k?partNumber=1&uploadId=u%2F");
    assert_eq!(parts.headers.len(), 1, "{:?}", parts.headers);
    assert_eq!(head.uri, uri);
    assert_eq!(head.headers.len(), 3);
    assert_eq!(head.parameter("uploadId"), Some("u/"));
    assert!(!format!("{head:?}").contains("secret"));
}

#[test]
fn the_framing_is_taken_off_the_headers_it_came_with() {
    let request = Request::put("/b/k")
        .header("authorization", "a")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("x-amz-decoded-content-length", "5")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .header("content-encoding", "gzip, aws-chunked")
        .header("content-length", "60")
        .body(())
        .unwrap();
    let (parts, head) = take(request).unwrap();
    assert_eq!(parts.headers.len(), 2, "{:?}", parts.headers);
    assert_eq!(parts.headers["content-length"], "5");
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert_eq!(head.payload.signed_value(), "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
}

#[test]
fn targets_that_are_not_a_path_are_refused() {
    for uri in ["http://other/b/k", "*"] {
        let request = Request::get(uri).header("authorization", "a").body(()).unwrap();
        assert_eq!(take(request).err(), Some(Refusal::InvalidUri), "{uri}");
    }
}
