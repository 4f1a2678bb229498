//! `daypass simulate`: what would be decided, from the directory alone and without a running broker.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use daypass_broker::clock::{self, Clock, Settling};
use daypass_broker::config::Snapshot;
use daypass_broker::simulate::{self, Wish};
use daypass_broker::trust::{Surroundings, position};
use daypass_evaluator::{Explanation, Fit, Outcome};
use serde_json::json;

use super::shown::shown;
use super::{DENIED, Done, Output, load, pretty_json, print};

mod input;

/// The question.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0: allowed. 3: denied. 1: the question or the configuration is at fault.\n\n\
    FILE for --trust is JSON: {\"provider\": \"<ARN or issuer>\", \"claims\": {…a token's payload…}, \"context\": {\"key\": [\"value\"]}, \
    \"session_name\": \"…\", \"tags\": {\"key\": \"value\"}, \"source_identity\": \"…\"}; all but `provider` may be left out."
)]
pub(crate) struct Arguments {
    /// The configuration, `daypass.toml`.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Who asks: a user's ARN, a role's, or a session's (`arn:aws:sts::…:assumed-role/<role>/<session>`).
    #[arg(long, value_name = "ARN", required_unless_present = "trust", conflicts_with = "trust")]
    principal: Option<String>,
    /// What they want to do, `service:Operation`.
    #[arg(long, required_unless_present = "trust", conflicts_with = "trust")]
    action: Option<String>,
    /// To what: the resource's ARN.
    #[arg(long, value_name = "ARN", required_unless_present = "trust", conflicts_with = "trust")]
    resource: Option<String>,
    /// A condition key and its value; again with the same key for a further value.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// Ask whether an identity may become a role, instead of what a session may do.
    #[arg(long, requires_all = ["role", "input"])]
    trust: bool,
    /// The role to become.
    #[arg(long, value_name = "ARN", requires = "trust")]
    role: Option<String>,
    /// The identity, as JSON; see below.
    #[arg(long, value_name = "FILE", requires = "trust")]
    input: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Prints the decision with its reasons; 0 if it is to allow, 3 if not.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let loaded = load(&arguments.config)?;
    let snapshot = &loaded.snapshot;
    let surroundings = surroundings(snapshot)?;
    let context = grouped(&arguments.context);
    let answers = match (&arguments.role, &arguments.input) {
        (Some(role), Some(input)) => trust(snapshot, role, input, &context, surroundings)?,
        _ => {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let (principal, action) = (text(&arguments.principal), text(&arguments.action));
            let resource = text(&arguments.resource);
            let wish = Wish {
                principal: &principal,
                action: &action,
                resource: &resource,
                context: &context,
                surroundings,
            };
            vec![(action.clone(), simulate::session(&snapshot.directory, &wish)?)]
        }
    };
    let allowed = answers.iter().all(|(_, answer)| answer.outcome == Outcome::Allow);
    match arguments.output {
        Output::Json => {
            let decision = if allowed { "allow" } else { "deny" };
            let decisions: Vec<_> = answers
                .iter()
                .map(|(action, explanation)| json!({ "action": action, "explanation": explanation }))
                .collect();
            print(&pretty_json(&json!({ "decision": decision, "answers": decisions }))?)?;
        }
        Output::Table => {
            let texts = answers.iter().map(|(action, answer)| text(action, answer));
            print(&texts.collect::<String>())?;
        }
    }
    Ok(if allowed { ExitCode::SUCCESS } else { DENIED.into() })
}

fn trust(
    snapshot: &Snapshot,
    role: &str,
    input: &Path,
    context: &[(String, Vec<String>)],
    surroundings: Surroundings<'_>,
) -> Result<Vec<(String, Explanation)>, Box<dyn std::error::Error>> {
    let input = input::Input::read(input)?;
    let identity = input.identity(&snapshot.directory, role)?;
    let answers = simulate::assumption(
        &snapshot.directory,
        &simulate::Assumption {
            action: "sts:AssumeRoleWithWebIdentity",
            role_arn: role,
            presented: identity.presented(),
            session_name: &identity.session_name,
            context,
            surroundings,
        },
    )?;
    Ok(answers.into_iter().map(|answer| (answer.action.to_owned(), answer.explanation)).collect())
}

/// A request from here, now, over TLS; `--context` says otherwise.
fn surroundings(snapshot: &Snapshot) -> Result<Surroundings<'_>, Box<dyn std::error::Error>> {
    let settings =
        clock::Settings { high_water_file: None, persist_every: Duration::MAX, settling: Settling::Calm };
    Ok(Surroundings {
        source_ip: None,
        secure: true,
        user_agent: "",
        region: &snapshot.settings.server.region,
        now: Clock::system(settings)?.reading().now(),
    })
}

fn grouped(pairs: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in pairs {
        match grouped.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.clone()),
            None => grouped.push((key.clone(), vec![value.clone()])),
        }
    }
    grouped
}

/// The decision, the statement that made it, and every statement and condition that mattered.
fn text(action: &str, explanation: &Explanation) -> String {
    let word = match explanation.outcome {
        Outcome::Allow => "allowed",
        Outcome::ExplicitDeny => "denied by a statement",
        Outcome::ImplicitDeny => "denied, since nothing allows it",
    };
    let mut out = format!("{}: {word}\n", shown(action));
    let mut line = |name: &str, text: &str| out.push_str(&format!("  {name:<8} {}\n", shown(text)));
    if let (Some(statement), Some(kind)) = (&explanation.statement, explanation.decided_by) {
        line("by", &format!("{} in the {}", position(statement), kind.name()));
    }
    for considered in &explanation.considered {
        let fits = match considered.result {
            Fit::Applies => "applies",
            Fit::OtherResource => "is for other resources",
            Fit::OtherPrincipal => "is for other principals",
            _ => "has conditions that are not met",
        };
        line("saw", &format!("{} in {} {fits}", considered.effect, position(&considered.position)));
        for condition in &considered.conditions {
            let mark = if condition.met { '✓' } else { '✗' };
            let seen =
                if condition.seen.is_empty() { "absent".to_owned() } else { condition.seen.join(", ") };
            let wanted = condition.wanted.join(", ");
            let (operator, key) = (&condition.operator, &condition.key);
            line("", &format!("{mark} {operator} {key}: seen {seen}; wanted {wanted}"));
        }
    }
    if let Some(missing) = &explanation.missing {
        line("wanted", missing);
    }
    out
}
