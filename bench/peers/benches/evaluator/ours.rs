//! Daypass's evaluator.

use daypass_evaluator as ours;
use daypass_evaluator::{Applicable, Context, Kind, Policies, Principal};
use serde_json::{Value, json};

use crate::question::{Document, Request};

const ACCOUNT: &str = "111122223333";
const CALLER: Principal<'_> = Principal::RoleSession {
    role_arn: "arn:aws:iam::111122223333:role/Reader",
    session_arn: "arn:aws:sts::111122223333:assumed-role/Reader/kim",
    id: "AROAREADERREADERREADE:kim",
};

pub(crate) fn json(document: &Document) -> Value {
    let statements = document.iter().map(|statement| {
        let mut value = json!({ "Effect": if statement.allow { "Allow" } else { "Deny" },
            "Action": statement.actions, "Resource": statement.resources });
        if let Some(team) = statement.team {
            value["Condition"] = json!({ "StringEquals": { "aws:PrincipalTag/team": team } });
        }
        value
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}

pub(crate) fn compile(documents: &[Value], kind: Kind) -> Policies {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let documents: Vec<_> = texts.iter().map(|text| ours::Document { name: "policy", text, kind }).collect();
    Policies::compile(&documents).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(crate) fn contexts(requests: &[Request]) -> Vec<Context<'_>> {
    let context = |request: &Request| {
        let mut context = Context::new();
        context.set("aws:PrincipalTag/team", request.team);
        context
            .set("aws:SecureTransport", "true")
            .set("aws:SourceIp", "192.0.2.7")
            .set("aws:RequestedRegion", "eu-west-1");
        context
    };
    requests.iter().map(context).collect()
}

pub(crate) fn requests<'a>(requests: &'a [Request], contexts: &'a [Context<'a>]) -> Vec<ours::Request<'a>> {
    let request = |(request, context): (&'a Request, &'a Context<'a>)| ours::Request {
        principal: CALLER,
        action: &request.action,
        resource: &request.resource,
        resource_account: ACCOUNT,
        context,
    };
    requests.iter().zip(contexts).map(request).collect()
}

/// All types of policy at once, each with a say in the requests of the last of a hundred buckets.
pub(crate) struct AllTypes {
    identity: Policies,
    boundary: Policies,
    session: Policies,
    levels: [Policies; 3],
    resource_control: Policies,
    resource: Policies,
}

impl AllTypes {
    pub(crate) fn new(documents: &[Document]) -> Self {
        let documents: Vec<Value> = documents.iter().map(json).collect();
        let document = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
        let full = || json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        let guard = |action: &str| {
            json!({ "Effect": "Deny", "Action": action, "Resource": "*",
            "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["eu-west-1", "eu-central-1"] } } })
        };
        let level = |actions: &[&str]| {
            let mut statements = vec![full()];
            statements.extend(actions.iter().map(|action| guard(action)));
            compile(&[document(statements.into())], Kind::ServiceControl)
        };
        let of_everyone = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
        let in_clear = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
        let account = json!({ "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "s3:Get*",
            "Resource": "arn:aws:s3:::bucket-99/*" });
        let reads = json!([{ "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*" }]);
        Self {
            identity: compile(&documents, Kind::Managed),
            boundary: compile(&[document(reads.clone())], Kind::Managed),
            session: compile(&[document(reads)], Kind::Session),
            levels: [level(&["s3:*"]), level(&["ec2:*", "s3:Put*"]), level(&["*"])],
            resource_control: compile(&[document(json!([of_everyone, in_clear]))], Kind::ResourceControl),
            resource: compile(&[document(json!([account, in_clear]))], Kind::Resource),
        }
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Applicable<'_>) -> T) -> T {
        let [root, unit, account] = &self.levels;
        ask(&Applicable {
            identity: &[&self.identity],
            boundary: Some(&self.boundary),
            session: &[&self.session],
            service_control: &[root, unit, account],
            resource: Some(&self.resource),
            resource_control: &[&self.resource_control],
        })
    }
}
