//! The file that strangers can write into: its size and rate, whatever they send.

use super::*;

fn size(folder: &Path) -> u64 {
    let of = |name: &str| fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len());
    of("refusals.jsonl") + of("refusals.jsonl.1")
}

#[test]
fn strangers_never_fill_more_than_two_caps() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    for _ in 0..2_000 {
        audit.refusal(event("stranger").user_agent("x".repeat(1_024)));
    }
    drop(audit);
    assert!(size(folder.path()) <= 2 * 64 * 1_024);
    assert!(folder.path().join("refusals.jsonl.1").exists(), "the generation before is kept");
    assert_eq!(
        fs::metadata(folder.path().join("audit.jsonl")).unwrap().len(),
        0,
        "the chain is out of reach"
    );
}

#[tokio::test]
async fn what_is_over_the_rate_is_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open_with(Settings { refusals_per_second: 1, ..settings(folder.path()) }).unwrap();
    for _ in 0..1_000 {
        audit.refusal(event("stranger"));
    }
    let lost = audit.counters().refusals_lost;
    assert!(lost >= 900, "{lost}");
    audit.record(event("issued")).await.unwrap();
    assert_eq!(audit.counters().lines_lost, 0);
    drop(audit);
    let written = lines(&folder.path().join("refusals.jsonl"));
    let refusals = written.iter().filter(|line| line["requestID"] == "stranger").count() as u64;
    assert_eq!(refusals + lost, 1_000);
}

#[test]
fn a_refusal_cut_short_by_a_crash_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refusals.jsonl");
    fs::write(&file, "{\"requestID\":\"cut").unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    audit.refusal(event("whole"));
    drop(audit);
    assert_eq!(find(&[file], "whole").unwrap().len(), 1);
}
