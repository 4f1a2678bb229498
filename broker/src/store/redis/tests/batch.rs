//! Sessions that are recorded together: each has its own answer.

use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::store::conformance::account;
use crate::store::redis::batch::{MAX_BATCH, insert};
use crate::store::redis::lane::MAX_WAITING;

/// What becomes of sessions of these principals that come together; those that find no place are taken back.
async fn together(
    fixture: &Fixture,
    who: &[(u32, &str)],
    limits: Limits,
) -> Vec<Result<Option<Scope>, Unavailable>> {
    let (store, now) = (&fixture.store, fixture.clock.now());
    let entries = |(number, who): &(u32, &str)| {
        Entries::new(&record(*number, who, &fixture.clock), limits, &store.sealer, now).unwrap()
    };
    let entries: Vec<Entries> = who.iter().map(entries).collect();
    let answers = insert(&entries.iter().collect::<Vec<_>>(), &store.lane, Instant::now() + DEADLINE).await;
    for (entries, answer) in entries.iter().zip(&answers) {
        if answer.as_ref().is_ok_and(Option::is_some) {
            entries.take_back(&store.lane).await;
        }
    }
    answers
}

fn of(target: Target) -> Selector {
    Selector { target: Some(target), issued_before: None }
}

#[tokio::test]
async fn of_those_who_come_together_as_many_are_recorded_as_there_is_room_for() {
    let fixture = fixture().await;
    let limits = Limits { per_principal: 2, per_account: 4 };
    let who =
        [(1, "alice"), (2, "alice"), (3, "alice"), (4, "bob"), (5, "carol"), (6, "carol"), (7, "alice")];
    let answers = together(&fixture, &who, limits).await;
    let (full, account_full) = (Ok(Some(Scope::Principal)), Ok(Some(Scope::Account)));
    let expected = [Ok(None), Ok(None), full.clone(), Ok(None), Ok(None), account_full, full.clone()];
    assert_eq!(answers, expected, "whom one limit refuses takes no place under the other");
    assert_eq!(listed(&fixture.store, of(account())).await.len(), 4);

    let roomier = Limits { per_account: 6, ..limits };
    let answers = together(&fixture, &[(8, "alice"), (9, "bob"), (10, "bob")], roomier).await;
    assert_eq!(answers, [full.clone(), Ok(None), full], "beside those that were there before");
    assert_eq!(listed(&fixture.store, of(principal("alice"))).await.len(), 2);
    assert_eq!(listed(&fixture.store, of(principal("bob"))).await.len(), 2);
}

#[tokio::test]
async fn a_list_that_somebody_spoilt_fails_only_those_who_belong_in_it() {
    let fixture = fixture().await;
    let list = key(fixture.store.sealer.index_name(Some(principal("mallory"))));
    fixture.server.ask::<()>(&[b"SET", &list, b"not a list"]).await;
    let answers = together(&fixture, &[(1, "alice"), (2, "mallory"), (3, "bob")], LIMITS).await;
    assert!(
        matches!(&answers[..], [Ok(None), Err(Unavailable::Failed(cause)), Ok(None)] if cause.contains("WRONGTYPE")),
        "{answers:?}"
    );
    for who in ["alice", "bob"] {
        assert_eq!(listed(&fixture.store, of(principal(who))).await.len(), 1);
    }
}

#[tokio::test]
async fn many_at_once_are_all_recorded_and_listed_once() {
    let Fixture { store, clock, server, _directory: directory } = fixture().await;
    let store = Arc::new(store);
    let mut recording = JoinSet::new();
    let records: Vec<SessionRecord> =
        (0..600).map(|number| record(number, &format!("worker-{}", number % 7), &clock)).collect();
    for record in records.clone() {
        let store = Arc::clone(&store);
        recording.spawn(async move { store.record(&record, None, LIMITS).await });
    }
    while let Some(recorded) = recording.join_next().await {
        assert_eq!(recorded.unwrap(), Ok(Recorded::New));
    }
    let mut ids: Vec<SessionId> =
        listed(&*store, Selector::default()).await.iter().map(|record| record.session).collect();
    ids.sort();
    assert_eq!(ids, records.iter().map(|record| record.session).collect::<Vec<_>>());
    assert_eq!(listed(&*store, of(principal("worker-3"))).await.len(), 86);
    drop((server, directory));
}

#[tokio::test]
async fn more_than_may_wait_are_told_so_at_once() {
    let fixture = fixture().await;
    let record = record(1, "alice", &fixture.clock);
    let entries = Entries::new(&record, LIMITS, &fixture.store.sealer, fixture.clock.now()).unwrap();
    let (store, entries) = (Arc::new(fixture.store), Arc::new(entries));
    fixture.server.signal(Signal::STOP);
    let mut asking = JoinSet::new();
    for _ in 0..MAX_WAITING + MAX_BATCH + 100 {
        let (store, entries) = (Arc::clone(&store), Arc::clone(&entries));
        asking.spawn(async move { store.recorder.insert(entries).await });
    }
    let answers = asking.join_all().await;
    let refused = answers.iter().filter(|answer| **answer == Err(Unavailable::Backlog)).count();
    assert!(refused >= 100, "{refused}");
    assert!(answers.iter().all(Result::is_err));
    fixture.server.signal(Signal::CONT);
    eventually("issuing goes on", async || store.recorder.insert(Arc::clone(&entries)).await == Ok(None))
        .await;
}
