//! `daypass check`: every error of a configuration, without a running broker.

use std::path::PathBuf;
use std::process::ExitCode;

use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Done, FAILED, Output, pretty_json, print};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration, `daypass.toml`.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Give an id to every role, provider and service that has none, in its file.
    #[arg(long)]
    write_ids: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Prints every finding; 1 if any is an error.
pub(crate) fn run(arguments: &Arguments) -> Done {
    if arguments.write_ids {
        write_ids(arguments)?;
    }
    let (findings, summary) = match daypass_broker::config::load_to_check(&arguments.config) {
        Ok(loaded) => {
            let directory = &loaded.snapshot.directory;
            let (accounts, roles) = (directory.accounts().count(), directory.roles().count());
            let providers = directory.oidc_providers().count() + directory.saml_providers().count();
            (loaded.warnings, format!("ok: {accounts} accounts, {roles} roles, {providers} providers"))
        }
        Err(diagnostics) => (diagnostics, String::new()),
    };
    let (errors, warnings) = findings.counts();
    match arguments.output {
        Output::Json => print(&pretty_json(&findings)?)?,
        Output::Table => {
            let counted = format!("{}{errors} errors, {warnings} warnings\n", prefixed(&summary));
            print(&(findings.to_text(false) + &counted))?;
        }
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { FAILED.into() })
}

fn prefixed(summary: &str) -> String {
    if summary.is_empty() { String::new() } else { format!("{summary}, ") }
}

fn write_ids(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let random = SystemRandom::new();
    random.fill(&mut [0; 1]).map_err(|_| "the operating system gives no randomness")?;
    let mut fill = |bytes: &mut [u8]| {
        let _checked_above = random.fill(bytes);
    };
    match daypass_broker::config::write_ids(&arguments.config, &mut fill) {
        Ok(files) => {
            let written = files.iter().map(|file| format!("id written: {}\n", file.display()));
            Ok(print(&written.collect::<String>())?)
        }
        Err(diagnostics) => Err(diagnostics.to_text(false).into()),
    }
}
