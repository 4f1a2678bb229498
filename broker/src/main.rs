//! `daypass`: the broker and the commands that an operator runs beside it.
// These macros panic where nobody reads any more; `commands::print` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

/// Requests are answered on one thread and written down on another: memory must be cheap to free where it was not made.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turns a proof of identity into expiring AWS-style credentials, and decides every request that they make.
#[derive(Debug, Parser)]
#[command(name = "daypass", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 denied, 5 a revocation is still propagating."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a broker to try out, with sample roles and an identity provider of its own.
    Dev(commands::dev::Arguments),
    /// Run the broker; it does not start on any error in its configuration.
    Serve(commands::serve::Arguments),
    /// Report every error of a configuration, with file, line, cause and fix.
    Check(commands::check::Arguments),
    /// List, show and end sessions of a running broker.
    Sessions(commands::sessions::Arguments),
    /// Make and change the keyring file.
    Keys(commands::keys::Arguments),
    /// Say what would be decided, from the configuration alone; exit 3 if it is to deny.
    Simulate(commands::simulate::Arguments),
    /// Say what became of a request, step by step, and why.
    Explain(commands::explain::Arguments),
    /// Check that the audit file is what was written.
    Audit(commands::audit::Arguments),
    /// Let a running broker take its changed configuration in now.
    Reload(commands::reload::Arguments),
    /// Vouch for a running broker's clock after it stepped.
    Clock(commands::clock::Arguments),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Dev(arguments) => commands::dev::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Sessions(arguments) => commands::sessions::run(&arguments),
        Command::Keys(arguments) => commands::keys::run(&arguments),
        Command::Simulate(arguments) => commands::simulate::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Audit(arguments) => commands::audit::run(&arguments),
        Command::Reload(arguments) => commands::reload::run(&arguments),
        Command::Clock(arguments) => commands::clock::run(&arguments),
    };
    match done {
        Ok(exit) => exit,
        Err(error) => {
            commands::say(&format!("error: {error}\n"));
            commands::FAILED.into()
        }
    }
}
