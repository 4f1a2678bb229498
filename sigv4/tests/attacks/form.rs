//! Where a signature is, of which algorithm, and what every form of it must have.

use daypass_sigv4::{Class, Limits, Refusal};

use crate::owned::Owned;
use crate::{HOST, get, mismatches, passes, post, presigned, refused, sts};

#[test]
fn unsigned_is_not_a_failed_signature() {
    refused(&post(), &sts(), Class::MissingAuthenticationToken, "Request is missing Authentication Token");
    let form = get("/", "Action=AssumeRoleWithWebIdentity&RoleSessionName=a+b&Broken=%zz");
    assert_eq!(form.check(&sts()), Err(Refusal::Unsigned), "an unsigned query is not this crate's to read");
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
        (", Signature=", ", Signature=0, Signature="),
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
    let injected = Owned { method: "GET\n/".into(), ..post() }.signed(&sts());
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
