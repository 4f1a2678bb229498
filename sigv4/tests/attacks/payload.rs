//! Bodies that were not signed, or not as they came.

use daypass_sigv4::{Class, Payload, Refusal, Rules, SignedPayload, Streaming};

use crate::owned::{Owned, Setting};
use crate::{HOST, mismatches, passes, post, refused, s3, sts};

#[test]
fn v06_unsigned_trailer_or_wrong_payload() {
    let declared = |hash: &str| post().with("x-amz-content-sha256", hash).signed(&sts());
    let mut wrong = Owned { body: b"other".to_vec(), ..post() }.signed(&sts());
    passes(&wrong, &sts());
    wrong.body = b"Other".to_vec();
    mismatches(&wrong, &sts());
    for literal in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        "",
    ] {
        mismatches(&declared(literal), &sts());
    }
    let unread = post().signed(&sts()).check_with(&sts(), Payload::Unread);
    assert_eq!(unread, Err(Refusal::PayloadUndeclared));
}

#[test]
fn v06_declared_hash_must_be_the_bodys() {
    let mut put = Owned::new("PUT", "/b/k", None, &[HOST], "content").signed(&s3());
    passes(&put, &s3());
    let open = put.check_with(&s3(), Payload::Unread).unwrap();
    assert!(matches!(open, SignedPayload::Sha256(_)), "{open:?}");
    put.body = b"Content".to_vec();
    let refusal = put.check(&s3()).unwrap_err();
    assert!(matches!(refusal, Refusal::PayloadMismatch { .. }), "{refusal}");
    mismatches(&put, &s3());
}

#[test]
fn v06_s3_says_what_is_left_to_check() {
    let put = || Owned::new("PUT", "/b/k", None, &[HOST], "content");
    let unsigned = put().presigned(&s3(), Payload::Unread, 60);
    assert_eq!(unsigned.check(&s3()), Ok(SignedPayload::Unsigned));
    let signed_only = Setting { rules: Rules { unsigned_payload: false, ..Rules::S3 }, ..s3() };
    mismatches(&unsigned, &signed_only);
    for streaming in [Streaming::Signed, Streaming::SignedTrailer, Streaming::UnsignedTrailer] {
        let request = put().with("x-amz-content-sha256", streaming.literal()).signed(&s3());
        assert_eq!(request.check(&s3()), Ok(SignedPayload::Streaming(streaming)));
        let refused = request.check(&signed_only).is_err();
        assert_eq!(refused, streaming == Streaming::UnsignedTrailer, "{streaming:?}");
        let whole_only = Setting { rules: Rules { streaming_payload: false, ..Rules::S3 }, ..s3() };
        mismatches(&request, &whole_only);
    }
}

#[test]
fn v17_chunked_body_where_none_is_taken() {
    let message = "The 'aws-chunked' content encoding is not supported.";
    for coding in ["aws-chunked", "gzip, AWS-Chunked"] {
        let request = post().with("Content-Encoding", coding).signed(&sts());
        refused(&request, &sts(), Class::ValidationError, message);
    }
    passes(&post().with("Content-Encoding", "gzip").signed(&sts()), &sts());
    passes(&post().with("Content-Encoding", "aws-chunked").signed(&s3()), &s3());
}
