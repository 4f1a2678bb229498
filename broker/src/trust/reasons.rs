//! An evaluator's explanation in lines for people: each statement that spoke of the request, and what it missed.

use daypass_evaluator::{Considered, Explanation, Fit, Position};

/// Every statement that speaks of the action, one text each; empty where none does.
///
/// A text says where the statement stands and how it came out: each condition that was not met, with the values seen
/// and wanted.
pub fn reasons(explanation: &Explanation) -> Vec<String> {
    explanation.considered.iter().map(reason).collect()
}

/// Where a statement stands, for people: policy, Sid if it has one, and line.
pub fn position(position: &Position) -> String {
    let sid = if position.sid.is_empty() { String::new() } else { format!(" {}", position.sid) };
    format!("{}{sid} (line {})", position.policy, position.line)
}

fn reason(considered: &Considered) -> String {
    let place = position(&considered.position);
    let effect = considered.effect;
    match considered.result {
        Fit::Applies => format!("{effect} in {place} applies"),
        Fit::OtherResource => format!("{effect} in {place} is for other resources"),
        Fit::OtherPrincipal => format!("{effect} in {place} is for other principals"),
        _ => {
            let missed: Vec<String> = considered.conditions.iter().filter(|one| !one.met).map(miss).collect();
            format!("{effect} in {place}: {}", missed.join("; "))
        }
    }
}

fn miss(condition: &daypass_evaluator::ConditionResult) -> String {
    let seen = match condition.seen.as_slice() {
        [] => "absent".to_owned(),
        values => quoted(values),
    };
    format!("`{}` is {seen}, {} wants {}", condition.key, condition.operator, quoted(&condition.wanted))
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
