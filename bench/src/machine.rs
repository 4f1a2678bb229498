//! What the figures were taken on.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Outcome;
use crate::clock::now;

const SYNCS: usize = 200;

/// Processor, kernel, disk and load of this machine.
pub(crate) fn describe(work: &Path) -> Outcome<Value> {
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(json!({
        "date": now().to_string().split('T').next(),
        "processor": model.map_or("unknown", |(_, name)| name),
        "cores": std::thread::available_parallelism()?.get(),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        "fsync_us": fsync(work)?,
        "load_before": load(),
    }))
}

/// The load averages, as the kernel gives them.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Microseconds that half of the syncs of one appended line take no longer than.
fn fsync(work: &Path) -> Outcome<u128> {
    let mut file: File = tempfile::tempfile_in(work)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[b'x'; 1_024])?;
        file.sync_data()?;
        times.push(began.elapsed().as_micros());
    }
    times.sort_unstable();
    Ok(times.get(SYNCS / 2).copied().unwrap_or_default())
}
