//! The embedded store: every rule of stores, and what only a file can show: kills, restarts, retired keys.

use std::process::{Command, Stdio};

use super::*;
use crate::revocation::{FOR_GOOD, Target};
use crate::store::conformance::{
    LIMITS, TestClock, conformance, keyring, listed, mark, record, reservation, retired, revocation,
};

struct Fixture {
    store: Embedded,
    clock: TestClock,
    directory: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
    Fixture { store, clock, directory }
}

conformance!(fixture);

#[tokio::test]
async fn a_restart_keeps_sessions_reservations_and_revocations() {
    let Fixture { store, clock, directory } = fixture().await;
    let (first, made) = (record(1, "alice", &clock), reservation(1, &clock));
    store.record(&first, Some(&made), LIMITS).await.unwrap();
    let role = Target::new(Scope::Role, &[b"AROA1"]);
    store.revoke(&[revocation(mark(role, 500, &clock))]).await.unwrap();
    drop(store);

    let store = Embedded::open(directory.path(), keyring(2), clock.source()).unwrap();
    assert_eq!(store.session(&SessionName::Id(first.session)).await, Ok(Some(first)));
    let other = Reservation { request_digest: [9; 32], ..made };
    assert_eq!(store.record(&record(2, "alice", &clock), Some(&other), LIMITS).await, Ok(Recorded::Spent));
    assert_eq!(store.live().whatever_its_age().mark(role), Some(500));
}

#[tokio::test]
async fn marks_go_when_nothing_live_can_depend_on_them() {
    let Fixture { store, clock, directory } = fixture().await;
    let session = SessionId([1; 16]).target();
    let other = || revocation(mark(SessionId([2; 16]).target(), FOR_GOOD, &clock));
    store.revoke(&[revocation(mark(session, FOR_GOOD, &clock))]).await.unwrap();
    clock.advance(jiff::SignedDuration::from_hours(36));
    clock.settle();
    store.revoke(&[other()]).await.unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session), Some(FOR_GOOD));
    clock.advance(jiff::SignedDuration::from_hours(1));
    clock.settle();
    store.revoke(&[other()]).await.unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session), None);
    drop(store);
    let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session), None, "it has left the file");
    assert_eq!(store.live().whatever_its_age().len(), 1);
}

#[tokio::test]
async fn f16_a_start_under_a_clock_that_is_ahead_forgets_no_revocation_and_no_spent_proof() {
    let Fixture { store, clock, directory } = fixture().await;
    let session = SessionId([1; 16]).target();
    let made = reservation(1, &clock);
    store.record(&record(1, "alice", &clock), Some(&made), LIMITS).await.unwrap();
    store.revoke(&[revocation(mark(session, FOR_GOOD, &clock))]).await.unwrap();
    drop(store);
    clock.advance(jiff::SignedDuration::from_hours(40));
    for number in 2..4 {
        let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
        store.revoke(&[revocation(mark(SessionId([2; 16]).target(), FOR_GOOD, &clock))]).await.unwrap();
        store.record(&record(number, "alice", &clock), None, LIMITS).await.unwrap();
        assert_eq!(store.live().whatever_its_age().mark(session), Some(FOR_GOOD));
    }
    clock.advance(jiff::SignedDuration::from_hours(-40));
    let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session), Some(FOR_GOOD));
    let again = Reservation { request_digest: [9; 32], ..made };
    assert_eq!(store.record(&record(4, "alice", &clock), Some(&again), LIMITS).await, Ok(Recorded::Spent));
}

#[tokio::test]
async fn f16_a_wall_clock_that_jumps_ahead_and_back_forgets_no_revocation() {
    let Fixture { store, clock, directory: _directory } = fixture().await;
    let session = SessionId([1; 16]).target();
    store.revoke(&[revocation(mark(session, FOR_GOOD, &clock))]).await.unwrap();
    clock.advance(jiff::SignedDuration::from_hours(40));
    store.revoke(&[revocation(mark(SessionId([2; 16]).target(), FOR_GOOD, &clock))]).await.unwrap();
    clock.advance(jiff::SignedDuration::from_hours(-40));
    assert_eq!(store.live().whatever_its_age().mark(session), Some(FOR_GOOD));
}

#[tokio::test]
async fn f16_a_clock_that_was_set_right_forgets_no_later_revocation_at_a_restart() {
    let Fixture { store, clock, directory } = fixture().await;
    let session = |number| SessionId([number; 16]).target();
    clock.advance(jiff::SignedDuration::from_hours(240));
    clock.settle();
    store.revoke(&[revocation(mark(session(1), FOR_GOOD, &clock))]).await.unwrap();
    clock.advance(jiff::SignedDuration::from_hours(-240));
    clock.settle();
    store.revoke(&[revocation(mark(session(2), FOR_GOOD, &clock))]).await.unwrap();
    drop(store);
    let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session(2)), Some(FOR_GOOD));
}

#[tokio::test]
async fn f20_retiring_a_key_undoes_no_revocation_that_it_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, keys) = (TestClock::new(), keyring(1));
    let store = Embedded::open(directory.path(), Arc::clone(&keys), clock.source()).unwrap();
    let older = record(1, "alice", &clock);
    store.record(&older, None, LIMITS).await.unwrap();
    keys.store(keyring(2).load_full());
    let dead = record(2, "alice", &clock);
    store.record(&dead, None, LIMITS).await.unwrap();
    store.revoke(&[revocation(mark(older.session.target(), FOR_GOOD, &clock))]).await.unwrap();
    drop(store);

    let store = Embedded::open(directory.path(), retired(3, 2), clock.source()).unwrap();
    assert_eq!(store.live().whatever_its_age().mark(older.session.target()), Some(FOR_GOOD));
    assert_eq!(
        listed(&store, Selector::default()).await,
        [older],
        "what the retired key sealed is gone, not in the way"
    );
    assert_eq!(store.session(&SessionName::Id(dead.session)).await, Ok(None));
}

#[tokio::test]
async fn one_broker_at_a_time_has_the_file_open() {
    let Fixture { store: _store, clock, directory } = fixture().await;
    let second = Embedded::open(directory.path(), keyring(1), clock.source());
    assert!(matches!(second, Err(OpenError::Database(redb::Error::DatabaseAlreadyOpen))));
}

#[tokio::test]
async fn a_file_under_another_keyring_is_refused_if_it_holds_revocations() {
    let Fixture { store, clock, directory } = fixture().await;
    store.revoke(&[revocation(mark(Target::everything(), 5, &clock))]).await.unwrap();
    drop(store);
    let other = crate::keys::file::KeyringFile::generate(false, &mut || [200; 32]).validate().unwrap();
    let other = Arc::new(arc_swap::ArcSwap::from_pointee(other));
    assert!(matches!(Embedded::open(directory.path(), other, clock.source()), Err(OpenError::Damaged(_))));
}

#[tokio::test]
async fn a_keyring_without_the_key_of_a_revocation_is_refused_by_the_keys_id_until_its_entry_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let store = Embedded::open(directory.path(), keyring(2), clock.source()).unwrap();
    let session = SessionId([1; 16]).target();
    store.revoke(&[revocation(mark(session, FOR_GOOD, &clock))]).await.unwrap();
    drop(store);
    let said = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap_err().to_string();
    assert!(said.contains("sealed by key 2, which is not in the keyring"), "{said}");
    assert!(said.contains("put the key's entry back"), "{said}");
    let store = Embedded::open(directory.path(), retired(3, 2), clock.source()).unwrap();
    assert_eq!(store.live().whatever_its_age().mark(session), Some(FOR_GOOD));
}

#[tokio::test]
async fn r05_a_stolen_file_names_nobody() {
    let Fixture { store, clock, directory } = fixture().await;
    let session = SessionId(*b"a session canary");
    let access_key_id = crate::session::access_key_id(session);
    let written = SessionRecord { session, access_key_id, ..record(1, "alice-canary", &clock) };
    store.record(&written, Some(&reservation(1, &clock)), LIMITS).await.unwrap();
    store.touch(&[(written.session, clock.now())]).await.unwrap();
    drop(store);
    let file = std::fs::read(directory.path().join("state.redb")).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"reserved_until"), "the file can be searched");
    let access_key = written.access_key_id.as_bytes();
    for canary in
        [b"alice-canary".as_slice(), b"build-1", b"role/Deploy", b"192.0.2.7", access_key, &written.session.0]
    {
        assert!(!holds(canary), "{:?}", String::from_utf8_lossy(canary));
    }
}

#[tokio::test]
async fn many_at_once_are_all_recorded() {
    let Fixture { store, clock, directory: _directory } = fixture().await;
    let store = Arc::new(store);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (store, record) = (Arc::clone(&store), record(number, "alice", &clock));
        calls.spawn(async move { store.record(&record, None, LIMITS).await });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap(), Ok(Recorded::New));
    }
    assert_eq!(listed(&*store, Selector::default()).await.len(), 300);
}

#[tokio::test]
async fn what_has_expired_leaves_the_file() {
    let Fixture { store, clock, directory: _directory } = fixture().await;
    for number in 0..20 {
        store.record(&record(number, "alice", &clock), None, LIMITS).await.unwrap();
    }
    clock.advance(jiff::SignedDuration::from_hours(2));
    store.record(&record(20, "bob", &clock), Some(&reservation(1, &clock)), LIMITS).await.unwrap();
    let rows = |table: redb::TableDefinition<'static, &'static [u8], &'static [u8]>| store.reader.rows(table);
    assert_eq!([rows(tables::RECORDS), rows(tables::EXPIRIES)], [1, 1]);
}

const CHILD_DIRECTORY: &str = "DAYPASS_TEST_STORE_DIRECTORY";

/// Records sessions and says which, until it is killed; does nothing unless the next test starts it.
#[tokio::test]
async fn records_until_killed() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let clock = TestClock::new();
    let store = Embedded::open(Path::new(&directory), keyring(1), clock.source()).unwrap();
    for number in 0.. {
        store.record(&record(number, "alice", &clock), None, LIMITS).await.unwrap();
        println!("recorded {number}");
    }
}

#[tokio::test]
async fn f14_a_killed_broker_has_recorded_all_that_it_answered() {
    use std::io::BufRead as _;
    for lines in [1, 17, 60] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::embedded::tests::records_until_killed", "--nocapture"])
            .env(CHILD_DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.rsplit_once("recorded ").and_then(|(_, number)| number.parse().ok());
        let mut acknowledged: Vec<u32> = output.by_ref().filter_map(number).take(lines).collect();
        child.kill().unwrap();
        acknowledged.extend(output.filter_map(number));
        child.wait().unwrap();

        let clock = TestClock::new();
        let store = Embedded::open(directory.path(), keyring(1), clock.source()).unwrap();
        assert!(acknowledged.len() >= lines);
        for number in acknowledged {
            let name = SessionName::Id(record(number, "alice", &clock).session);
            assert!(store.session(&name).await.unwrap().is_some(), "session {number} was answered");
        }
    }
}
