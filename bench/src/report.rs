//! The results as a table for people.

use std::fmt::Write as _;

use serde_json::Value;

/// What was measured beside what is asked for; measurements that were left out have no line.
pub(crate) fn table(results: &Value) -> String {
    let mut table = String::new();
    comparison(
        &mut table,
        &results["issue"],
        "AssumeRoleWithWebIdentity, RS256, fsync",
        "RSA + Redis write",
        60,
    );
    comparison(&mut table, &results["caller"], "GetCallerIdentity, audit on", "constant", 55);
    let decision = &results["decision"];
    if let (Some(p50), Some(p99)) = (decision["p50_us"].as_f64(), decision["p99_us"].as_f64()) {
        line(
            &mut table,
            "token, signature, decision",
            &format!("median {p50:.1} µs, p99 {p99:.1} µs"),
            "≤ 10 µs",
        );
    }
    for stored in [&results["memory"]["few"], &results["memory"]["many"]] {
        let number = |name: &str| stored[name].as_u64();
        let (Some(sessions), Some(broker)) = (number("sessions"), number("broker_resident_bytes")) else {
            continue;
        };
        let redis = number("redis_bytes_a_session").unwrap_or_default();
        let memory = format!("broker {:.1} MiB, Redis {redis} bytes a session", broker as f64 / 1_048_576.0);
        line(&mut table, &format!("memory, {sessions} live sessions"), &memory, "does not grow");
    }
    let machine = &results["machine"];
    let load = (machine["load_before"].as_str(), results["load_after"].as_str());
    let _ = writeln!(
        table,
        "{} cores of {}, kernel {}, fsync {} µs; load before {}, after {}",
        machine["cores"],
        machine["processor"].as_str().unwrap_or_default(),
        machine["kernel"].as_str().unwrap_or_default(),
        machine["fsync_us"],
        load.0.unwrap_or_default(),
        load.1.unwrap_or_default()
    );
    table
}

fn comparison(table: &mut String, result: &Value, what: &str, peer: &str, wanted: u32) {
    let ratios: Vec<f64> =
        result["ratios"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let (Some(least), Some(most), Some(median)) =
        (ratios.first(), ratios.last(), result["median_ratio"].as_f64())
    else {
        return;
    };
    let side = |name: &str| {
        let rounds = result[name]["rounds"].as_array().cloned().unwrap_or_default();
        let mut tails: Vec<u64> = rounds.iter().filter_map(|round| round["p99_us"].as_u64()).collect();
        tails.sort_unstable();
        let tail = tails.get(tails.len() / 2).copied().unwrap_or_default();
        format!(
            "{}/s (p99 {:.1} ms)",
            result[name]["per_second"].as_f64().unwrap_or_default(),
            tail as f64 / 1_000.0
        )
    };
    let figures = format!(
        "{:.0} % ({:.0}–{:.0}): {} beside {} of {peer}",
        median * 100.0,
        least * 100.0,
        most * 100.0,
        side("ours"),
        side("peer")
    );
    line(table, what, &figures, &format!("≥ {wanted} %"));
}

fn line(table: &mut String, what: &str, figures: &str, wanted: &str) {
    // Writing to memory does not fail.
    let _ = writeln!(table, "{what:<42} {wanted:<14} {figures}");
}
