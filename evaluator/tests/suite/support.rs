//! Reads a case (policies, request, expected answer) from JSON and decides it.

use daypass_evaluator::{
    Applicable, Context, Decision, Document, Kind, Outcome, Policies, PolicyError, Principal, Request,
    evaluate,
};
use serde_json::Value;

/// The policies of a case, compiled.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    pub(crate) identity: Vec<Policies>,
    pub(crate) boundary: Option<Policies>,
    pub(crate) session: Vec<Policies>,
    pub(crate) service_control: Vec<Policies>,
    pub(crate) resource: Option<Policies>,
    pub(crate) resource_control: Vec<Policies>,
}

impl Sets {
    pub(crate) fn read(policies: &Value, action: &str) -> Result<Self, Vec<PolicyError>> {
        // Collections give a role's trust policy as its resource policy.
        let assumes = action.to_ascii_lowercase().starts_with("sts:assumerole");
        let resource_kind = if assumes { Kind::Trust } else { Kind::Resource };
        let one = |v: &Value, kind| compile(std::slice::from_ref(v), kind);
        let each = |v: &Value, kind| match v.as_array() {
            Some(documents) => documents.iter().map(|d| one(d, kind)).collect(),
            None => Ok(Vec::new()),
        };
        let levels = |v: &Value, kind| match v.as_array() {
            Some(levels) => levels.iter().map(|level| compile(level.as_array().unwrap(), kind)).collect(),
            None => Ok(Vec::new()),
        };
        let session = policies["session"].as_array();
        Ok(Self {
            identity: each(&policies["identity"], Kind::Identity)?,
            boundary: policies["boundary"].as_array().map(|d| compile(d, Kind::Managed)).transpose()?,
            session: session.map(|d| compile(d, Kind::Session)).transpose()?.into_iter().collect(),
            service_control: levels(&policies["scp"], Kind::ServiceControl)?,
            resource: match (&policies["trust"], &policies["resource"]) {
                (Value::Null, Value::Null) => None,
                (Value::Null, resource) => Some(one(resource, resource_kind)?),
                (trust, _) => Some(one(trust, Kind::Trust)?),
            },
            resource_control: levels(&policies["rcp"], Kind::ResourceControl)?,
        })
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Applicable<'_>) -> T) -> T {
        let identity: Vec<_> = self.identity.iter().collect();
        let session: Vec<_> = self.session.iter().collect();
        let service_control: Vec<_> = self.service_control.iter().collect();
        let resource_control: Vec<_> = self.resource_control.iter().collect();
        ask(&Applicable {
            identity: &identity,
            boundary: self.boundary.as_ref(),
            session: &session,
            service_control: &service_control,
            resource: self.resource.as_ref(),
            resource_control: &resource_control,
        })
    }
}

/// Compiles documents given as JSON, or as strings where the text itself matters.
pub(crate) fn compile(documents: &[Value], kind: Kind) -> Result<Policies, Vec<PolicyError>> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let texts: Vec<String> = documents.iter().map(text).collect();
    let documents: Vec<_> = texts.iter().map(|text| Document { name: "case", text, kind }).collect();
    Policies::compile(&documents)
}

/// Hands the request of a case to `ask`.
pub(crate) fn with_request<T>(request: &Value, ask: impl FnOnce(&Request<'_>) -> T) -> T {
    let mut context = Context::new();
    for (key, value) in request["context"].as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => context.set_all(key.as_str(), values.iter().map(|v| v.as_str().unwrap())),
            value => context.set(key.as_str(), value.as_str().unwrap()),
        };
    }
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    let arn = text("principal");
    let held = Held::of(request, arn);
    ask(&Request {
        principal: held.principal(arn),
        action: text("action"),
        resource: text("resource"),
        resource_account: text("resource_account"),
        context: &context,
    })
}

/// What a principal is made of, where a case gives its session ARN only.
struct Held {
    role_arn: String,
    id: String,
    issuer: String,
}

impl Held {
    fn of(request: &Value, arn: &str) -> Self {
        let account = arn.split(':').nth(4).unwrap_or_default();
        let mut path = arn.rsplit(':').next().unwrap_or_default().split('/').skip(1);
        let (name, session) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
        let given = |field: &str| request[field].as_str().map(str::to_owned);
        let role_arn = given("role_arn").unwrap_or_else(|| format!("arn:aws:iam::{account}:role/{name}"));
        let default_id = match arn {
            _ if arn.contains(":assumed-role/") => format!("AROADEFAULTDEFAULT:{session}"),
            _ if arn.contains(":federated-user/") => format!("{account}:{name}"),
            _ => "AIDADEFAULTDEFAULT".to_owned(),
        };
        let issuer = given("user_arn").unwrap_or_else(|| format!("arn:aws:iam::{account}:user/issuer"));
        Self { role_arn, id: given("id").unwrap_or(default_id), issuer }
    }

    fn principal<'a>(&'a self, arn: &'a str) -> Principal<'a> {
        match arn {
            "" | "anonymous" => Principal::Anonymous,
            _ if arn.contains(":assumed-role/") => {
                Principal::RoleSession { role_arn: &self.role_arn, session_arn: arn, id: &self.id }
            }
            _ if arn.contains(":federated-user/") => Principal::FederatedUser {
                arn,
                id: &self.id,
                user_arn: &self.issuer,
                user_id: "AIDAISSUERISSUER",
            },
            _ if arn.contains("-provider/") => Principal::Federated { provider: arn },
            _ if arn.ends_with(":root") => Principal::Root { arn },
            _ if arn.starts_with("arn:") => Principal::User { arn, id: &self.id },
            _ => Principal::Service { name: arn },
        }
    }
}

/// The answer to a case; a case whose policies don't compile is denied, as nothing of it can be loaded.
pub(crate) fn decide(case: &Value) -> &'static str {
    let request = &case["request"];
    let Ok(sets) = Sets::read(&case["policies"], request["action"].as_str().unwrap()) else {
        return "implicit_deny";
    };
    with_request(request, |request| sets.with(|applicable| name(evaluate(request, applicable))))
}

pub(crate) fn name(decision: Decision) -> &'static str {
    match decision.outcome() {
        Outcome::Allow => "allow",
        Outcome::ExplicitDeny => "explicit_deny",
        Outcome::ImplicitDeny => "implicit_deny",
    }
}
