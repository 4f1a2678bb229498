//! Why a request was allowed or denied: every statement that spoke of it, each condition with what was seen and what was
//! wanted, and for a denial what would have had to be there.

use serde::Serialize;

use crate::applicable::Applicable;
use crate::condition::Condition;
use crate::context::Seen;
use crate::decide::evaluate;
use crate::decision::{Outcome, PolicyType};
use crate::inspect::StatementView;
use crate::policies::{Policies, written_once};
use crate::request::{Facts, Lowered, Request};
use crate::statement::{Effect, Mismatch, Statement};

/// A decision with its reasons, in the order in which the policies were asked; stable, for JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// What [`evaluate`] answers for the same arguments.
    pub outcome: Outcome,
    /// The type of policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<PolicyType>,
    /// The statement that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Position>,
    /// For an implicit deny: what would have had to be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Every statement that speaks of the action, and how it came out.
    pub considered: Vec<Considered>,
}

/// Where a statement stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Position {
    /// The document's name.
    pub policy: String,
    /// Empty where the statement has none.
    pub sid: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Line and column just behind its closing brace.
    #[serde(skip)]
    pub end: (u32, u32),
}

/// How one statement came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Considered {
    /// The type of its policy.
    pub policy_type: PolicyType,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Whether it applies, or the first part of it that doesn't fit.
    pub result: Fit,
    /// Its conditions, once principal and resource fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionResult>,
    /// The keys that its conditions and variables ask for and the request doesn't have, as written.
    #[serde(skip)]
    pub absent: Vec<String>,
}

/// Whether a statement applies to a request, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Fit {
    /// It applies.
    Applies,
    /// It speaks of other resources.
    OtherResource,
    /// It speaks of other principals.
    OtherPrincipal,
    /// A condition isn't met.
    ConditionNotMet,
}

/// One condition against one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConditionResult {
    /// As written.
    pub operator: String,
    /// As written.
    pub key: String,
    /// The request's values; empty where the key is absent.
    pub seen: Vec<String>,
    /// The policy's values, as written.
    pub wanted: Vec<String>,
    /// Whether it lets the statement apply.
    pub met: bool,
}

/// Decides as [`evaluate`] does, and says why.
pub fn explain(request: &Request<'_>, policies: &Applicable<'_>) -> Explanation {
    let decision = evaluate(request, policies);
    let mut room = Lowered::new();
    let considered = Facts::of(request, policies.boundary.is_some(), &mut room)
        .map_or_else(Vec::new, |facts| {
            policies.sets().flat_map(|(kind, set)| consider(kind, set, &facts)).collect()
        });
    Explanation {
        outcome: decision.outcome(),
        decided_by: decision.policy_type(),
        statement: policies.statement(&decision).map(position),
        missing: (decision.outcome() == Outcome::ImplicitDeny)
            .then(|| missing(request, decision.policy_type())),
        considered,
    }
}

fn missing(request: &Request<'_>, kind: Option<PolicyType>) -> String {
    let Request { action, resource, .. } = request;
    match kind {
        None => format!("an action `service:Operation` and a resource ARN, not `{action}` on `{resource}`"),
        Some(kind @ (PolicyType::ServiceControl | PolicyType::ResourceControl)) => {
            format!("at each level a {} that allows `{action}` on `{resource}`", kind.name())
        }
        Some(kind) => format!("a statement in the {} that allows `{action}` on `{resource}`", kind.name()),
    }
}

fn consider(policy_type: PolicyType, policies: &Policies, facts: &Facts<'_>) -> Vec<Considered> {
    let statements = policies.statements();
    let speaking = statements.filter_map(|view| {
        let result = match view.statement.apply(facts) {
            Ok(_) => Fit::Applies,
            Err(Mismatch::Action) => return None,
            Err(Mismatch::Resource) => Fit::OtherResource,
            Err(Mismatch::Principal) => Fit::OtherPrincipal,
            Err(Mismatch::Conditions) => Fit::ConditionNotMet,
        };
        let conditions = match result {
            Fit::Applies | Fit::ConditionNotMet => conditions(view.statement, facts),
            Fit::OtherResource | Fit::OtherPrincipal => Vec::new(),
        };
        let effect = match view.statement.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let absent = view.statement.keys().filter(|key| matches!(key.seen(facts.request), Seen::Absent));
        let absent = written_once(absent).into_iter().map(str::to_owned).collect();
        Some(Considered { policy_type, position: position(view), effect, result, conditions, absent })
    });
    speaking.collect()
}

fn conditions(statement: &Statement, facts: &Facts<'_>) -> Vec<ConditionResult> {
    let result = |condition: &Condition| ConditionResult {
        operator: condition.operator.written.to_string(),
        key: condition.key.written().to_owned(),
        seen: condition.key.seen(facts.request).iter().map(str::to_owned).collect(),
        wanted: condition.wanted.clone(),
        met: statement.holds(condition.truth(facts.request)),
    };
    statement.conditions.iter().map(result).collect()
}

fn position(view: StatementView<'_>) -> Position {
    let (line, column) = view.position();
    Position { policy: view.policy().to_owned(), sid: view.sid().to_owned(), line, column, end: view.end() }
}
