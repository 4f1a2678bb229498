//! `daypass reload`: take the changed configuration in now rather than when the change is noticed.

use std::process::ExitCode;

use super::broker::Broker;
use super::socket::ask;
use super::{Done, load, print, say};

/// Which broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    broker: Broker,
}

/// Checks the configuration if it is at hand, and tells the broker to take it in.
pub(crate) fn run(arguments: &Arguments) -> Done {
    if let Some(config) = &arguments.broker.config {
        // An error here would only show up in the broker's log, and the last good configuration would stay.
        let loaded = load(config)?;
        say(&loaded.warnings.to_text(false));
        print(&format!("version {} has no errors\n", loaded.snapshot.version))?;
    }
    let _: serde_json::Value = ask(&arguments.broker.socket()?, "/reload", &())?;
    print("the broker reads its configuration again; its log says which version is in force\n")?;
    Ok(ExitCode::SUCCESS)
}
