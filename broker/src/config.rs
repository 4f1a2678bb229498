//! Configuration: settings and the directory, read and validated as one snapshot, all or nothing.
//!
//! The way through: files on disk -> [`Tree`] -> [`compile`] -> [`Snapshot`]. Nothing outside of this module knows that
//! files are the source.

mod attachments;
mod directory;
mod fields;
mod ids;
mod layout;
mod organization;
mod policy;
mod provider;
mod report;
mod resources;
mod roles;
mod saml_provider;
mod secrets;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod tree;
mod trust_rules;
mod users;
mod value;
mod watch;

use std::{os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

pub use directory::{Account, Directory};
pub use ids::write_ids;
pub use organization::Organization;
pub use service::{Route, Segment, Service};
pub use settings::{
    Admin, Audit, Authz, Keys, Limits, RedisState, Server, Settings, State, Telemetry, Transport,
};
pub use tree::{Fingerprint, Tree, Version};
pub use watch::watch;

use crate::error::{Diagnostic, Diagnostics, Severity};
use report::Report;
use settings::distinct;

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

/// Reads and compiles the configuration at `path`; files it names and that cannot be read here are warnings, since those
/// that need them say so themselves.
///
/// # Errors
///
/// Every error and warning of all files, in the order of files and lines.
pub fn load(path: &Path) -> Result<Loaded, Diagnostics> {
    let Loaded { snapshot, warnings } = compile(&Tree::read(path))?;
    let unreadable = snapshot.settings.files().into_iter().filter_map(|file| {
        let error = std::fs::File::open(file).err()?;
        let found = Diagnostic::warning(file, "this file is named by the settings and cannot be read here");
        let fix = format!("create it, or correct its path in {}", path.display());
        Some(found.because(error.to_string()).fix(fix))
    });
    let unreadable: Vec<_> = unreadable.collect();
    Ok(Loaded { snapshot, warnings: warnings.into_iter().chain(unreadable).collect() })
}

/// As [`load`], and what holds secrets has to be nobody else's: a broker is started on nothing less.
///
/// # Errors
///
/// Every error and warning of all files, in the order of files and lines.
pub fn load_to_serve(path: &Path) -> Result<Loaded, Diagnostics> {
    load_private(path, Severity::Error)
}

/// As [`load_to_serve`], for somebody who only asks: root may do that for a broker of another user, so what belongs to
/// another user is a warning to root.
///
/// # Errors
///
/// Every error and warning of all files, in the order of files and lines.
pub fn load_to_check(path: &Path) -> Result<Loaded, Diagnostics> {
    let is_root = rustix::process::geteuid().is_root();
    load_private(path, if is_root { Severity::Warning } else { Severity::Error })
}

fn load_private(path: &Path, foreign: Severity) -> Result<Loaded, Diagnostics> {
    let Loaded { snapshot, warnings } = load(path)?;
    let exposed = secrets::exposed(&snapshot.settings, foreign);
    let same = |path: &Path| std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()));
    let clashes = distinct::clashes(&snapshot.settings.named(), same, |_| Diagnostic::error(path, ""));
    let found: Diagnostics = warnings.into_iter().chain(exposed).chain(clashes).collect();
    if found.has_errors() { Err(found.sorted()) } else { Ok(Loaded { snapshot, warnings: found }) }
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
