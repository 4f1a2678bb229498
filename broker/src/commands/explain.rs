//! `daypass explain`: what became of one request, step by step, from the local audit files.

use std::path::PathBuf;
use std::process::ExitCode;

use daypass_broker::audit::{files, find};
use serde::Deserialize;
use serde_json::Value;

use super::shown::shown;
use super::{Done, Output, load, pretty_json, print};

mod fix;

/// Which request.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The id that the answer carried: `x-amzn-requestid`, or `RequestId` in the error.
    request_id: String,
    /// The broker's configuration, which says where its audit files are.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// How the answer is printed; as JSON, the records are printed as they are.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// A record, as far as people want to see it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    event_time: String,
    event_name: String,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<String>,
    user_agent: Option<String>,
    user_identity: Identity,
    request_parameters: serde_json::Map<String, Value>,
    response_elements: Option<Response>,
    error_code: Option<String>,
    error_message: Option<String>,
    additional_event_data: Additional,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    #[serde(rename = "type")]
    kind: String,
    principal_id: Option<String>,
    arn: Option<String>,
    identity_provider: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    credentials: Credentials,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Credentials {
    access_key_id: String,
    expiration: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Additional {
    session_id: Option<String>,
    decision: Option<String>,
    statement: Option<String>,
    step: Vec<Step>,
    broker: String,
}

#[derive(Debug, Deserialize)]
struct Step {
    step: String,
    outcome: String,
    seen: Option<String>,
    wanted: Option<String>,
}

/// Prints every record of the request, newest first; fails if there is none.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let loaded = load(&arguments.config)?;
    let audit = &loaded.snapshot.settings.audit;
    let files = files(&audit.file, &audit.refusals_file);
    let found = find(&files, &arguments.request_id).map_err(|error| {
        format!("the audit files can't be read: {error}; run this as the broker's own user")
    })?;
    if found.is_empty() {
        let places: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        return Err(format!(
            "no record of request `{}` in {}; ask on the broker that answered it, and before its files are rotated",
            shown(&arguments.request_id),
            places.join(", ")
        )
        .into());
    }
    match arguments.output {
        Output::Json => print(&pretty_json(&found)?)?,
        Output::Table => {
            for value in found {
                let record: Record = serde_json::from_value(value).map_err(|error| {
                    format!("a record of the request does not read: {error}; see it with --output json")
                })?;
                print(&record.text(&arguments.request_id))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Record {
    fn text(&self, request_id: &str) -> String {
        let data = &self.additional_event_data;
        let mut out =
            format!("{} {} {}\n", shown(request_id), shown(&self.event_time), shown(&self.event_name));
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                out.push_str(&format!("  {name:<8} {}\n", shown(value)));
            }
        };
        line("who", &self.who());
        line(
            "from",
            &[self.source_ip_address.as_deref(), self.user_agent.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
        );
        for (name, value) in &self.request_parameters {
            line(
                "asked",
                &format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            );
        }
        line("broker", &data.broker);
        line("answer", &self.answer());
        for step in &data.step {
            out.push_str(&step.text());
        }
        let failed = data.step.iter().find(|step| step.outcome == "failed");
        if let Some(fix) = failed.and_then(|step| fix::of(&step.step)) {
            out.push_str(&format!("  {:<8} {fix}\n", "next"));
        }
        out
    }

    fn who(&self) -> String {
        let identity = &self.user_identity;
        let name = identity.arn.as_deref().or(identity.principal_id.as_deref()).unwrap_or("nobody known");
        let kind = if identity.kind.is_empty() { String::new() } else { format!(" ({})", identity.kind) };
        let through =
            identity.identity_provider.as_ref().map_or_else(String::new, |arn| format!(" through {arn}"));
        format!("{name}{kind}{through}")
    }

    fn answer(&self) -> String {
        let data = &self.additional_event_data;
        let session = data.session_id.as_ref().map_or_else(String::new, |id| format!(", session {id}"));
        match (&self.error_code, &self.response_elements, data.decision.as_deref()) {
            (Some(code), _, _) => format!("refused, {code}: {}", self.error_message.as_deref().unwrap_or("")),
            (None, Some(Response { credentials }), _) => {
                format!("credentials {} until {}{session}", credentials.access_key_id, credentials.expiration)
            }
            (None, None, Some(decision)) => {
                let by =
                    data.statement.as_ref().map_or_else(String::new, |statement| format!(" by {statement}"));
                format!("{}{by}{session}", if decision == "allow" { "allowed" } else { decision })
            }
            (None, None, None) => "done".to_owned(),
        }
    }
}

impl Step {
    fn text(&self) -> String {
        let mark = match self.outcome.as_str() {
            "passed" => '✓',
            "failed" => '✗',
            _ => '·',
        };
        let seen = self.seen.as_deref().unwrap_or_default();
        let mut out = format!("  {mark} {:<22} {}", shown(&self.step), shown(seen)).trim_end().to_owned();
        out.push('\n');
        if let Some(wanted) = &self.wanted {
            out.push_str(&format!("    {:<22} wanted: {}\n", "", shown(wanted)));
        }
        out
    }
}

#[cfg(test)]
mod tests;
