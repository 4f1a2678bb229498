//! What holds when Redis stops, hangs, is full, or forgets everything.

use rustix::process::Signal;

use super::*;
use crate::store::conformance::retired;

#[tokio::test]
async fn f01_without_redis_nothing_is_recorded_and_soon_said_so() {
    let mut fixture = fixture().await;
    fixture.server.kill();
    for number in 0..20 {
        let asked = fixture.clock.read().monotonic;
        let refused = fixture.store.record(&record(number, "alice", &fixture.clock), None, LIMITS).await;
        assert!(refused.is_err(), "{refused:?}");
        let took = fixture.clock.read().monotonic - asked;
        assert!(took <= Duration::from_millis(300), "{took:?}");
    }
    fixture.server.restart().await;
    eventually("issuing goes on", async || {
        fixture.store.record(&record(30, "alice", &fixture.clock), None, LIMITS).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn f02_without_redis_the_view_serves_until_t_and_then_is_stale() {
    let mut fixture = fixture().await;
    let (clock, store) = (&fixture.clock, &fixture.store);
    store.revoke(&[revocation(mark(session(1), FOR_GOOD, clock))]).await.unwrap();
    fixture.server.kill();
    eventually("it is noticed", async || age(store, clock) > Some(Duration::from_millis(1_500))).await;
    let now = clock.read().monotonic;
    assert_eq!(store.live().read(now, T).unwrap().mark(session(1)), Some(FOR_GOOD));
    let late = now + T;
    assert!(matches!(store.live().read(late, T), Err(Stale { age: Some(_) })));
    fixture.server.restart().await;
    fresh(store, clock).await;
    assert_eq!(ends(store, session(1)), Some(FOR_GOOD));
}

#[tokio::test]
async fn f07_a_redis_that_restarts_empty_is_given_its_revocations_again() {
    let mut fixture = fixture().await;
    fixture.store.revoke(&[revocation(mark(session(1), FOR_GOOD, &fixture.clock))]).await.unwrap();
    fixture.server.kill();
    fixture.server.restart().await;
    newcomer_learns(&fixture, session(1)).await;
}

#[tokio::test]
async fn f08_a_redis_that_is_emptied_is_given_its_revocations_again() {
    let fixture = fixture().await;
    fixture.store.revoke(&[revocation(mark(session(1), FOR_GOOD, &fixture.clock))]).await.unwrap();
    fixture.server.ask::<()>(&[b"FLUSHALL"]).await;
    newcomer_learns(&fixture, session(1)).await;
    fresh(&fixture.store, &fixture.clock).await;
    let everything = ends(&fixture.store, Target::everything());
    assert!(everything < Some(millis(fixture.clock.now()) + 240_000), "what is known needn't end everything");
}

/// A broker that has only Redis to learn from knows of the revocation as soon as it is ready.
async fn newcomer_learns(fixture: &Fixture, target: Target) {
    let directory = tempfile::tempdir().unwrap();
    let newcomer = peer(fixture, "newcomer", directory.path()).await;
    assert_eq!(ends(&newcomer, target), Some(FOR_GOOD));
}

#[tokio::test]
async fn f08_a_proof_older_than_a_lost_history_is_not_redeemed() {
    let fixture = fixture().await;
    let (clock, store) = (&fixture.clock, &fixture.store);
    let made = reservation(1, clock);
    assert_eq!(store.record(&record(1, "alice", clock), Some(&made), LIMITS).await, Ok(Recorded::New));
    fixture.server.ask::<()>(&[b"FLUSHALL"]).await;
    let replayed = Reservation { request_digest: [9; 32], ..made.clone() };
    let refused = store.record(&record(2, "alice", clock), Some(&replayed), LIMITS).await;
    assert_eq!(refused, Err(Unavailable::HistoryLost), "before the history begins again");
    fresh(store, clock).await;
    let refused = store.record(&record(2, "alice", clock), Some(&replayed), LIMITS).await;
    assert!(matches!(refused, Err(Unavailable::HistoryLost) | Ok(Recorded::Spent)), "{refused:?}");
    assert_eq!(listed(store, Selector::default()).await, []);
    let later = Reservation { issued: clock.now(), target: Target::new(Scope::Proof, &[b"jti-2"]), ..made };
    assert_eq!(store.record(&record(3, "alice", clock), Some(&later), LIMITS).await, Ok(Recorded::New));
}

#[tokio::test]
async fn f08_a_journal_restores_what_redis_and_a_restart_forgot() {
    let Fixture { store, clock, server, _directory: directory } = fixture().await;
    store.revoke(&[revocation(mark(session(1), FOR_GOOD, &clock))]).await.unwrap();
    let everything = ends(&store, Target::everything());
    drop(store);
    server.ask::<()>(&[b"FLUSHALL"]).await;
    let journal = directory.path().join("one");
    let torn = [std::fs::read(&journal).unwrap(), vec![0, 0, 0, 120, 1, 2, 3]].concat();
    std::fs::write(&journal, torn).unwrap();
    let store = reopened(&server, &clock, directory.path()).await;
    fresh(&store, &clock).await;
    assert_eq!(ends(&store, session(1)), Some(FOR_GOOD));
    assert_eq!(ends(&store, Target::everything()), everything, "nothing else was ended");
    assert_eq!(age(&store, &clock).map(|age| age < T), Some(true));
}

/// Opens a store again as soon as its predecessor's task has let go of the journal.
async fn reopened(server: &Server, clock: &TestClock, directory: &std::path::Path) -> Redis {
    let opened = std::cell::RefCell::new(None);
    eventually("the journal is free", async || {
        let settings = settings(&server.url(), "one", Duration::MAX, directory);
        let store = Redis::open(settings, keyring(1), clock.source()).await.ok();
        opened.replace(store).is_none() && opened.borrow().is_some()
    })
    .await;
    opened.into_inner().unwrap()
}

#[tokio::test]
async fn f08_a_damaged_journal_is_no_history() {
    let Fixture { store, clock, server, _directory: directory } = fixture().await;
    store.revoke(&[revocation(mark(session(1), FOR_GOOD, &clock))]).await.unwrap();
    drop(store);
    server.ask::<()>(&[b"FLUSHALL"]).await;
    let journal = directory.path().join("one");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let store = reopened(&server, &clock, directory.path()).await;
    let epoch = key(store.sealer.name(Kind::Epoch, &[]));
    eventually("it has looked", async || {
        server.ask::<u64>(&[b"HLEN", &key(store.sealer.name(Kind::Heartbeat, &[]))]).await == 1
    })
    .await;
    assert_eq!(server.ask::<Option<Vec<u8>>>(&[b"GET", &epoch]).await, None);
    assert_eq!(age(&store, &clock), None);
}

#[tokio::test]
async fn f09_a_full_redis_is_unavailable_and_loses_nothing() {
    let fixture = fixture().await;
    let (clock, store) = (&fixture.clock, &fixture.store);
    let kept = record(1, "alice", clock);
    store.record(&kept, None, LIMITS).await.unwrap();
    fixture.server.ask::<()>(&[b"CONFIG", b"SET", b"maxmemory", b"1"]).await;
    let refused = store.record(&record(2, "alice", clock), None, LIMITS).await;
    assert!(matches!(&refused, Err(Unavailable::Failed(cause)) if cause.contains("OOM")), "{refused:?}");
    let propagating = store.revoke(&[revocation(mark(session(1), FOR_GOOD, clock))]).await;
    assert_eq!((propagating.unwrap(), ends(store, session(1))), (Settlement::Propagating, Some(FOR_GOOD)));
    assert_eq!(store.session(&SessionName::Id(kept.session)).await, Ok(Some(kept)));
    fixture.server.ask::<()>(&[b"CONFIG", b"SET", b"maxmemory", b"0"]).await;
    fresh(store, clock).await;
    newcomer_learns(&fixture, session(1)).await;
}

#[tokio::test]
async fn f10_a_redis_that_hangs_costs_each_call_its_deadline_and_then_nothing() {
    let fixture = fixture().await;
    let store = &fixture.store;
    store.clock().await.unwrap();
    fixture.server.signal(Signal::STOP);
    let asked = fixture.clock.read().monotonic;
    let first = store.record(&record(1, "alice", &fixture.clock), None, LIMITS).await;
    let took = fixture.clock.read().monotonic - asked;
    assert_eq!(first, Err(Unavailable::Deadline));
    assert!((DEADLINE..DEADLINE + Duration::from_millis(100)).contains(&took), "{took:?}");
    let next = store.record(&record(2, "alice", &fixture.clock), None, LIMITS).await;
    assert!(matches!(next, Err(Unavailable::Failed(_))), "{next:?}");
    assert!(fixture.clock.read().monotonic - asked - took < Duration::from_millis(50), "fails at once");
    assert!(store.live().read(fixture.clock.read().monotonic, T).is_ok(), "verifying goes on");
    fixture.server.signal(Signal::CONT);
    fresh(store, &fixture.clock).await;
}

#[tokio::test]
async fn f13_a_revocation_without_redis_holds_here_and_reaches_peers_later() {
    let mut fixture = fixture().await;
    let directory = tempfile::tempdir().unwrap();
    let peer = peer(&fixture, "two", directory.path()).await;
    fixture.server.kill();
    let revoked = fixture.store.revoke(&[revocation(mark(session(1), FOR_GOOD, &fixture.clock))]).await;
    assert_eq!(revoked.unwrap(), Settlement::Propagating);
    assert_eq!((ends(&fixture.store, session(1)), ends(&peer, session(1))), (Some(FOR_GOOD), None));
    fixture.server.restart().await;
    eventually("the peer learns", async || ends(&peer, session(1)) == Some(FOR_GOOD)).await;
}

#[tokio::test]
async fn a_keyring_without_the_key_of_a_journaled_revocation_is_refused_and_the_journal_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (path, clock) = (directory.path().join("journal"), TestClock::new());
    let (mut journal, _) = Journal::open(&path, Sealer::new(keyring(2))).unwrap();
    journal.append(&[mark(session(1), FOR_GOOD, &clock)]).unwrap();
    drop(journal);
    let said = Journal::open(&path, Sealer::new(keyring(1))).unwrap_err().to_string();
    assert!(said.contains("sealed by key 2, which is not in the keyring"), "{said}");
    let (_, history) = Journal::open(&path, Sealer::new(retired(3, 2))).unwrap();
    assert_eq!(history.view.mark(session(1)), Some(FOR_GOOD));
}

#[tokio::test]
async fn f15_a_revocation_said_to_be_done_is_in_the_journal() {
    let Fixture { store, clock, server, _directory: directory } = fixture().await;
    for number in 1..=20 {
        store.revoke(&[revocation(mark(session(number), FOR_GOOD, &clock))]).await.unwrap();
    }
    // As a crash leaves it: nothing is closed or flushed before it is read.
    let copy = directory.path().join("copy");
    std::fs::copy(directory.path().join("one"), &copy).unwrap();
    let sealer = Sealer::new(keyring(1));
    let (_, history) = Journal::open(&copy, sealer).unwrap();
    assert!(history.whole);
    assert!((1..=20).all(|number| history.view.mark(session(number)) == Some(FOR_GOOD)));
    drop(server);
}

#[tokio::test]
async fn no_list_of_sessions_ends_before_the_last_session_in_it() {
    let fixture = fixture().await;
    let all = Selector::default();
    for number in 1..=20 {
        // As if the lists had last been put off long ago.
        let lists: Vec<Vec<u8>> = fixture.server.ask(&[b"KEYS", b"daypass:i:*"]).await;
        for list in &lists {
            fixture.server.ask::<()>(&[b"PEXPIRE", list, b"60000"]).await;
        }
        let latest = record(number, "alice", &fixture.clock);
        fixture.store.record(&latest, None, LIMITS).await.unwrap();
        let lives = (latest.expires - latest.issued).get_seconds();
        let lists: Vec<Vec<u8>> = fixture.server.ask(&[b"KEYS", b"daypass:i:*"]).await;
        assert_eq!(lists.len(), 5, "principal, role, provider, account, all");
        for list in &lists {
            let left: i64 = fixture.server.ask(&[b"TTL", list]).await;
            assert!(left >= lives, "session {number} would be listed for {left} s of its {lives}");
        }
    }
    assert_eq!(listed(&fixture.store, all).await.len(), 20);
}
