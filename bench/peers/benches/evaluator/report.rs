//! Medians and ratios of a run as one table and one file.

use std::path::Path;

use serde_json::{Map, Value, json};

/// What our median is to stay under, in nanoseconds.
const AIMS: [(&str, f64); 4] =
    [("last_of_10", 1_000.0), ("last_of_100", 1_000.0), ("last_of_1000", 1_000.0), ("all_types", 2_000.0)];

/// Reads what the run left in `output`; writes where `DAYPASS_BENCH_EVALUATOR` says, or only prints.
pub(crate) fn write(output: &Path) {
    let mut results = Map::new();
    for (name, group) in folders(output) {
        let medians: Vec<(String, f64)> = folders(&group)
            .into_iter()
            .filter_map(|(engine, folder)| Some((engine, median(&folder)?)))
            .collect();
        let Some(ours) = medians.iter().find(|(engine, _)| engine == "ours").map(|(_, median)| *median)
        else {
            continue;
        };
        let fastest =
            medians.iter().filter(|(engine, _)| engine != "ours").map(|(_, median)| *median).reduce(f64::min);
        let aim = AIMS.iter().find(|(aimed, _)| *aimed == name).map(|(_, aim)| *aim);
        println!(
            "{name:<14} ours {ours:>9.0} ns{}",
            aim.map_or_else(String::new, |aim| format!(", aim {aim:.0} ns"))
        );
        for (engine, median) in medians.iter().filter(|(engine, _)| engine != "ours") {
            println!("{:<14} {engine:<14} {median:>12.0} ns, {:.0} times ours", "", median / ours);
        }
        let nanos: Map<String, Value> =
            medians.iter().map(|(engine, median)| (engine.clone(), json!(median.round()))).collect();
        let times = fastest.map(|fastest| (fastest / ours).round());
        results.insert(name, json!({ "median_ns": nanos, "fastest_peer_takes_times_ours": times }));
    }
    if let Some(file) = std::env::var_os("DAYPASS_BENCH_EVALUATOR") {
        std::fs::write(file, format!("{:#}\n", Value::Object(results))).unwrap();
    }
}

fn folders(of: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = std::fs::read_dir(of).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    folders.sort();
    folders
}

fn median(folder: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(folder.join("new/estimates.json")).ok()?;
    serde_json::from_str::<Value>(&text).ok()?["median"]["point_estimate"].as_f64()
}
