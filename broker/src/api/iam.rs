//! IAM's simulation, version 2010-05-08: what policies would answer, asked over the wire by whoever may ask.

use daypass_evaluator::Policies;

use super::caller::{Operation, by_caller, caller, event};
use super::error::WireError;
use super::form::Fields;
use super::request::Incoming;
use super::sts::Answer;
use crate::app::{App, Meter};
use crate::audit::{Decision, Parameter, Source, Step};
use crate::authorize::{Action, Caller};
use crate::config::Snapshot;
use crate::role::AccountId;
use parameters::Parameters;
use policies::Sources;

mod context;
mod entity;
mod parameters;
mod policies;
mod render;
mod simulation;

pub(super) const VERSION: &str = "2010-05-08";
pub(super) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    ContextKeysForCustom,
    ContextKeysForPrincipal,
    SimulateCustom,
    SimulatePrincipal,
}

impl Call {
    fn named(action: &str) -> Option<Self> {
        Some(match action {
            "GetContextKeysForCustomPolicy" => Self::ContextKeysForCustom,
            "GetContextKeysForPrincipalPolicy" => Self::ContextKeysForPrincipal,
            "SimulateCustomPolicy" => Self::SimulateCustom,
            "SimulatePrincipalPolicy" => Self::SimulatePrincipal,
            _ => return None,
        })
    }

    /// The action that the caller's policies must allow.
    const fn action(self) -> &'static str {
        match self {
            Self::ContextKeysForCustom => "iam:GetContextKeysForCustomPolicy",
            Self::ContextKeysForPrincipal => "iam:GetContextKeysForPrincipalPolicy",
            Self::SimulateCustom => "iam:SimulateCustomPolicy",
            Self::SimulatePrincipal => "iam:SimulatePrincipalPolicy",
        }
    }

    fn operation(self) -> Operation {
        let name = self.action().strip_prefix("iam:").unwrap_or_default();
        Operation { source: Source::Iam, name, service: "iam" }
    }

    const fn simulates(self) -> bool {
        matches!(self, Self::SimulateCustom | Self::SimulatePrincipal)
    }

    const fn names_principal(self) -> bool {
        matches!(self, Self::ContextKeysForPrincipal | Self::SimulatePrincipal)
    }

    const fn meter(self, app: &App) -> &Meter {
        match self {
            Self::ContextKeysForCustom => &app.meters.context_keys_custom,
            Self::ContextKeysForPrincipal => &app.meters.context_keys_principal,
            Self::SimulateCustom => &app.meters.simulate_custom,
            Self::SimulatePrincipal => &app.meters.simulate_principal,
        }
    }
}

/// A refusal of a known caller, with what the operator is told of it.
struct Refused {
    error: WireError,
    steps: Vec<Step<'static>>,
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        Self { error, steps: Vec::new() }
    }
}

/// Whether an action is an operation of this API.
pub(super) fn has(action: &str) -> bool {
    Call::named(action).is_some()
}

/// What an operation answers; every answer to a known caller is in the audit trail.
pub(super) fn answer<'a>(
    app: &'a App,
    incoming: &Incoming,
    action: &str,
    fields: &Fields<'_>,
) -> (&'a Meter, Answer) {
    match Call::named(action) {
        Some(call) => (call.meter(app), recorded(app, incoming, call, fields)),
        None => (&app.meters.unknown, Err(WireError::internal())),
    }
}

fn recorded(app: &App, incoming: &Incoming, call: Call, fields: &Fields<'_>) -> Answer {
    let snapshot = app.snapshot.load();
    let caller = caller(app, &snapshot, incoming, call.operation())?;
    let parameters = Parameters::read(fields, call);
    let mut event = by_caller(event(app, incoming, call.operation()), &caller);
    if let Ok(parameters) = &parameters {
        event = event.parameter(Parameter::Resource, parameters.authorized_resource());
    }
    let answered = parameters
        .as_ref()
        .map_err(|error| Refused::from(error.clone()))
        .and_then(|parameters| decided(app, &snapshot, incoming, &caller, call, parameters));
    match answered {
        Ok((body, statement)) => {
            app.audit.note(event.decision(Decision::Allow, statement.map(Into::into)));
            Ok(body)
        }
        Err(Refused { error, steps }) => {
            let event = event.error(error.code, error.message.clone());
            app.audit.note(event.steps(steps));
            Err(error)
        }
    }
}

/// The answer, and the statement by which the caller may have it.
fn decided(
    app: &App,
    snapshot: &Snapshot,
    incoming: &Incoming,
    caller: &Caller,
    call: Call,
    parameters: &Parameters<'_>,
) -> Result<(String, Option<String>), Refused> {
    let statement = permitted(app, snapshot, incoming, caller, call, parameters)?;
    let sources = Sources::read(&snapshot.directory, caller, parameters)?;
    let body = if call.simulates() {
        // A page can cost as much as thousands of other requests: those go on on another worker.
        tokio::task::block_in_place(|| {
            simulation::answer(call, caller, parameters, &sources, &incoming.request_id)
        })?
    } else {
        render::context_keys(call, &context_keys(&sources.identity()), &incoming.request_id)
    };
    Ok((body, statement))
}

/// The statement that lets the caller ask, or AWS's sentence for who may not.
fn permitted(
    app: &App,
    snapshot: &Snapshot,
    incoming: &Incoming,
    caller: &Caller,
    call: Call,
    parameters: &Parameters<'_>,
) -> Result<Option<String>, Refused> {
    let resource = parameters.authorized_resource();
    let resource_account = match resource.split(':').nth(4).filter(|account| !account.is_empty()) {
        None => caller.role().account,
        Some(account) => AccountId::parse(account).map_err(|_| {
            let error = WireError::invalid_input(format!("ARN {resource} is not valid."));
            Refused { error, steps: Vec::new() }
        })?,
    };
    let action = Action {
        name: call.action(),
        resource,
        resource_account,
        context: &[],
        surroundings: incoming.surroundings(snapshot, app.clock.reading().now()),
    };
    let verdict = caller.may(&action, &snapshot.directory);
    if verdict.decision.is_allowed() {
        return Ok(verdict.statement);
    }
    let steps = verdict.steps();
    Err(Refused { error: WireError::forbidden("AccessDenied", verdict.reason), steps })
}

/// The keys that policies ask for, each once without regard to case.
fn context_keys<'p>(policies: &[&'p Policies]) -> Vec<&'p str> {
    let mut keys: Vec<&str> = Vec::new();
    for key in policies.iter().flat_map(|policies| policies.context_keys()) {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            keys.push(key);
        }
    }
    keys
}
