//! What people see of a record.

use serde_json::json;

use super::*;

fn text(record: Value) -> String {
    serde_json::from_value::<Record>(record).unwrap().text("r-1")
}

fn refused() -> Value {
    json!({
        "eventTime": "2026-11-22T10:00:00Z", "eventName": "AssumeRoleWithWebIdentity",
        "sourceIPAddress": "10.0.0.1", "userAgent": "aws-cli/2",
        "userIdentity": { "type": "WebIdentityUser", "principalId": "https://idp.test:sts:alice" },
        "requestParameters": { "roleArn": "arn:aws:iam::111122223333:role/Deploy" },
        "errorCode": "Trust", "errorMessage": "not authorized to perform `sts:TagSession`",
        "additionalEventData": { "broker": "one", "step": [
            { "step": "signature", "outcome": "passed", "seen": "by a key of the provider" },
            { "step": "trust policy", "outcome": "failed", "seen": "no statement", "wanted": "a statement" },
            { "step": "duration", "outcome": "not reached" },
        ] },
    })
}

#[test]
fn each_step_is_marked_and_the_first_that_failed_says_what_to_do() {
    insta::assert_snapshot!(text(refused()), @r"
    r-1 2026-11-22T10:00:00Z AssumeRoleWithWebIdentity
      who      https://idp.test:sts:alice (WebIdentityUser)
      from     10.0.0.1, aws-cli/2
      asked    roleArn = arn:aws:iam::111122223333:role/Deploy
      broker   one
      answer   refused, Trust: not authorized to perform `sts:TagSession`
      ✓ signature              by a key of the provider
      ✗ trust policy           no statement
                               wanted: a statement
      · duration
      next     change the trust policy; `daypass simulate --trust` shows the effect beforehand
    ");
}

#[test]
fn what_a_stranger_wrote_cannot_steer_the_terminal() {
    let mut record = refused();
    record["userAgent"] = json!("\u{1b}[2J\u{202e}evil\nforged line");
    let text = text(record);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert!(text.contains("\\u{1b}[2J\\u{202e}evil\\nforged line"), "{text}");
}
