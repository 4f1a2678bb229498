//! Configuration: settings and the directory, read and validated as one snapshot, all or nothing.
//!
//! The way through: files on disk -> [`Tree`] -> [`compile`] -> [`Snapshot`]. Nothing outside of this module knows that
//! files are the source.

mod directory;
mod fields;
mod ids;
mod layout;
mod policy;
mod provider;
mod report;
mod roles;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod tree;
mod trust_rules;
mod value;
mod watch;

use std::{path::Path, sync::Arc};

pub use directory::{Account, Directory};
pub use ids::write_ids;
pub use service::{Route, Segment, Service};
pub use settings::{
    Admin, Audit, Authz, Keys, Limits, RedisState, Server, Settings, State, Telemetry, Transport,
};
pub use tree::{Fingerprint, Tree, Version};
pub use watch::watch;

use crate::error::{Diagnostic, Diagnostics};
use report::Report;

/// One configuration, immutable and whole.
#[derive(Debug)]
pub struct Snapshot {
    pub settings: Settings,
    pub directory: Directory,
    pub version: Version,
}

/// A configuration without errors, and what its author should still look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub snapshot: Arc<Snapshot>,
    pub warnings: Diagnostics,
}

/// Reads and compiles the configuration at `path`, and looks whether the files that it names are there.
///
/// # Errors
///
/// Every error and warning of all files, in the order of files and lines.
pub fn load(path: &Path) -> Result<Loaded, Diagnostics> {
    let loaded = compile(&Tree::read(path))?;
    let mut absent = Diagnostics::default();
    for file in loaded.snapshot.settings.files() {
        if let Err(error) = std::fs::File::open(file) {
            let found = Diagnostic::error(file, "this file is named by the settings and cannot be read");
            let fix = format!("create it, or correct its path in {}", path.display());
            absent.push(found.because(error.to_string()).fix(fix));
        }
    }
    if absent.is_empty() { Ok(loaded) } else { Err(absent.into_iter().chain(loaded.warnings).collect()) }
}

/// Compiles a configuration from what was read of it; touches no disk.
///
/// # Errors
///
/// Every error and warning of all files, in the order of files and lines.
pub fn compile(tree: &Tree) -> Result<Loaded, Diagnostics> {
    let report = Report::new(tree.problems.clone());
    let settings = tree.config.as_ref().and_then(|config| settings::settings(config, &report));
    let directory = directory::directory(tree, settings.as_ref(), &report);
    let found = report.into_sorted();
    match settings {
        Some(settings) if !found.has_errors() => {
            let snapshot = Arc::new(Snapshot { settings, directory, version: tree.version() });
            Ok(Loaded { snapshot, warnings: found })
        }
        _ => Err(found),
    }
}
