//! `daypass audit`: whether the audit file is still what was written.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use daypass_broker::audit::{Checkpoint, Start, verify_chain};

use super::{Done, Output, json, load, print};

/// What to do with the audit file.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that no line was changed, dropped, added or moved; exit 1 at the first that was.
    ///
    /// Whoever can write the file can cut off its end: only a checkpoint kept elsewhere shows that. A file that is being
    /// written may end in half a line, which is reported as garbled; check again.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The broker's configuration, which says where the audit file is.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE", required_unless_present = "file")]
    config: Option<PathBuf>,
    /// An audit file, in place of the configured one.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A checkpoint kept from before, `<number>:<hash>`: the file must hold that line.
    #[arg(long, value_name = "CHECKPOINT")]
    checkpoint: Option<Checkpoint>,
    /// The last checkpoint of the file before this one, if the file was rotated.
    #[arg(long, value_name = "CHECKPOINT")]
    after: Option<Checkpoint>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Prints what the file holds, or its first break.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let Command::Verify(verify) = &arguments.command;
    let path = match (&verify.file, &verify.config) {
        (Some(file), _) => file.clone(),
        (None, Some(config)) => load(config)?.snapshot.settings.audit.file.clone(),
        (None, None) => return Err("no file is named: add --config FILE or --file FILE".into()),
    };
    let shown = path.display();
    let file = File::open(&path).map_err(|error| format!("audit file `{shown}`: {error}"))?;
    let start = verify.after.map_or(Start::Beginning, Start::After);
    let summary = verify_chain(BufReader::new(file), start, verify.checkpoint).map_err(|broken| {
        format!("audit file `{shown}`: {broken}; keep the file as evidence, and compare it with a copy")
    })?;
    match verify.output {
        Output::Json => {
            let head = summary.head.to_string();
            let answer =
                serde_json::json!({ "lines": summary.lines, "gaps": summary.gaps, "checkpoint": head });
            print(&json(&answer)?)?;
        }
        Output::Table => {
            print(&format!(
                "{} lines, each as it was written; {} gap records\ncheckpoint {}\n",
                summary.lines, summary.gaps, summary.head
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
