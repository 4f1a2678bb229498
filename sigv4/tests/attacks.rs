//! Attacks on a signature, each beside the honest request it was made from.
#![expect(clippy::unwrap_used, reason = "a broken fixture fails the test")]

use daypass_sigv4::{Class, Limits, Payload, Refusal, Rules, SignedPayload, Streaming};
use owned::{Owned, Setting};

#[path = "support/owned.rs"]
mod owned;
#[path = "support/signing.rs"]
mod signing;

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
    AWS Secret Access Key and signing method. Consult the service documentation for details.";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
const HOST: (&str, &str) = ("Host", "id.corp.test:8443");

fn sts() -> Setting<'static> {
    Setting {
        access_key_id: "ASIAEXAMPLE",
        token: Some("token/+="),
        service: "sts",
        rules: Rules::STANDARD,
        now: "2026-11-22T00:16:06Z".parse().unwrap(),
    }
}

fn s3() -> Setting<'static> {
    Setting { service: "s3", rules: Rules::S3, ..sts() }
}

fn at(now: &str) -> Setting<'static> {
    Setting { now: now.parse().unwrap(), ..sts() }
}

fn post() -> Owned {
    Owned::new("POST", "/", None, &[HOST, FORM], "Action=GetCallerIdentity&Version=2011-06-15")
}

fn get(path: &str, query: &str) -> Owned {
    Owned::new("GET", path, Some(query), &[HOST], "")
}

fn presigned() -> Owned {
    get("/", "Action=GetCallerIdentity&Version=2011-06-15").presigned(&sts(), Payload::Bytes(b""), 60)
}

#[track_caller]
fn passes(request: &Owned, setting: &Setting<'_>) {
    assert_eq!(request.check(setting), Ok(SignedPayload::Checked));
}

#[track_caller]
fn refused(request: &Owned, setting: &Setting<'_>, class: Class, message: &str) {
    let refusal = request.check(setting).unwrap_err();
    assert_eq!((refusal.class(), refusal.message().as_str()), (class, message), "{refusal}");
}

#[track_caller]
fn mismatches(request: &Owned, setting: &Setting<'_>) {
    refused(request, setting, Class::SignatureDoesNotMatch, MISMATCH);
}

#[test]
fn unsigned_is_not_a_failed_signature() {
    refused(&post(), &sts(), Class::MissingAuthenticationToken, "Request is missing Authentication Token");
    let form = get("/", "Action=AssumeRoleWithWebIdentity&RoleSessionName=a+b&Broken=%zz");
    assert_eq!(form.check(&sts()), Err(Refusal::Unsigned), "an unsigned query is not this crate's to read");
}

#[test]
fn v01_path_tricks() {
    let setting = sts();
    for path in ["//a", "/./a", "/x/../a", "/a"] {
        passes(&get(path, "").signed(&setting), &setting);
    }
    for (signed, sent) in
        [("/a/b", "/a%2Fb"), ("/a%2Fb", "/a/b"), ("/a%2Fb", "/a%252Fb"), ("/a", "/a/"), ("/..%2Fa", "/a")]
    {
        let mut request = get(signed, "").signed(&setting);
        passes(&request, &setting);
        request.path = sent.into();
        mismatches(&request, &setting);
    }
    for (signed, sent) in [("/b/a", "/b//a"), ("/b/a", "/b/./a"), ("/b/a", "/x/../b/a"), ("/b/a", "/b/%61")] {
        let mut request = get(signed, "").signed(&s3());
        request.check(&s3()).unwrap();
        request.path = sent.into();
        mismatches(&request, &s3());
    }
    let mut request = get("/a", "").signed(&setting);
    request.path = "a".into();
    mismatches(&request, &setting);
}

#[test]
fn v02_repeated_query_keys() {
    let request = get("/", "k=2&k=10&k=1&a=").signed(&sts());
    passes(&request, &sts());
    passes(&request.clone().requery("k=2&k=10&k=1", "k=1&k=2&k=10"), &sts());
    mismatches(&request.clone().requery("k=2&", ""), &sts());
    mismatches(&request.requery("k=2", "k=3"), &sts());
}

#[test]
fn v03_duplicate_multiline_and_padded_headers() {
    let request = post().with("X-Tag", "b").with("X-Tag", " a   c\r\n  d ").signed(&sts());
    passes(&request, &sts());
    passes(&request.clone().rehead("X-Tag", "b", "b ").rehead("X-Tag", "b", "  b"), &sts());
    mismatches(&request.clone().rehead("X-Tag", "b", "bb"), &sts());
    mismatches(&request.clone().with("X-Tag", "e"), &sts());
    let mut swapped = request;
    swapped.headers.swap(2, 3);
    mismatches(&swapped, &sts());
    for (name, value) in [("Host", "id.corp.test:8443"), ("Content-Type", "text/plain")] {
        let twice = post().with(name, value).signed(&sts());
        let message = format!("Found more than one '{}' HTTP header.", name.to_ascii_lowercase());
        refused(&twice, &sts(), Class::IncompleteSignature, &message);
    }
    for name in ["X-Amz-Date", "X-Amz-Security-Token"] {
        let message = format!("Found more than one '{}' HTTP header.", name.to_ascii_lowercase());
        refused(&post().signed(&sts()).with(name, "x"), &sts(), Class::IncompleteSignature, &message);
    }
}

#[test]
fn v04_unsigned_host_token_date_or_type() {
    passes(&post().signed(&sts()), &sts());
    let message = |name: &str| format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
    let unhosted = post().without("Host").signed(&sts()).with("Host", "id.corp.test");
    let host = message("Host").replace("'Host'", "'Host' or ':authority'");
    refused(&unhosted, &sts(), Class::SignatureDoesNotMatch, &host);
    let untyped = post().without("Content-Type").signed(&sts()).with(FORM.0, FORM.1);
    refused(&untyped, &sts(), Class::SignatureDoesNotMatch, &message("content-type"));
    for name in ["x-amz-date", "x-amz-security-token"] {
        let request = post().signed(&sts()).rehead("authorization", &format!(";{name}"), "");
        refused(&request, &sts(), Class::SignatureDoesNotMatch, &message(name));
    }
    for name in ["X-Amz-Target", "x-amz-meta-a", "X-AMZ-ACL"] {
        let request = post().signed(&sts()).with(name, "x");
        refused(&request, &sts(), Class::SignatureDoesNotMatch, &message(&name.to_ascii_lowercase()));
        refused(
            &presigned().with(name, "x"),
            &sts(),
            Class::SignatureDoesNotMatch,
            &message(&name.to_ascii_lowercase()),
        );
    }
    let dated = post().signed(&sts()).without("x-amz-date").with("Date", "Sun, 22 Nov 2026 00:16:06 GMT");
    let dated = dated.rehead("authorization", ";x-amz-date", "");
    refused(&dated, &sts(), Class::SignatureDoesNotMatch, &message("date"));
    mismatches(&post().with("X-Tag", "a").signed(&sts()).without("X-Tag"), &sts());
}

#[test]
fn v05_signature_in_header_and_query() {
    passes(&presigned(), &sts());
    for parameter in
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Date"]
    {
        for spelling in [parameter.to_owned(), parameter.to_ascii_lowercase(), parameter.replace('z', "%7A")]
        {
            let mut request = post();
            request.query = Some(format!("a=b&{spelling}=x"));
            let message = format!(
                "Found both '{parameter}' as a query-string param and 'Authorization' as HTTP header."
            );
            refused(&request.signed(&sts()), &sts(), Class::IncompleteSignature, &message);
        }
    }
    let request = post().signed(&sts());
    let (_, value) = request.headers.last().unwrap().clone();
    let twice = request.with("Authorization", &String::from_utf8(value).unwrap());
    refused(&twice, &sts(), Class::IncompleteSignature, "Found more than one 'Authorization' HTTP header.");
    let token = presigned().with("X-Amz-Security-Token", "token/+=");
    assert_eq!(token.check(&sts()).unwrap_err(), Refusal::TokenOutsideQuery);
}

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
fn v07_duplicate_key_id_parameter() {
    passes(&presigned(), &sts());
    for extra in
        ["X-Amz-Credential=x", "x-amz-credential=x", "X-Amz-%43redential=x", "x-amz-meta=1&X-Amz-Meta=2"]
    {
        let mut request = presigned();
        request.query = request.query.map(|query| format!("{query}&{extra}"));
        let refusal = request.check(&sts()).unwrap_err();
        assert_eq!(refusal.class(), Class::ValidationError, "{extra}: {refusal}");
        assert!(
            refusal.message().starts_with("Duplicate query parameter: x-amz-")
                || extra.contains('C')
                || extra.contains('%')
        );
    }
}

#[test]
fn v08_presign_expiry() {
    let message = "X-Amz-Expires must be a number of seconds from 1 to 604800.";
    for expires in ["0", "-1", "604801", "4294967297", "99999999999999999999", "", "1.5", "%2B60", "60s"] {
        let request = presigned().requery("X-Amz-Expires=60", &format!("X-Amz-Expires={expires}"));
        refused(&request, &sts(), Class::IncompleteSignature, message);
    }
    refused(&presigned().requery("X-Amz-Expires=60&", ""), &sts(), Class::IncompleteSignature, message);
    mismatches(&presigned().requery("X-Amz-Expires=60", "X-Amz-Expires=604800"), &sts());
    passes(&presigned(), &at("2026-11-22T00:17:06Z"));
    let message = "Signature expired: 20261122T001706Z is now earlier than 20261122T001707Z";
    refused(&presigned(), &at("2026-11-22T00:17:07Z"), Class::SignatureDoesNotMatch, message);
    passes(&presigned(), &at("2026-11-22T00:01:06Z"));
    let message = "Signature not yet current: 20261122T001606Z is still later than 20261122T001605Z \
        (20261122T000105Z + 15 min.)";
    refused(&presigned(), &at("2026-11-22T00:01:05Z"), Class::SignatureDoesNotMatch, message);
}

#[test]
fn v09_skew_and_scope_date() {
    let request = post().signed(&sts());
    passes(&request, &at("2026-11-22T00:31:06Z"));
    passes(&request, &at("2026-11-22T00:01:06Z"));
    let message = "Signature expired: 20261122T001606Z is now earlier than 20261122T001607Z \
        (20261122T003107Z - 15 min.)";
    refused(&request, &at("2026-11-22T00:31:07Z"), Class::SignatureDoesNotMatch, message);
    let message = "Signature not yet current: 20261122T001606Z is still later than 20261122T001605Z \
        (20261122T000105Z + 15 min.)";
    refused(&request, &at("2026-11-22T00:01:05Z"), Class::SignatureDoesNotMatch, message);
    let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP";
    let yesterday = request.rehead("authorization", "/20261122/", "/20261121/");
    refused(&yesterday, &sts(), Class::SignatureDoesNotMatch, message);
    refused(
        &presigned().requery("%2F20261122%2F", "%2F20261121%2F"),
        &sts(),
        Class::SignatureDoesNotMatch,
        message,
    );
}

#[test]
fn v10_scope_of_another_region_or_service() {
    let request = || post().signed(&sts());
    let service = "Credential should be scoped to correct service: 'sts'. ";
    let region = "Credential should be scoped to a valid region. ";
    let both = format!("{region}{service}");
    let terminator = "Credential should be scoped with a valid terminator: 'aws4_request'";
    for (scope, message) in [
        ("/sts/eu-west-1/aws4_request", service),
        ("/eu-west-1/iam/aws4_request", service),
        ("/EU/sts/aws4_request", region),
        ("//sts/aws4_request", region),
        ("/EU/iam/aws4_request", both.as_str()),
        ("/eu-west-1/sts/aws5_request", terminator),
    ] {
        let request = request().rehead("authorization", "/eu-west-1/sts/aws4_request", scope);
        refused(&request, &sts(), Class::SignatureDoesNotMatch, message);
    }
    mismatches(&request().rehead("authorization", "/eu-west-1/", "/us-east-1/"), &sts());
    passes(&request(), &sts());
    let iam = Setting { service: "iam", ..sts() };
    let message = "Credential should be scoped to correct service: 'iam'. ";
    refused(&request(), &iam, Class::SignatureDoesNotMatch, message);
}

#[test]
fn v11_scope_and_key_are_answered_before_time_and_signature() {
    let stale = Setting { access_key_id: "AKIAOTHER", ..at("2027-01-01T00:00:00Z") };
    let message = "The security token included in the request is invalid.";
    refused(&post().signed(&sts()), &stale, Class::InvalidClientTokenId, message);
    let request = post().signed(&sts()).rehead("authorization", "/sts/", "/iam/");
    refused(
        &request,
        &stale,
        Class::SignatureDoesNotMatch,
        "Credential should be scoped to correct service: 'sts'. ",
    );
}

#[test]
fn v13_host_spoof() {
    let request = post().signed(&sts());
    passes(&request.clone().with("X-Forwarded-Host", "evil.test"), &sts());
    let relayed =
        request.rehead("Host", "id.corp.test", "evil.test").with("X-Forwarded-Host", "id.corp.test:8443");
    mismatches(&relayed, &sts());
    mismatches(&presigned().rehead("Host", ":8443", ""), &sts());
}

#[test]
fn v14_other_algorithms() {
    for (algorithm, seen) in [
        ("AWS ASIAEXAMPLE:c2lnbmF0dXJl", "AWS"),
        ("AWS3-HTTPS AWSAccessKeyId=A, Signature=B", "AWS3-HTTPS"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer"),
        ("AWS4-HMAC-SHA512 Credential=a", "AWS4-HMAC-SHA512"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", "AWS4-ECDSA-P256-SHA256"),
        ("aws4-hmac-sha256 Credential=a", "aws4-hmac-sha256"),
    ] {
        let message = format!("Unsupported AWS 'algorithm': '{seen}'");
        refused(&post().with("Authorization", algorithm), &sts(), Class::IncompleteSignature, &message);
    }
    let request = presigned().requery("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    let message = "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'";
    refused(&request, &sts(), Class::IncompleteSignature, message);
    let request = get("/", "Action=GetCallerIdentity&AWSAccessKeyId=A&SignatureVersion=2&Signature=B");
    refused(&request, &sts(), Class::IncompleteSignature, "Unsupported AWS 'algorithm': 'AWS2'");
}

#[test]
fn v16_plus_overlong_and_broken_escapes() {
    let honest = get("/", "a=b%20c&d=e%2Bf&g=%2F").signed(&sts());
    passes(&honest, &sts());
    for (from, to) in [
        ("%20", "+"),
        ("%2B", "+"),
        ("%2B", "%20"),
        ("%2F", "%C0%AF"),
        ("%2F", "%zz"),
        ("%2F", "%2"),
        ("%2F", "%"),
    ] {
        mismatches(&honest.clone().requery(from, to), &sts());
    }
    for path in ["/%C0%AF", "/%", "/%2", "/%zz", "/%FF"] {
        for setting in [sts(), s3()] {
            mismatches(&get(path, "").signed(&setting), &setting);
        }
    }
    passes(&get("/a+b/%C3%A9", "").signed(&sts()), &sts());
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

#[test]
fn missing_parts_are_named_together() {
    let all = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
        parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence \
        of either a 'X-Amz-Date' or a 'Date' header. (hashed with SHA-256 and encoded with Base64) \
        Authorization=";
    let refusal = post().with("Authorization", "AWS4-HMAC-SHA256").check(&sts()).unwrap_err();
    assert!(refusal.message().starts_with(all), "{}", refusal.message());
    let one =
        post().signed(&sts()).rehead("authorization", ", Signature=", ", Sig=").check(&sts()).unwrap_err();
    assert!(one.message().starts_with("'Sig="), "{}", one.message());
    let undated = post().signed(&sts()).without("x-amz-date").check(&sts()).unwrap_err();
    let want = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    assert!(undated.message().starts_with(want), "{}", undated.message());
    let message = "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must \
        include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the \
        query-string parameters.";
    let partial = get("/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x&X-Amz-Date=");
    refused(&partial, &sts(), Class::IncompleteSignature, message);
}

#[test]
fn h10_malformed_input_is_refused() {
    let request = || post().signed(&sts());
    for (from, to) in [
        ("Credential=", "Credential=/"),
        ("Credential=", "=, Credential="),
        ("SignedHeaders=content-type", "SignedHeaders=Content-Type"),
        ("SignedHeaders=content-type;host", "SignedHeaders=host;content-type"),
        ("SignedHeaders=content-type;", "SignedHeaders=content-type;content-type;"),
        ("SignedHeaders=", "SignedHeaders=;"),
        ("SignedHeaders=", "SignedHeaders=a\nb;"),
        (", Signature=", ", Credential=x, Signature="),
        (", Signature=", ", Extra=x, Signature="),
    ] {
        let refusal = request().rehead("authorization", from, to).check(&sts()).unwrap_err();
        assert_eq!(refusal.class(), Class::IncompleteSignature, "{to}: {refusal}");
    }
    let upper = request();
    let (_, value) = upper.headers.last().unwrap();
    let signature = String::from_utf8(value.clone()).unwrap().split("Signature=").nth(1).unwrap().to_owned();
    mismatches(&upper.clone().rehead("authorization", &signature, &signature.to_ascii_uppercase()), &sts());
    mismatches(&upper.clone().rehead("authorization", &signature, &signature[..62]), &sts());
    mismatches(&upper.rehead("authorization", &signature, &format!("{signature}00")), &sts());
    let mut raw = request();
    raw.headers.last_mut().unwrap().1 = vec![0xff; 9];
    assert_eq!(raw.check(&sts()).unwrap_err().class(), Class::IncompleteSignature);
    let injected = Owned { method: "GET\n/".into(), ..request() };
    mismatches(&injected, &sts());
    let date = request().rehead("x-amz-date", "T", "t");
    let message = "Date must be in ISO-8601 'basic format'. Got '20261122t001606Z'. See http://en.wikipedia.org/wiki/ISO_8601";
    refused(&date, &sts(), Class::IncompleteSignature, message);
}

#[test]
fn h10_sizes_are_bounded_before_anything_is_read() {
    let limits = Limits::STANDARD;
    let within = Owned::new("GET", "/", None, &[HOST], "");
    passes(&within.clone().signed(&sts()), &sts());
    let headers = (0..=limits.headers).fold(within.clone(), |request, _| request.with("a", "b"));
    let long = within.clone().with("a", &"b".repeat(limits.header_bytes));
    let path = Owned { path: "/".repeat(limits.path_bytes + 1), ..within.clone() };
    let query = Owned { query: Some("a".repeat(limits.query_bytes + 1)), ..within.clone() };
    for request in [headers, long, path, query] {
        assert_eq!(request.check(&sts()).unwrap_err().class(), Class::ValidationError);
    }
    let pairs = format!("X-Amz-Algorithm=x{}", "&a=b".repeat(limits.query_parameters));
    let refusal = Owned { query: Some(pairs), ..within }.check(&sts()).unwrap_err();
    assert_eq!(refusal, Refusal::TooLarge { what: "query parameters", limit: limits.query_parameters });
}

#[test]
fn k01_every_bit_of_a_signature_counts() {
    let request = post().signed(&sts());
    let text = String::from_utf8(request.headers.last().unwrap().1.clone()).unwrap();
    let start = text.find("Signature=").unwrap() + 10;
    for position in start..text.len() {
        let digit = u8::from_str_radix(&text[position..=position], 16).unwrap();
        for bit in 0..4 {
            let changed = format!("{}{:x}{}", &text[..position], digit ^ (1 << bit), &text[position + 1..]);
            let mut request = request.clone();
            request.headers.last_mut().unwrap().1 = changed.into_bytes();
            mismatches(&request, &sts());
        }
    }
}

#[test]
fn refusals_hide_tokens_and_the_right_signature() {
    let setting = Setting { token: Some("canary-token"), ..sts() };
    for request in [
        post().signed(&setting).rehead("Host", "id", "ix"),
        get("/", "").presigned(&setting, Payload::Bytes(b""), 60).rehead("Host", "id", "ix"),
    ] {
        let refusal = request.check(&setting).unwrap_err();
        let shown = format!("{refusal} {refusal:?} {}", refusal.message());
        assert!(shown.contains("<hidden>") && shown.contains("host:ix.corp.test:8443"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
