//! Counts what deciding takes from the heap: nothing, in every case of `cases/`. A binary of its own, since the counter
//! takes the allocator's place.

use std::path::Path;

use allocation_counter::measure;
use daypass_evaluator::{Decision, Explanation, evaluate, explain};
use serde_json::{Map, Value};

#[cfg(test)]
#[path = "suite/support.rs"]
mod support;

/// A case's own members over those of its file.
#[cfg(test)]
fn over(shared: &Value, own: &Value) -> Value {
    let mut merged: Map<String, Value> = shared.as_object().cloned().unwrap_or_default();
    merged.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

#[test]
fn deciding_takes_nothing_from_the_heap_and_explaining_does() {
    let (mut decided, mut explained) = (0, 0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let place = format!("{}: {}", path.display(), case["name"]);
            let policies = over(&file["policies"], &case["policies"]);
            let request = over(&file["request"], &case["request"]);
            let whole = serde_json::json!({ "policies": policies, "request": request });
            assert_eq!(support::decide(&whole), case["expected"].as_str().unwrap(), "{place}");
            let sets = support::Sets::read(&policies, request["action"].as_str().unwrap()).unwrap();
            support::with_request(&request, |request| {
                sets.with(|applicable| {
                    let mut decision: Option<Decision> = None;
                    let taken = measure(|| decision = Some(evaluate(request, applicable)));
                    assert!(decision.is_some());
                    assert_eq!(taken.count_total, 0, "{place}: {} bytes", taken.bytes_total);
                    decided += 1;
                    let mut explanation: Option<Explanation> = None;
                    explained += measure(|| explanation = Some(explain(request, applicable))).count_total;
                });
            });
        }
    }
    assert!(decided > 200, "only {decided} cases");
    assert!(explained > decided, "the counter doesn't count");
}
