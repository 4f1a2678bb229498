//! Runs every file of `tests/cases`; the README there has their form.

use std::collections::BTreeSet;
use std::path::PathBuf;

use daypass_evaluator::{Document, Kind, Policies};
use serde_json::{Map, Value};

use crate::support;

fn files(folder: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name.clone(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    let mut files: Vec<_> = json.map(read).collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn only(place: &str, value: &Value, known: &[&str]) {
    let unknown: BTreeSet<_> =
        value.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "{place}: unknown members {unknown:?}");
}

/// A case's own members over those of its file.
fn over(shared: &Value, own: &Value) -> Value {
    let mut merged: Map<String, Value> = shared.as_object().cloned().unwrap_or_default();
    merged.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

#[test]
fn decisions() {
    let files = files("cases");
    assert!(files.len() > 20, "the cases are missing");
    for (name, file) in files {
        only(&name, &file, &["rule", "source", "policies", "request", "cases"]);
        for case in file["cases"].as_array().unwrap() {
            let place = format!("{name}: {}", case["name"].as_str().unwrap());
            only(&place, case, &["name", "policies", "request", "expected", "decided_by"]);
            let policies = over(&file["policies"], &case["policies"]);
            let request = over(&file["request"], &case["request"]);
            only(&place, &policies, &["identity", "boundary", "session", "scp", "rcp", "resource", "trust"]);
            let sets = support::Sets::read(&policies, request["action"].as_str().unwrap());
            let sets = sets.unwrap_or_else(|errors| panic!("{place}: {errors:?}"));
            support::with_request(&request, |request| {
                sets.with(|applicable| {
                    let decision = daypass_evaluator::evaluate(request, applicable);
                    assert_eq!(support::name(decision), case["expected"].as_str().unwrap(), "{place}");
                    if let Some(wanted) = case["decided_by"].as_str() {
                        let decided = decision.policy_type().map(|kind| serde_json::to_value(kind).unwrap());
                        assert_eq!(decided, Some(Value::from(wanted)), "{place}");
                    }
                    let explained = daypass_evaluator::explain(request, applicable);
                    assert_eq!(explained.outcome, decision.outcome(), "{place}");
                });
            });
        }
    }
}

#[test]
fn refusals() {
    let files = files("cases/refused");
    assert!(!files.is_empty(), "the refused documents are missing");
    for (name, file) in files {
        only(&name, &file, &["rule", "source", "kind", "cases"]);
        let kind = kind(file["kind"].as_str().unwrap());
        for case in file["cases"].as_array().unwrap() {
            let place = format!("{name}: {}", case["name"].as_str().unwrap());
            only(&place, case, &["name", "document", "message", "line", "column"]);
            let text = case["document"].as_str().map_or_else(|| case["document"].to_string(), str::to_owned);
            let answer = Policies::compile(&[Document { name: "case", text: &text, kind }]);
            match (&case["message"], answer) {
                (Value::Null, answer) => assert!(answer.is_ok(), "{place}: {answer:?}"),
                (message, Ok(_)) => panic!("{place}: accepted instead of {message}"),
                (message, Err(errors)) => {
                    let first = errors.first().unwrap();
                    assert_eq!(first.message, message.as_str().unwrap(), "{place}: {first:?}");
                    for (seen, wanted) in [(first.line, &case["line"]), (first.column, &case["column"])] {
                        assert!(wanted.is_null() || *wanted == seen, "{place}: {first:?}");
                    }
                }
            }
        }
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "identity" => Kind::Identity,
        "managed" => Kind::Managed,
        "trust" => Kind::Trust,
        "session" => Kind::Session,
        "resource" => Kind::Resource,
        "scp" => Kind::ServiceControl,
        "rcp" => Kind::ResourceControl,
        other => panic!("unknown kind {other}"),
    }
}
