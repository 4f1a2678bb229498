//! The others, each given the same statements in its own language and asked through its fastest public way.

use std::fmt::Write as _;
use std::str::FromStr as _;

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use cedar_policy as cedar;

use crate::ours;
use crate::question::{Document, Request, Statement};

/// An engine with policies, and requests in its own form.
pub(crate) trait Engine {
    /// True where the request of that number is allowed.
    fn allows(&mut self, request: usize) -> bool;
}

fn statements(documents: &[Document]) -> impl Iterator<Item = &Statement> {
    documents.iter().flatten()
}

pub(crate) struct Cedar {
    authorizer: cedar::Authorizer,
    policies: cedar::PolicySet,
    entities: cedar::Entities,
    requests: Vec<cedar::Request>,
}

impl Cedar {
    pub(crate) fn new(documents: &[Document], requests: &[Request]) -> Self {
        let mut text = String::new();
        for statement in statements(documents) {
            let effect = if statement.allow { "permit" } else { "forbid" };
            let any = |name: &str, patterns: &[String]| {
                let one = |pattern: &String| match pattern.strip_suffix('*') {
                    Some(_) => format!("context.{name} like \"{pattern}\""),
                    None => format!("context.{name} == \"{pattern}\""),
                };
                patterns.iter().map(one).collect::<Vec<_>>().join(" || ")
            };
            let (actions, resources) = (any("action", &statement.actions), any("arn", &statement.resources));
            let team =
                statement.team.map_or_else(String::new, |team| format!(" && context.team == \"{team}\""));
            let _ = writeln!(
                text,
                "{effect} (principal, action, resource) when {{ ({actions}) && ({resources}){team} }};"
            );
        }
        let uid = |text: &str| cedar::EntityUid::from_str(text).unwrap();
        let request = |request: &Request| {
            let text = |value: &str| cedar::RestrictedExpression::new_string(value.to_owned());
            let pairs = [("action", &*request.action), ("arn", &*request.resource), ("team", request.team)];
            let context =
                cedar::Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), text(value))))
                    .unwrap();
            cedar::Request::new(
                uid("User::\"kim\""),
                uid("Action::\"ask\""),
                uid("Resource::\"any\""),
                context,
                None,
            )
            .unwrap()
        };
        Self {
            authorizer: cedar::Authorizer::new(),
            policies: text.parse().unwrap(),
            entities: cedar::Entities::empty(),
            requests: requests.iter().map(request).collect(),
        }
    }
}

impl Engine for Cedar {
    fn allows(&mut self, request: usize) -> bool {
        let answer = self.authorizer.is_authorized(&self.requests[request], &self.policies, &self.entities);
        answer.decision() == cedar::Decision::Allow
    }
}

pub(crate) struct Rego {
    policy: regorus::CompiledPolicy,
    inputs: Vec<regorus::Value>,
}

impl Rego {
    pub(crate) fn new(documents: &[Document], requests: &[Request]) -> Self {
        let mut text = "package authz\nimport rego.v1\ndefault allow := false\ndefault granted := false\ndefault denied := false\nallow if { granted; not denied }\n".to_owned();
        for statement in statements(documents) {
            let rule = if statement.allow { "granted" } else { "denied" };
            let team = statement.team.map_or_else(String::new, |team| format!("input.team == \"{team}\"; "));
            let one = |name: &str, pattern: &String| match pattern.strip_suffix('*') {
                Some(start) => format!("startswith(input.{name}, \"{start}\")"),
                None => format!("input.{name} == \"{pattern}\""),
            };
            for action in &statement.actions {
                for resource in &statement.resources {
                    let (action, resource) = (one("action", action), one("resource", resource));
                    let _ = writeln!(text, "{rule} if {{ {team}{action}; {resource} }}");
                }
            }
        }
        let mut engine = regorus::Engine::new();
        engine.add_policy("authz.rego".to_owned(), text).unwrap();
        let input = |request: &Request| {
            let members =
                [("action", &*request.action), ("resource", &*request.resource), ("team", request.team)];
            let members =
                members.map(|(name, value)| (regorus::Value::from(name), regorus::Value::from(value)));
            regorus::Value::from(std::collections::BTreeMap::from(members))
        };
        Self {
            policy: engine.compile_with_entrypoint(&"data.authz.allow".into()).unwrap(),
            inputs: requests.iter().map(input).collect(),
        }
    }
}

impl Engine for Rego {
    fn allows(&mut self, request: usize) -> bool {
        let answer = self.policy.eval_with_input(self.inputs[request].clone()).unwrap();
        answer == regorus::Value::from(true)
    }
}

const MODEL: &str = "[request_definition]\nr = act, obj, team\n[policy_definition]\np = act, obj, team, eft\n\
    [policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\
    [matchers]\nm = keyMatch(r.act, p.act) && keyMatch(r.obj, p.obj) && (p.team == \"any\" || r.team == p.team)\n";

pub(crate) struct Casbin {
    enforcer: Enforcer,
    requests: Vec<(String, String, String)>,
}

impl Casbin {
    pub(crate) fn new(documents: &[Document], requests: &[Request]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut rules = Vec::new();
        for statement in statements(documents) {
            let effect = if statement.allow { "allow" } else { "deny" };
            for action in &statement.actions {
                for resource in &statement.resources {
                    let rule = [action, resource, statement.team.unwrap_or("any"), effect];
                    rules.push(rule.map(str::to_owned).to_vec());
                }
            }
        }
        rules.sort();
        rules.dedup();
        let enforcer = runtime.block_on(async {
            let model = DefaultModel::from_str(MODEL).await.unwrap();
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
            enforcer.add_policies(rules).await.unwrap();
            enforcer
        });
        let request =
            |request: &Request| (request.action.clone(), request.resource.clone(), request.team.to_owned());
        Self { enforcer, requests: requests.iter().map(request).collect() }
    }
}

impl Engine for Casbin {
    fn allows(&mut self, request: usize) -> bool {
        let (action, resource, team) = &self.requests[request];
        self.enforcer.enforce((action, resource, team)).unwrap()
    }
}

pub(crate) struct IamRs {
    evaluator: iam_rs::PolicyEvaluator,
    requests: Vec<iam_rs::IAMRequest>,
}

impl IamRs {
    pub(crate) fn new(documents: &[Document], requests: &[Request]) -> Self {
        let policy = |document: &Document| serde_json::from_value(ours::json(document)).unwrap();
        let request = |request: &Request| {
            let context = iam_rs::Context::new().with_string("aws:PrincipalTag/team", request.team);
            let arn = "arn:aws:iam::111122223333:user/kim".to_owned();
            let principal = iam_rs::Principal::Aws(iam_rs::PrincipalId::String(arn));
            let resource = iam_rs::Arn::parse(&request.resource).unwrap();
            iam_rs::IAMRequest::new_with_context(principal, &*request.action, resource, context)
        };
        Self {
            evaluator: iam_rs::PolicyEvaluator::with_policies(documents.iter().map(policy).collect()),
            requests: requests.iter().map(request).collect(),
        }
    }
}

impl Engine for IamRs {
    fn allows(&mut self, request: usize) -> bool {
        let answer = self.evaluator.evaluate(&self.requests[request]).unwrap();
        answer.decision == iam_rs::Decision::Allow
    }
}
