//! A page of a simulation: each action on each resource, within a budget.

use daypass_evaluator::{Applicable, Context};

use super::parameters::Parameters;
use super::policies::Sources;
use super::{Call, render};
use crate::api::error::WireError;
use crate::authorize::Caller;
use crate::role::AccountId;
use crate::simulate::{Simulated, SimulatedCaller, Simulation};

/// The most work of one page: questions times what one can cost, as policies count it. What is left over is for the next
/// page.
const MAX_WORK: usize = 1 << 18;
/// The most questions of one page.
const MAX_QUESTIONS: usize = 1_000;

/// One action with what is answered on each resource.
pub(super) struct Row<'f> {
    pub(super) action: &'f str,
    pub(super) all: Simulated,
    pub(super) each: Vec<(&'f str, Simulated)>,
}

pub(super) fn answer(
    call: Call,
    asker: &Caller,
    parameters: &Parameters<'_>,
    sources: &Sources<'_>,
    request_id: &str,
) -> Result<String, WireError> {
    let caller = simulated_caller(asker, parameters, sources)?;
    let mut context = Context::new();
    for (key, value) in sources.tags() {
        context.set(format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    for entry in &parameters.context {
        context.set_all(entry.key, entry.values.iter().copied());
    }
    let principal = caller.principal();
    let own_account = principal.account().unwrap_or_else(|| asker.account());
    let owner = parameters.resource_owner.map(account).transpose()?;
    let (identity, service_control) = (sources.identity(), sources.service_control());
    let simulation = Simulation {
        caller: &caller,
        policies: Applicable {
            identity: &identity,
            boundary: sources.boundary(),
            resource: sources.resource.as_ref(),
            service_control: &service_control,
            ..Applicable::default()
        },
        resource_owner: owner.as_ref().map_or(own_account, AccountId::as_str),
        context: &context,
    };
    let page = page(parameters, sources.work(parameters.longest_text()))?;
    let actions = parameters.actions.iter().skip(parameters.skip).take(page);
    let rows: Vec<_> = actions.filter_map(|action| row(&simulation, action, &parameters.resources)).collect();
    let next = parameters.skip.saturating_add(page);
    let next = (next < parameters.actions.len()).then(|| next.to_string());
    Ok(render::simulation(call, &rows, next.as_deref(), request_id))
}

/// How many actions this page has; an error if not even one is within the budget.
fn page(parameters: &Parameters<'_>, work: usize) -> Result<usize, WireError> {
    let resources = parameters.resources.len().max(1);
    let questions = MAX_WORK.checked_div(work).unwrap_or(MAX_QUESTIONS).min(MAX_QUESTIONS);
    match questions.checked_div(resources).unwrap_or(0) {
        0 => Err(WireError::invalid_input(format!(
            "At most {questions} resources can be simulated at once with policies and values of this size."
        ))),
        actions => Ok(actions.min(parameters.items)),
    }
}

fn row<'f>(simulation: &Simulation<'_>, action: &'f str, resources: &[&'f str]) -> Option<Row<'f>> {
    let each: Vec<_> =
        resources.iter().map(|resource| (*resource, simulation.ask(action, resource))).collect();
    let all = Simulated::together(each.iter().map(|(_, simulated)| simulated))?;
    Some(Row { action, all, each })
}

/// The caller that is named, else the entity whose policies are asked for, else whom `aws:username` supposes, else who asks.
fn simulated_caller(
    asker: &Caller,
    parameters: &Parameters<'_>,
    sources: &Sources<'_>,
) -> Result<SimulatedCaller, WireError> {
    let supposed = |key: &str| {
        let entry = parameters.context.iter().find(|entry| entry.key.eq_ignore_ascii_case(key));
        entry.and_then(|entry| entry.values.first().copied())
    };
    let id = supposed("aws:userid");
    let invalid = |arn: &str| WireError::invalid_input(format!("Invalid Caller ARN: {arn}"));
    let session = &asker.session().claims().session_name;
    let caller = match (parameters.caller_arn, &sources.entity, supposed("aws:username")) {
        (Some(arn), ..) => SimulatedCaller::named(arn, id).ok_or_else(|| invalid(arn))?,
        (None, Some(entity), _) => entity.caller(session),
        (None, None, Some(name)) => {
            let arn = format!("arn:aws:iam::{}:user/{name}", asker.account());
            SimulatedCaller::named(&arn, id).ok_or_else(|| invalid(&arn))?
        }
        (None, None, None) => SimulatedCaller::session(asker.role(), session),
    };
    for entry in &parameters.context {
        if let Some(fixed) = caller.fixes(entry.key)
            && fixed != entry.values.first().copied()
        {
            let message = format!("Invalid Context Entry: {} follows from the simulated caller", entry.key);
            return Err(WireError::invalid_input(message));
        }
    }
    Ok(caller)
}

/// The account of `ResourceOwner`: its number, or its root's ARN.
fn account(owner: &str) -> Result<AccountId, WireError> {
    let number =
        owner.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(owner);
    AccountId::parse(number).map_err(|_| WireError::invalid_input(format!("Invalid Resource Owner: {owner}")))
}
