//! `daypass clock`: what an operator says about the time.

use std::process::ExitCode;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::socket::ask;
use super::{Done, Output, json, print};

/// Which broker, and what about its clock.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    broker: Broker,
    /// How answers are printed.
    #[arg(long, value_enum, default_value = "table", global = true)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take the wall clock's word after it stepped, so that issuing goes on.
    ///
    /// A broker whose clock stepped by more than 30 s issues nothing until it is sure of the time. Set the machine's
    /// clock right first: credentials issued under a clock that is ahead outlive their time. Recorded in the audit trail.
    Reset,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    from: String,
    to: String,
}

/// Asks the broker and prints its answer.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let Command::Reset = arguments.command;
    let answer: Answer = ask(&arguments.broker.socket()?, "/clock/reset", &())?;
    match arguments.output {
        Output::Json => print(&json(&answer)?)?,
        Output::Table => {
            print(&format!("the clock is taken at its word: {} (was held at {})\n", answer.to, answer.from))?
        }
    }
    Ok(ExitCode::SUCCESS)
}
