//! Reloads the configuration when its files change, and keeps the last good one when they are wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::mpsc, task::spawn_blocking, time::sleep};

use super::{Fingerprint, Loaded, Tree, Version, compile};
use crate::error::{Diagnostic, Diagnostics};

/// How often the disk is asked, and how long a tree must stay the same to be believed.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times a tree that keeps changing is read again before that is reported.
const READINGS_AT_MOST: usize = 30;

/// Runs until it is dropped, calling `report` with each new configuration or with what is wrong with it, and with all
/// who asked before it was read.
///
/// The disk is asked once a second whether anything changed; whoever is sent by `asking` asks for a reading at once,
/// changed or not. A tree counts once two readings a second apart were identical. A configuration equal to `version`,
/// or to the one reported last, is reported again only if somebody asked for it.
pub async fn watch<A>(
    config: PathBuf,
    version: Version,
    asking: mpsc::Receiver<A>,
    report: impl FnMut(Result<Loaded, Diagnostics>, Vec<A>),
) {
    watch_every(PAUSE, config, version, asking, report).await;
}

/// As [`watch`], with a pause of the caller's choice.
pub(super) async fn watch_every<A>(
    pause: Duration,
    config: PathBuf,
    version: Version,
    mut asking: mpsc::Receiver<A>,
    mut report: impl FnMut(Result<Loaded, Diagnostics>, Vec<A>),
) {
    let mut known = Known { version, stamp: None };
    loop {
        let mut waiting = Vec::new();
        tokio::select! {
            Some(one) = asking.recv() => waiting.push(one),
            () = sleep(pause) => {}
        }
        while let Ok(one) = asking.try_recv() {
            waiting.push(one);
        }
        let asked = !waiting.is_empty();
        let Some(stamp) = known.changed(&config, asked).await else {
            continue;
        };
        let Some(settled) = settled_tree(&config, pause).await else {
            report(Err(unsettled(&config)), waiting);
            continue;
        };
        known.stamp = Some((settled.clone(), stamp));
        if asked || settled.version() != known.version {
            known.version = settled.version();
            let compiled = spawn_blocking(move || compile(&settled)).await;
            report(compiled.unwrap_or_else(|error| Err(failed(&config, &error))), waiting);
        }
    }
}

/// What was reported last, and what the disk said before it was read.
struct Known {
    version: Version,
    stamp: Option<(Arc<Tree>, Fingerprint)>,
}

impl Known {
    /// What the disk says now, if that is something new or `asked` for.
    async fn changed(&self, config: &Path, asked: bool) -> Option<Fingerprint> {
        let path = config.to_owned();
        let tree = self.stamp.as_ref().map(|(tree, _)| Arc::clone(tree));
        let taken = spawn_blocking(move || {
            let tree = tree.unwrap_or_else(|| Arc::new(Tree::read(&path)));
            tree.fingerprint(&path)
        });
        let stamp = taken.await.ok()?;
        let same = self.stamp.as_ref().is_some_and(|(_, seen)| *seen == stamp);
        (asked || !same).then_some(stamp)
    }
}

/// The tree once two readings a pause apart agree; none if it never stays the same.
async fn settled_tree(config: &Path, pause: Duration) -> Option<Arc<Tree>> {
    let mut last: Option<Version> = None;
    for _ in 0..READINGS_AT_MOST {
        let path = config.to_owned();
        let tree = spawn_blocking(move || Tree::read(&path)).await.ok()?;
        if last == Some(tree.version()) {
            return Some(Arc::new(tree));
        }
        last = Some(tree.version());
        sleep(pause).await;
    }
    None
}

fn unsettled(config: &Path) -> Diagnostics {
    Diagnostic::error(config, "the configuration keeps changing while it is read")
        .fix("write it at once, such as by renaming a finished folder into place")
        .into()
}

fn failed(config: &Path, error: &dyn std::error::Error) -> Diagnostics {
    Diagnostic::error(config, "the configuration could not be compiled")
        .because(error.to_string())
        .fix("report this as a defect")
        .into()
}
