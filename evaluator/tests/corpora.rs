//! Collections of policies and decisions kept outside the project: `DAYPASS_VECTORS` names the folder that holds `policy/`
//! and `policy-validation/`. What we answer otherwise is listed, with the reason, in `corpora-exceptions.json`; a listed
//! case that agrees after all fails too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use daypass_evaluator::{Document, Kind, Policies};
use serde_json::Value;

#[cfg(test)]
#[path = "suite/support.rs"]
mod support;

#[cfg(test)]
fn vectors() -> PathBuf {
    PathBuf::from(
        std::env::var("DAYPASS_VECTORS").expect("DAYPASS_VECTORS must name the folder of collections"),
    )
}

#[cfg(test)]
fn exceptions(collection: &str) -> BTreeMap<String, String> {
    let all: Value = serde_json::from_str(include_str!("corpora-exceptions.json")).unwrap();
    serde_json::from_value(all[collection].clone()).unwrap()
}

#[cfg(test)]
fn settle(collection: &str, failed: &BTreeMap<String, String>, total: usize, skipped: usize) {
    let known = exceptions(collection);
    let unexpected: Vec<_> = failed.iter().filter(|(id, _)| !known.contains_key(*id)).collect();
    let stale: Vec<_> = known.keys().filter(|id| !failed.contains_key(*id)).collect();
    println!(
        "{collection}: {total} cases, {} agree, {} differ, {skipped} disputed",
        total - failed.len() - skipped,
        failed.len()
    );
    assert!(unexpected.is_empty(), "{collection}: {unexpected:#?}");
    assert!(stale.is_empty(), "{collection}: listed as different, yet they agree: {stale:?}");
}

#[test]
fn decisions_agree() {
    let mut failed = BTreeMap::new();
    let (mut total, mut skipped, mut unloadable) = (0, 0, 0);
    for file in ["arsenal", "ceph_rgw", "ceph_wildcards", "moto_auth"] {
        let text = std::fs::read_to_string(vectors().join(format!("policy/{file}.jsonl"))).unwrap();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            total += 1;
            if row.get("disputed").is_some() {
                skipped += 1;
                continue;
            }
            let expected = row["expected"].as_str().unwrap();
            let answer = support::decide(&row);
            unloadable += usize::from(!loads(&row));
            let either = row["loose_deny"].as_bool() == Some(true) && answer.ends_with("_deny");
            if answer != expected && !either {
                failed.insert(row["id"].as_str().unwrap().to_owned(), format!("{answer}, not {expected}"));
            }
        }
    }
    settle("policy", &failed, total, skipped);
    // As a document that doesn't load allows nothing, these agree without having been decided.
    assert_eq!(unloadable, 4, "documents that don't load");
}

#[cfg(test)]
fn loads(row: &Value) -> bool {
    support::Sets::read(&row["policies"], row["request"]["action"].as_str().unwrap()).is_ok()
}

#[test]
fn documents_are_refused_in_aws_words() {
    let path = vectors().join("policy-validation/moto_policy_documents.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut failed = BTreeMap::new();
    let invalid = all["invalid"].as_array().unwrap();
    for (number, case) in invalid.iter().enumerate() {
        // A document that is a string there isn't JSON at all.
        let text = case["document"].as_str().map_or_else(|| case["document"].to_string(), str::to_owned);
        let wanted = case["error_message"].as_str().unwrap();
        let answer = refusal(&text);
        if answer.as_deref() != Some(wanted) {
            failed.insert(format!("invalid/{number}"), format!("{answer:?}, not {wanted}: {text}"));
        }
    }
    let valid = all["valid"].as_array().unwrap();
    for (number, document) in valid.iter().enumerate() {
        if let Some(message) = refusal(&document.to_string()) {
            failed.insert(format!("valid/{number}"), format!("{message}: {document}"));
        }
    }
    settle("policy-validation", &failed, invalid.len() + valid.len(), 0);
}

#[cfg(test)]
fn refusal(text: &str) -> Option<String> {
    let errors = Policies::compile(&[Document { name: "case", text, kind: Kind::Managed }]).err()?;
    errors.into_iter().next().map(|error| error.message)
}
