//! Loads a role's policies, decides two requests of its session, and prints why the second is denied:
//! `cargo run -p daypass-evaluator --example decide`.

use std::error::Error;

use daypass_evaluator::{
    Applicable, Context, Document, Kind, Policies, PolicyError, Principal, Request, evaluate, explain,
};

const ROLE_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "OwnTeam", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
      "Resource": "arn:aws:s3:::artifacts/${aws:PrincipalTag/team}/*",
      "Condition": { "Bool": { "aws:SecureTransport": true } } },
    { "Sid": "NeverReleases", "Effect": "Deny", "Action": "s3:PutObject",
      "Resource": "arn:aws:s3:::artifacts/*/releases/*" }
  ]
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let document =
        Document { name: "roles/Deploy/policies/artifacts.json", text: ROLE_POLICY, kind: Kind::Identity };
    let policies = Policies::compile(&[document]).map_err(|errors| first(&errors))?;

    let mut context = Context::new();
    context.set("aws:PrincipalTag/team", "core").set("aws:SecureTransport", "true");
    let applicable = Applicable { identity: &[&policies], ..Applicable::default() };

    for resource in
        ["arn:aws:s3:::artifacts/core/build-7.tar", "arn:aws:s3:::artifacts/core/releases/1.0.tar"]
    {
        let request = Request {
            principal: Principal::RoleSession {
                role_arn: "arn:aws:iam::111122223333:role/Deploy",
                session_arn: "arn:aws:sts::111122223333:assumed-role/Deploy/ci-1234",
                id: "AROAEXAMPLEEXAMPLE:ci-1234",
            },
            action: "s3:PutObject",
            resource,
            resource_account: "111122223333",
            context: &context,
        };
        let decision = evaluate(&request, &applicable);
        println!("{resource}: {:?}", decision.outcome());
        if !decision.is_allowed() {
            println!("{}", serde_json::to_string_pretty(&explain(&request, &applicable))?);
        }
    }
    Ok(())
}

fn first(errors: &[PolicyError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}
