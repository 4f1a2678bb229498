//! What must be signed, by which scope, when, and the signature itself.

use daypass_sigv4::{Class, Payload, Refusal};

use crate::owned::Setting;
use crate::{FORM, at, get, mismatches, passes, post, presigned, refused, sts};

#[test]
fn v04_unsigned_host_token_date_or_type() {
    passes(&post().signed(&sts()), &sts());
    let message = |name: &str| format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
    let unhosted = post().without("Host").signed(&sts()).with("Host", "id.corp.test");
    let host = message("Host").replace("'Host'", "'Host' or ':authority'");
    refused(&unhosted, &sts(), Class::SignatureDoesNotMatch, &host);
    refused(&post().without("Host").signed(&sts()), &sts(), Class::SignatureDoesNotMatch, &host);
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
    let absent = post().with("X-Tag", "a").signed(&sts()).without("X-Tag");
    mismatches(&absent, &sts());
    assert_eq!(absent.check(&sts()), Err(Refusal::SignedHeaderAbsent { name: "x-tag".into() }));
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
