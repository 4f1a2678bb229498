//! What a record says, and how it is found again.

use serde_json::json;

use super::*;

fn issued(request_id: &str) -> Event<'static> {
    let role = "arn:aws:iam::111122223333:role/Deploy";
    let identity = UserIdentity {
        principal_id: Some("https://idp.test:sts.amazonaws.com:repo:acme/app".into()),
        identity_provider: Some("https://idp.test".into()),
        ..UserIdentity::of(IdentityKind::WebIdentityUser)
    };
    event(request_id)
        .peer("192.0.2.7".parse().unwrap())
        .user_agent("aws-cli/2.15")
        .account("111122223333")
        .identity(identity)
        .parameter(Parameter::RoleArn, role)
        .parameter(Parameter::Tag("team".into()), "core")
        .parameter(Parameter::RoleArn, "a second one")
        .issued("ASIAEXAMPLE", "2026-11-22T03:03:04Z".parse().unwrap())
        .provider("arn:aws:iam::111122223333:oidc-provider/idp.test")
        .proof_digest([0xab; 32])
        .session("session-1")
        .decision(Decision::Allow, Some("trust.json:Statement[0]".into()))
        .steps([Step::passed("signature", "RS256, key k1")])
        .directory_version("v7")
}

#[tokio::test]
async fn a_record_is_cloudtrails_after_its_place_in_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    audit.record(issued("request-1")).await.unwrap();
    let expected = json!({
        "seq": 1, "prev": "0".repeat(64),
        "eventVersion": "1.11", "eventTime": "2026-11-22T02:03:04Z", "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithWebIdentity", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.15", "requestID": "request-1",
        "eventID": "07070707-0707-4707-8707-070707070707", "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "WebIdentityUser", "principalId": "https://idp.test:sts.amazonaws.com:repo:acme/app",
            "identityProvider": "https://idp.test",
        },
        "requestParameters": { "roleArn": "arn:aws:iam::111122223333:role/Deploy", "tag:team": "core" },
        "responseElements": { "credentials": { "accessKeyId": "ASIAEXAMPLE", "expiration": "2026-11-22T03:03:04Z" } },
        "additionalEventData": {
            "provider": "arn:aws:iam::111122223333:oidc-provider/idp.test", "proofDigest": "ab".repeat(32),
            "sessionId": "session-1", "decision": "allow", "statement": "trust.json:Statement[0]",
            "step": [{ "step": "signature", "outcome": "passed", "seen": "RS256, key k1" }],
            "directoryVersion": "v7", "broker": "broker-1",
        },
    });
    assert_eq!(lines(&folder.path().join("audit.jsonl")), [expected]);
    let line = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(line.starts_with("{\"seq\":1,\"prev\":\"0000"), "its place comes first");
}

#[tokio::test]
async fn h08_nothing_from_outside_breaks_out_of_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    let attack = "\"}\r\n{\"seq\":2,\"prev\":\"\u{1b}[2J\u{9b}2K\u{202e}";
    let hostile = event(attack)
        .user_agent(attack)
        .parameter(Parameter::Tag(attack.into()), attack)
        .error(attack, attack)
        .steps([Step::failed(attack, attack, attack)]);
    audit.record(hostile).await.unwrap();
    let bytes = fs::read(folder.path().join("audit.jsonl")).unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "only printable characters");
    assert_eq!(lines(&folder.path().join("audit.jsonl"))[0]["userAgent"], attack, "and nothing is lost");
}

#[tokio::test]
async fn the_largest_event_is_still_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    let long = "\u{1b}".repeat(10_000);
    let mut event = issued(&long).user_agent(long.as_str()).error(long.as_str(), long.as_str());
    for number in 0..100 {
        let key = format!("{number}{long}");
        event = event.parameter(Parameter::Tag(key.into()), long.as_str()).steps([Step::failed(
            long.as_str(),
            long.as_str(),
            long.as_str(),
        )]);
    }
    audit.record(event).await.unwrap();
    assert!(fs::metadata(folder.path().join("audit.jsonl")).unwrap().len() < MAX_LINE as u64);
    verify(&folder.path().join("audit.jsonl"), Start::Beginning, None).unwrap();
}

#[tokio::test]
async fn a_request_is_found_in_all_files_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let files = files(&settings.file, &settings.refusals_file);
    let (audit, _) = open(folder.path()).unwrap();
    let steps = [
        Step::passed("signature", "RS256"),
        Step::failed("audience", "other", "sts.amazonaws.com"),
        Step::not_reached("trust policy"),
    ];
    let refused = event("wanted").steps(steps);
    audit.refusal(refused.error("InvalidIdentityToken", "Incorrect token audience"));
    let later = Event::new(
        "2026-11-22T02:04:00Z".parse().unwrap(),
        Source::Sts,
        "GetCallerIdentity",
        "wanted",
        [1; 16],
    );
    audit.record(event("other").user_agent("wanted")).await.unwrap();
    audit.record(later).await.unwrap();
    drop(audit);

    let found = find(&files, "wanted").unwrap();
    let names: Vec<_> = found.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["GetCallerIdentity", "AssumeRoleWithWebIdentity"]);
    let steps = json!([
        { "step": "signature", "outcome": "passed", "seen": "RS256" },
        { "step": "audience", "outcome": "failed", "seen": "other", "wanted": "sts.amazonaws.com" },
        { "step": "trust policy", "outcome": "not reached" },
    ]);
    assert_eq!(found[1]["additionalEventData"]["step"], steps);
    assert!(find(&files, "unknown").unwrap().is_empty());
}
