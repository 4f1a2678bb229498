//! The commands, one module each, and what they have in common: exit codes, output forms, the administration socket.

use std::path::Path;
use std::process::ExitCode;

use daypass_broker::config::{self, Loaded};
use daypass_broker::error::Diagnostics;

pub(crate) mod audit;
mod broker;
pub(crate) mod check;
pub(crate) mod clock;
pub(crate) mod dev;
pub(crate) mod explain;
pub(crate) mod keys;
mod print;
pub(crate) mod reload;
pub(crate) mod serve;
pub(crate) mod sessions;
mod shown;
pub(crate) mod simulate;
mod socket;

pub(crate) use print::say;
use print::{json, pretty_json, print};

/// What a command ends in: an exit code, or an error to print.
pub(crate) type Done = Result<ExitCode, Box<dyn std::error::Error>>;

/// Exit code of a command that failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code of a question whose answer is to deny.
pub(crate) const DENIED: u8 = 3;
/// Exit code of a command that was called wrongly.
pub(crate) const USAGE: u8 = 2;
/// Exit code of a revocation that is enforced here and not everywhere yet.
pub(crate) const PROPAGATING: u8 = 5;

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// JSON, for programs.
    Json,
    /// Columns, for people.
    Table,
}

/// The configuration at `path`, its errors printed if it has any.
pub(crate) fn load(path: &Path) -> Result<Loaded, Box<dyn std::error::Error>> {
    without_errors(path, config::load(path))
}

fn without_errors(
    path: &Path,
    loaded: Result<Loaded, Diagnostics>,
) -> Result<Loaded, Box<dyn std::error::Error>> {
    loaded.map_err(|diagnostics| {
        say(&diagnostics.to_text(false));
        let (errors, warnings) = diagnostics.counts();
        format!("{}: {errors} errors, {warnings} warnings; correct them, then try again", path.display())
            .into()
    })
}
