//! Real faults in real processes: a writer killed at any moment, and a file that can't grow.
//!
//! Each fault needs a process of its own, so the test binary runs itself again with one test and a folder to work in.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

const FOLDER: &str = "DAYPASS_TEST_AUDIT_FOLDER";
const ACKNOWLEDGED: &str = "acknowledged ";

/// This binary, running one test alone; a file that reaches its size limit is an error there, not the end.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("audit::tests::faults::{test}"), "--nocapture"]).env(FOLDER, folder);
    command
}

/// The folder to work in, in a child.
fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

#[test]
fn f14_what_was_acknowledged_before_a_kill_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let mut acknowledged = Vec::new();
    for round in 0..12_usize {
        let mut writer = child("writes_until_killed", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut alive = round * round * 7 + 1;
        for line in output.by_ref() {
            if let Some((_, id)) = line.split_once(ACKNOWLEDGED) {
                acknowledged.push(id.to_owned());
                alive -= 1;
            }
            if alive == 0 {
                break;
            }
        }
        writer.kill().unwrap();
        acknowledged.extend(output.filter_map(|line| Some(line.split_once(ACKNOWLEDGED)?.1.to_owned())));
        writer.wait().unwrap();
    }
    drop(open(folder.path()).unwrap());
    verify(&file, Start::Beginning, None).unwrap();
    let written: std::collections::HashSet<_> = request_ids(&file).into_iter().collect();
    assert!(acknowledged.len() > 3_000, "{}", acknowledged.len());
    for id in acknowledged {
        assert!(written.contains(&id), "{id} was acknowledged and is not in the file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_killed() {
    let Some(folder) = folder_of_child() else { return };
    let audit = Arc::new(open(&folder).unwrap().0);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let audit = Arc::clone(&audit);
        tasks.spawn(async move {
            for number in 0.. {
                let id = format!("{}-{task}-{number}", std::process::id());
                audit.record(event(&id)).await.unwrap();
                println!("{ACKNOWLEDGED}{id}");
            }
        });
    }
    tasks.join_all().await;
}

#[test]
fn f27_a_full_disk_stops_issuing_and_nothing_else_and_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let output = child("meets_a_full_disk", folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join("done").exists(), "the child ran");
}

#[tokio::test]
async fn meets_a_full_disk() {
    let Some(folder) = folder_of_child() else { return };
    let file = folder.join("audit.jsonl");
    let (audit, _) = open(&folder).unwrap();
    let unlimited = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(5_000), maximum: unlimited.maximum }).unwrap();

    let mut issued = Vec::new();
    let refusal = loop {
        let id = format!("issued-{}", issued.len());
        match audit.record(event(&id)).await {
            Ok(_) => issued.push(id),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, Unavailable::Broken);
    assert!(fs::read(&file).unwrap().ends_with(b"\n"), "no half line is left to be read");
    assert!(issued.len() > 3);
    assert_eq!(audit.record(event("refused")).await, Err(Unavailable::Broken), "and from then on at once");
    assert_eq!(audit.record_revocation(event("revoked")).await, Recorded::Pending);
    audit.note(event("noted"));
    assert!(audit.reopen().await.is_err(), "still full");
    assert!(audit.counters().broken);

    setrlimit(Resource::Fsize, unlimited).unwrap();
    let healed = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while audit.counters().broken {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), healed).await.unwrap();
    audit.record(event("issued again")).await.unwrap();
    let counters = audit.counters();
    assert_eq!((counters.failures, counters.lines_lost), (1, 0));
    drop(audit);

    let gap_id = format!("audit-{}", issued.len() + 1);
    let after = [gap_id, "revoked".to_owned(), "noted".to_owned(), "issued again".to_owned()];
    let expected: Vec<String> = issued.into_iter().chain(after).collect();
    assert_eq!(request_ids(&file), expected);
    let lines = lines(&file);
    let gap = lines.iter().find(|line| line["eventName"] == "AuditGap").unwrap();
    assert_eq!(gap["additionalEventData"]["gap"]["refused"], 2);
    assert_eq!(verify(&file, Start::Beginning, None).unwrap().gaps, 1);
    fs::write(folder.join("done"), "").unwrap();
}
