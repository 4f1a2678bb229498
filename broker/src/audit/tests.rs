//! The audit trail as its users see it: what is on disk, when, and what is said where something is missing.

mod chain;
mod faults;
mod records;
mod refusals;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::clock;

fn settings(folder: &Path) -> Settings {
    Settings {
        file: folder.join("audit.jsonl"),
        refusals_file: folder.join("refusals.jsonl"),
        refusals_cap: 64 * 1_024,
        refusals_per_second: 1_000_000,
        deadline: Duration::from_secs(30),
        broker: "broker-1".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn open(folder: &Path) -> Result<(Audit, Recovered), AuditError> {
    open_with(settings(folder))
}

/// Opens the trail, again if need be: a process that another test is just starting holds every open file, and so its
/// lock, until it has become that process.
fn open_with(settings: Settings) -> Result<(Audit, Recovered), AuditError> {
    for _ in 0..100_000 {
        match open_once(settings.clone()) {
            Err(AuditError::InUse(_)) => std::thread::yield_now(),
            opened => return opened,
        }
    }
    open_once(settings)
}

fn open_once(settings: Settings) -> Result<(Audit, Recovered), AuditError> {
    let clock = clock::Settings {
        high_water_file: None,
        persist_every: Duration::from_secs(10),
        settling: clock::Settling::Calm,
    };
    Audit::open(settings, Arc::new(Clock::system(clock).unwrap()))
}

fn event(request_id: &str) -> Event<'static> {
    let time = "2026-11-22T02:03:04.999Z".parse().unwrap();
    Event::new(time, Source::Sts, "AssumeRoleWithWebIdentity", request_id.to_owned(), [7; 16])
}

fn lines(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn request_ids(file: &Path) -> Vec<String> {
    lines(file).iter().map(|line| line["requestID"].as_str().unwrap().to_owned()).collect()
}

fn verify(file: &Path, start: Start, checkpoint: Option<Checkpoint>) -> Result<Summary, Break> {
    verify_chain(fs::read(file).unwrap().as_slice(), start, checkpoint)
}

#[tokio::test]
async fn a_receipt_means_that_the_line_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, recovered) = open(folder.path()).unwrap();
    assert_eq!(recovered, Recovered { head: Checkpoint::NONE, lines_checked: 0, torn_bytes: 0 });
    for number in 1..=3 {
        let receipt = audit.record(event(&number.to_string())).await.unwrap();
        assert_eq!(receipt.line().seq(), number);
        assert_eq!(receipt.line(), audit.checkpoint());
        let file = folder.path().join("audit.jsonl");
        assert_eq!(request_ids(&file).last().unwrap(), &number.to_string());
        verify(&file, Start::Beginning, Some(receipt.line())).unwrap();
    }
}

#[tokio::test]
async fn lines_of_many_at_once_form_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Arc::new(open(folder.path()).unwrap().0);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64 {
        let audit = Arc::clone(&audit);
        tasks.spawn(async move {
            audit.note(event(&format!("{task}-noted")));
            audit.record(event(&format!("{task}-awaited"))).await.unwrap().line().seq()
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 64);
    drop(audit);
    let file = folder.path().join("audit.jsonl");
    assert_eq!(verify(&file, Start::Beginning, None).unwrap().lines, 128);
}

#[tokio::test]
async fn a_restart_goes_on_with_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    for restart in 0..3 {
        let (audit, recovered) = open(folder.path()).unwrap();
        assert_eq!((recovered.head.seq(), recovered.lines_checked), (restart * 2, restart * 2));
        audit.note(event("noted"));
        audit.record(event("awaited")).await.unwrap();
    }
    assert_eq!(verify(&file, Start::Beginning, None).unwrap().lines, 6);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn only_the_end_of_a_long_file_is_checked_at_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let (audit, _) = open(folder.path()).unwrap();
    while fs::metadata(&file).unwrap().len() < 5 * 1_024 * 1_024 {
        for _ in 0..64 {
            audit.note(event("long").steps((0..40).map(|_| Step::passed("step", "x".repeat(1_000)))));
        }
        audit.record(event("awaited")).await.unwrap();
    }
    let head = audit.checkpoint();
    drop(audit);
    let (audit, recovered) = open(folder.path()).unwrap();
    assert_eq!(recovered.head, head);
    assert!(recovered.lines_checked > 10 && recovered.lines_checked < head.seq());
    drop(audit);

    let mut bytes = fs::read(&file).unwrap();
    let near_the_end = bytes.len() - 100_000;
    bytes[near_the_end] ^= 1;
    let line = bytes[..near_the_end].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    fs::write(&file, bytes).unwrap();
    let Err(AuditError::Chain { broken, .. }) = open(folder.path()) else { panic!("opened") };
    assert_eq!((broken.line, broken.seq), (line, line));
}

#[tokio::test]
async fn a_renamed_file_is_followed_by_one_that_names_its_last_line() {
    let folder = tempfile::tempdir().unwrap();
    let (file, old) = (folder.path().join("audit.jsonl"), folder.path().join("audit.1"));
    let (audit, _) = open(folder.path()).unwrap();
    audit.reopen().await.unwrap();
    let last = audit.record(event("old")).await.unwrap();
    fs::rename(&file, &old).unwrap();
    audit.reopen().await.unwrap();
    audit.record(event("new")).await.unwrap();
    assert!(
        matches!(open_once(settings(folder.path())), Err(AuditError::InUse(_))),
        "the new file is locked too"
    );
    drop(audit);

    let first = verify(&old, Start::Beginning, None).unwrap();
    assert_eq!((first.head, first.lines), (last.line(), 1));
    assert_eq!(verify(&file, Start::After(first.head), None).unwrap().lines, 2);
    assert_eq!(lines(&file)[0]["eventName"], "AuditReopen");
    assert!(verify(&file, Start::Beginning, None).is_err(), "lines before it are missing");
    assert_eq!(open(folder.path()).unwrap().1.head.seq(), 3, "and a restart goes on there");
}

#[tokio::test]
async fn a_removed_file_is_not_written_into_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let (audit, _) = open(folder.path()).unwrap();
    let before = audit.record(event("before")).await.unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(audit.record(event("into nothing")).await, Err(Unavailable::Broken));
    assert_eq!(audit.record_revocation(event("revoked")).await, Recorded::Pending);
    audit.reopen().await.unwrap();
    audit.record(event("after")).await.unwrap();
    drop(audit);
    assert_eq!(request_ids(&file), ["audit-2", "revoked", "after"]);
    let gap = &lines(&file)[0]["additionalEventData"]["gap"];
    assert_eq!((gap["refused"].as_u64(), gap["lost"].as_u64()), (Some(1), Some(0)));
    assert_eq!(verify(&file, Start::After(before.line()), None).unwrap().gaps, 1);
}

#[test]
fn two_processes_never_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = open(folder.path()).unwrap();
    assert!(matches!(open_once(settings(folder.path())), Err(AuditError::InUse(_))));
    drop(first);
    open(folder.path()).unwrap();
}

#[test]
fn k05_what_is_no_audit_file_is_not_written_into() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    for other in ["#!/bin/sh\n", "{\"sequence\":1}\n", "ssh-rsa AAAA"] {
        fs::write(&file, other).unwrap();
        assert!(matches!(open(folder.path()), Err(AuditError::NotAnAuditFile(_))), "{other}");
        assert_eq!(fs::read_to_string(&file).unwrap(), other);
    }
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    assert!(matches!(open(folder.path()), Err(AuditError::NotAFile(_))));
}

#[tokio::test]
async fn notes_are_written_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = open(folder.path()).unwrap();
    let text = "x".repeat(1_000);
    for _ in 0..400 {
        audit.note(event("note").steps((0..60).map(|_| Step::passed("step", text.as_str()))));
    }
    let lost = audit.counters().lines_lost;
    audit.record(event("awaited")).await.unwrap();
    drop(audit);
    let lines = lines(&folder.path().join("audit.jsonl"));
    let written = lines.iter().filter(|line| line["requestID"] == "note").count() as u64;
    let told =
        lines.iter().filter_map(|line| line["additionalEventData"]["gap"]["lost"].as_u64()).sum::<u64>();
    assert_eq!((written + lost, told), (400, lost));
}

#[test]
fn notes_leave_room_for_awaited_lines_and_those_for_revocations() {
    let shared = Shared::new(Checkpoint::NONE);
    assert!(shared.admit(NOTED_BYTES, NOTED_BYTES));
    assert!(!shared.admit(1, NOTED_BYTES));
    assert!(shared.admit(AWAITED_BYTES - NOTED_BYTES, AWAITED_BYTES));
    assert!(!shared.admit(1, AWAITED_BYTES));
    assert!(shared.admit(1, OWED_BYTES));
    shared.release(AWAITED_BYTES + 1);
    assert!(shared.admit(1, NOTED_BYTES));
}
