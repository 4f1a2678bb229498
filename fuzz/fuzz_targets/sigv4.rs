//! Any bytes as a request head: parsing, scope and verification neither panic nor accept; what was signed verifies.
#![no_main]

use daypass_sigv4::{
    Credentials, Head, Limits, PathStyle, Payload, Rules, Signing, SigningKey, parse, sign, verify,
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// Lines: method, path, query, then `name:value` headers; an empty line, then the body.
fuzz_target!(|input: &[u8]| {
    let Some(text) = input.split(|byte| *byte == 0).next() else { return };
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let (Some(method), Some(path), Some(query)) = (line(), line(), line()) else { return };
    let headers: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(colon);
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
        })
        .collect();
    let head = Head { method, path, query: Some(query), headers: &headers };
    let now = Timestamp::UNIX_EPOCH;
    assert!(!verifies(&head, "a secret that signed nothing", now), "a forged request verifies");

    let signing = Signing {
        credentials: Credentials { access_key_id: "AKID", secret_access_key: SECRET, session_token: Some("t") },
        region: "eu-west-1",
        service: "sts",
        path: PathStyle::Normalized,
        at: now,
    };
    let unsigned = matches!(parse(&head, &Limits::STANDARD), Ok(None));
    let Ok(added) = sign(&head, &signing, Payload::Bytes(b"")) else { return };
    let mut signed = headers.clone();
    signed.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let signed = Head { headers: &signed, ..head };
    if unsigned && verifies(&signed, SECRET, now) {
        assert!(!verifies(&signed, "another secret", now), "any secret verifies");
    }
});

fn verifies(head: &Head<'_>, secret: &str, now: Timestamp) -> bool {
    let Ok(Some(request)) = parse(head, &Limits::STANDARD) else { return false };
    let Ok(scoped) = request.check_scope("sts") else { return false };
    let key = SigningKey::derive(secret, request.date(), request.region(), request.service());
    let outcome = verify(scoped, &key, Payload::Bytes(b""), Rules::STANDARD, now);
    if let Err(refusal) = &outcome {
        assert!(!refusal.message().is_empty() && !refusal.to_string().is_empty());
    }
    outcome.is_ok()
}
