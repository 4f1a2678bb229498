//! `daypass reload`: take the changed configuration in now rather than when the change is noticed.

use std::process::ExitCode;

use daypass_broker::api::admin::ReloadAnswer;

use super::broker::Broker;
use super::socket::ask;
use super::{Done, Output, json, load, print, say};

/// Which broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    broker: Broker,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Checks the configuration if it is at hand, has the broker take it in, and says which version is in force then.
pub(crate) fn run(arguments: &Arguments) -> Done {
    if let Some(config) = &arguments.broker.config {
        say(&load(config)?.warnings.to_text(false));
    }
    let answer: ReloadAnswer = ask(&arguments.broker.socket()?, "/reload", &())?;
    match arguments.output {
        Output::Json => print(&json(&answer)?)?,
        Output::Table => print(&format!("version {} is in force\n", answer.version))?,
    }
    Ok(ExitCode::SUCCESS)
}
