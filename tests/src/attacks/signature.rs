//! Requests signed wrongly, for someone else, or with a token that was tampered with.

use crate::harness::{Answer, Broker, CALLER, Credentials, FORM, Site, assert_refused, form, now, role};

const WRONG: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                     Secret Access Key and signing method. Consult the service documentation for details.";
const UNKNOWN: &str = "The security token included in the request is invalid.";

fn signed_in() -> (Site, Broker, Credentials) {
    let site = Site::new();
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_eq!(broker.caller(&credentials).status, 200);
    (site, broker, credentials)
}

/// A signed `GetCallerIdentity` whose headers and body were changed on the way.
fn changed(
    broker: &Broker,
    credentials: &Credentials,
    change: impl FnOnce(&mut Vec<(String, String)>, &mut String),
) -> Answer {
    let mut body = form(&CALLER);
    let mut headers = credentials.headers(broker, "sts", "POST", "/", &[("content-type", FORM)], &body);
    change(&mut headers, &mut body);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    broker.request("POST /", &headers, &body)
}

/// The code of a refusal.
fn code(answer: &Answer) -> Option<String> {
    answer.element("Code")
}

/// The value of a header, to be changed in place.
fn header<'h>(headers: &'h mut [(String, String)], name: &str) -> &'h mut String {
    &mut headers.iter_mut().find(|(one, _)| one == name).expect("the header").1
}

#[test]
fn v04_headers_that_are_not_signed() {
    let (_site, broker, credentials) = signed_in();
    for name in ["host;", "x-amz-date;", "x-amz-security-token", "content-type;"] {
        let answer = changed(&broker, &credentials, |headers, _| {
            let value = header(headers, "authorization");
            assert!(value.contains(name), "{value}");
            *value = value.replacen(name, "", 1).replace(";,", ",");
        });
        assert_eq!(
            (answer.status, code(&answer)),
            (403, Some("SignatureDoesNotMatch".to_owned())),
            "{name}: {answer:?}"
        );
    }
}

#[test]
fn v05_authentication_in_header_and_query() {
    let (_site, broker, credentials) = signed_in();
    let query = credentials.presigned(&broker, 60);
    let headers = credentials.headers(&broker, "sts", "GET", &format!("/?{query}"), &[], "");
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = broker.request(&format!("GET /?{query}"), &headers, "");
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("IncompleteSignature")),
        "{answer:?}"
    );
    assert_eq!(broker.request(&format!("GET /?{query}"), &[], "").status, 200);
}

#[test]
fn v06_a_declared_hash_that_is_not_the_bodys() {
    let (_site, broker, credentials) = signed_in();
    let body = form(&CALLER);
    for declared in ["UNSIGNED-PAYLOAD", &"0".repeat(64), "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let extra = [("content-type", FORM), ("x-amz-content-sha256", declared)];
        let headers = credentials.headers(&broker, "sts", "POST", "/", &extra, &body);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = broker.request("POST /", &headers, &body);
        assert_refused(&answer, 403, "SignatureDoesNotMatch", WRONG);
    }
    let answer = changed(&broker, &credentials, |_, body| body.push('&'));
    assert_refused(&answer, 403, "SignatureDoesNotMatch", WRONG);
}

#[test]
fn v07_an_action_or_key_id_said_twice() {
    let (_site, broker, credentials) = signed_in();
    let answer = broker.signed(&credentials, &[CALLER[0], CALLER[1], ("Action", "AssumeRole")]);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("ValidationError")),
        "{answer:?}"
    );
    let query = credentials.presigned(&broker, 60);
    let answer = broker.request(&format!("GET /?{query}&X-Amz-Credential=AKIDOTHER"), &[], "");
    assert!([400, 403].contains(&answer.status), "{answer:?}");
    assert!(!answer.body.contains("<Arn>"), "{answer:?}");
}

#[test]
fn v08_presigned_for_no_time_or_too_long() {
    let (_site, broker, credentials) = signed_in();
    let query = credentials.presigned(&broker, 60);
    for expires in ["0", "-1", "604801", "18446744073709551617", "", "1.5"] {
        let query = query.replace("X-Amz-Expires=60", &format!("X-Amz-Expires={expires}"));
        let answer = broker.request(&format!("GET /?{query}"), &[], "");
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("IncompleteSignature")),
            "{expires}: {answer:?}"
        );
    }
}

#[test]
fn v09_signed_too_long_ago_or_for_another_day() {
    let (_site, broker, credentials) = signed_in();
    let day = now().strftime("%Y%m%d").to_string();
    let other = if day.ends_with("01") { "02" } else { "01" };
    let answer = changed(&broker, &credentials, |headers, _| {
        let value = header(headers, "authorization");
        *value = value.replacen(&day, &format!("{}{other}", &day[..6]), 1);
    });
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (403, Some("SignatureDoesNotMatch")),
        "{answer:?}"
    );
    for minutes in [-16, 16] {
        let at = now() + jiff::SignedDuration::from_mins(minutes);
        let answer = changed(&broker, &credentials, |headers, _| {
            *header(headers, "x-amz-date") = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        });
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (403, Some("SignatureDoesNotMatch")),
            "{answer:?}"
        );
    }
}

#[test]
fn v10_a_scope_of_another_service() {
    let (_site, broker, credentials) = signed_in();
    let body = form(&CALLER);
    let headers = credentials.headers(&broker, "iam", "POST", "/", &[("content-type", FORM)], &body);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = broker.request("POST /", &headers, &body);
    let message = "Credential should be scoped to correct service: 'sts'. ";
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (403, Some("SignatureDoesNotMatch")),
        "{answer:?}"
    );
    assert_eq!(answer.element("Message").map(|text| text.trim().to_owned()).as_deref(), Some(message.trim()));
}

#[test]
fn v11_a_token_that_is_missing_or_another_keys() {
    let (site, broker, credentials) = signed_in();
    let other = broker.assume(&site.issuer.token("plant:b"), &role("Deploy"));
    let without = Credentials { session_token: String::new(), ..credentials.clone() };
    let swapped = Credentials { session_token: other.session_token.clone(), ..credentials.clone() };
    let invented = Credentials { access_key_id: "ASIAINVENTEDINVENTED".to_owned(), ..credentials.clone() };
    for forged in [without, swapped, invented] {
        assert_refused(&broker.caller(&forged), 403, "InvalidClientTokenId", UNKNOWN);
    }
    let stolen = Credentials { secret_access_key: other.secret_access_key, ..credentials };
    assert_refused(&broker.caller(&stolen), 403, "SignatureDoesNotMatch", WRONG);
}

#[test]
fn v12_token_changed_anywhere_or_cut() {
    let (_site, broker, credentials) = signed_in();
    let token = &credentials.session_token;
    let last = token.len() - 1;
    for at in (0..token.len()).step_by(23).chain([last - 1, last]) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let session_token = String::from_utf8(bytes).expect("text");
        let changed = Credentials { session_token, ..credentials.clone() };
        assert_refused(&broker.caller(&changed), 403, "InvalidClientTokenId", UNKNOWN);
    }
    for kept in [last, token.len() / 2, 8, 1] {
        let cut = Credentials { session_token: token[..kept].to_owned(), ..credentials.clone() };
        assert_refused(&broker.caller(&cut), 403, "InvalidClientTokenId", UNKNOWN);
    }
    assert_eq!(broker.caller(&credentials).status, 200);
}

#[test]
fn v13_a_host_that_is_not_the_brokers() {
    let (_site, broker, credentials) = signed_in();
    let answer = changed(&broker, &credentials, |headers, _| {
        headers.push(("X-Forwarded-Host".to_owned(), "attacker.test".to_owned()));
    });
    assert_eq!(answer.status, 200, "a header nobody trusts changes nothing: {answer:?}");
    let bytes =
        String::from_utf8(broker.bytes("POST /", &[("content-type", FORM)], &form(&CALLER))).expect("text");
    let spoofed = bytes.replace(&format!("Host: {}", broker.address), "Host: attacker.test");
    let answer = broker.send(spoofed.as_bytes());
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let mut signed =
        credentials.headers(&broker, "sts", "POST", "/", &[("content-type", FORM)], &form(&CALLER));
    signed.retain(|(name, _)| name != "host");
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = form(&CALLER);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_refused(&broker.send(request.as_bytes()), 403, "SignatureDoesNotMatch", WRONG);
}

#[test]
fn v14_other_algorithms() {
    let (_site, broker, credentials) = signed_in();
    for value in [
        "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=",
        "AWS4-HMAC-SHA1 Credential=a",
        "AWS4-ECDSA-P256-SHA256 Credential=a",
        "Bearer abc",
    ] {
        let answer =
            changed(&broker, &credentials, |headers, _| value.clone_into(header(headers, "authorization")));
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("IncompleteSignature")),
            "{value}: {answer:?}"
        );
    }
}

#[test]
fn v15_a_relayed_question_covers_the_header_that_binds_it() {
    let (_site, broker, credentials) = signed_in();
    let body = form(&CALLER);
    let extra = [("content-type", FORM), ("x-vault-aws-iam-server-id", "vault.test")];
    let headers = credentials.headers(&broker, "sts", "POST", "/", &extra, &body);
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(broker.request("POST /", &pairs, &body).status, 200);
    let relayed: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (*name, if *value == "vault.test" { "other.test" } else { value }))
        .collect();
    assert_refused(&broker.request("POST /", &relayed, &body), 403, "SignatureDoesNotMatch", WRONG);
}

#[test]
fn v16_plus_signs_and_broken_escapes_in_a_signed_query() {
    let (_site, broker, credentials) = signed_in();
    let query = credentials.presigned(&broker, 60);
    for more in ["&a=b+c", "&a=%C0%AF", "&a=%zz", "&a=%2"] {
        let answer = broker.request(&format!("GET /?{query}{more}"), &[], "");
        assert!([400, 403].contains(&answer.status), "{more}: {answer:?}");
        assert!(!answer.body.contains("<Arn>"), "{answer:?}");
    }
}

#[test]
fn v17_a_chunked_upload_sent_to_sts() {
    let (_site, broker, credentials) = signed_in();
    let body = "5;chunk-signature=00\r\nabcde\r\n0\r\n\r\n";
    let extra = [
        ("content-type", FORM),
        ("content-encoding", "aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-decoded-content-length", "5"),
    ];
    let headers = credentials.headers(&broker, "sts", "POST", "/", &extra, body);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = broker.request("POST /", &headers, body);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("ValidationError")),
        "{answer:?}"
    );
}

#[test]
fn a_signed_byte_that_was_changed_is_noticed() {
    let (_site, broker, credentials) = signed_in();
    let answer = changed(&broker, &credentials, |headers, _| {
        let value = header(headers, "authorization");
        let last = value.pop().expect("a signature");
        value.push(if last == '0' { '1' } else { '0' });
    });
    assert_refused(&answer, 403, "SignatureDoesNotMatch", WRONG);
}
