//! What a decision and its explanation tell: the statement with its place, and each condition with what was seen.

use daypass_evaluator::{Document, Kind, Outcome, Policies, PolicyType, evaluate, explain};
use serde_json::json;

use crate::support;

const TEXT: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Other", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
  {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*",
   "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["core", "infra"]}, "Bool": {"aws:SecureTransport": true}}}]}"#;

fn request(team: &str) -> serde_json::Value {
    json!({ "principal": "arn:aws:iam::111122223333:user/kim", "action": "s3:GetObject", "resource": "arn:aws:s3:::data/a",
        "resource_account": "111122223333", "context": { "aws:PrincipalTag/team": team, "aws:SecureTransport": "true" } })
}

fn sets() -> support::Sets {
    let policies =
        Policies::compile(&[Document { name: "kim/read.json", text: TEXT, kind: Kind::Identity }]).unwrap();
    support::Sets { identity: vec![policies], ..Default::default() }
}

#[test]
fn an_allow_names_its_statement() {
    support::with_request(&request("core"), |request| {
        sets().with(|applicable| {
            let decision = evaluate(request, applicable);
            let view = applicable.statement(&decision).unwrap();
            assert_eq!((view.policy(), view.sid(), view.position()), ("kim/read.json", "Read", (3, 3)));
            assert_eq!(decision.policy_type(), Some(PolicyType::Identity));
        });
    });
}

#[test]
fn a_denial_says_what_was_seen_and_wanted() {
    support::with_request(&request("sales"), |request| {
        let explained = sets().with(|applicable| explain(request, applicable));
        assert_eq!(explained.outcome, Outcome::ImplicitDeny);
        let expected = json!({
            "outcome": "implicitDeny",
            "decidedBy": "identity",
            "missing": "a statement in the identity-based policy that allows `s3:GetObject` on `arn:aws:s3:::data/a`",
            "considered": [{
                "policyType": "identity", "policy": "kim/read.json", "sid": "Read", "line": 3, "column": 3,
                "effect": "Allow", "result": "conditionNotMet",
                "conditions": [
                    { "operator": "StringEquals", "key": "aws:PrincipalTag/team", "seen": ["sales"], "wanted": ["core", "infra"], "met": false },
                    { "operator": "Bool", "key": "aws:SecureTransport", "seen": ["true"], "wanted": ["true"], "met": true },
                ],
            }],
        });
        assert_eq!(serde_json::to_value(&explained).unwrap(), expected);
    });
}

#[test]
fn faults_come_all_at_once_with_their_places() {
    let text = "{\"Version\": \"2012-10-17\", \"Statement\": [\n {\"Effect\": \"Allow\", \"Action\": \"read\", \"Resource\": \"data\"}]}";
    let errors = Policies::compile(&[Document { name: "p.json", text, kind: Kind::Identity }]).unwrap_err();
    let shown: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "p.json:2:52: Resource data must be in ARN format or \"*\".: write `arn:partition:service:region:account:resource`, or `*`",
            "p.json:2:32: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: write the action as `service:Operation`",
        ]
    );
}

#[test]
fn the_keys_that_policies_ask_for_are_listed() {
    assert_eq!(sets().identity[0].condition_keys(), ["aws:principaltag/team", "aws:securetransport"]);
}

#[test]
fn the_keys_of_variables_are_listed_too_as_written() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
      {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}/*",
       "Condition": {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/Team, 'none'}"},
                     "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:PrincipalAccount}:*"},
                     "Bool": {"aws:MultiFactorAuthPresent": "${aws:SecureTransport}"}}},
      {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::${AWS:UserName}"}]}"#;
    let policies = Policies::compile(&[Document { name: "p", text, kind: Kind::Identity }]).unwrap();
    assert_eq!(
        policies.context_keys(),
        [
            "aws:username",
            "aws:RequestTag/team",
            "aws:PrincipalTag/Team",
            "aws:SourceArn",
            "aws:PrincipalAccount",
            "aws:MultiFactorAuthPresent",
            "aws:SecureTransport",
        ]
    );
    assert_eq!((policies.work(0), policies.work(99)), (text.len(), text.len()));
}

#[test]
fn an_explanation_has_the_ends_of_statements_and_the_keys_that_a_request_lacks() {
    let asked = json!({ "principal": "arn:aws:iam::111122223333:user/kim", "action": "s3:GetObject",
        "resource": "arn:aws:s3:::data/a", "resource_account": "111122223333",
        "context": { "aws:SecureTransport": "true" } });
    support::with_request(&asked, |request| {
        let explained = sets().with(|applicable| explain(request, applicable));
        let [considered] = explained.considered.as_slice() else { panic!("{explained:?}") };
        let line = TEXT.lines().nth(3).unwrap();
        assert_eq!(considered.position.end, (4, u32::try_from(line.len() - 1).unwrap()));
        assert_eq!(considered.absent, ["aws:PrincipalTag/team"]);
    });
}
