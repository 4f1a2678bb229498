//! Against a real `redis-server` that each test starts for itself.

use super::*;
use crate::revocation::{FOR_GOOD, Target};
use crate::store::Stale;
use crate::store::conformance::{
    LIMITS, TestClock, conformance, keyring, listed, mark, principal, record, reservation, revocation,
};

mod attacks;
mod batch;
mod faults;
mod server;

use server::{Server, eventually};

const T: Duration = Duration::from_secs(30);

struct Fixture {
    store: Redis,
    clock: TestClock,
    server: Server,
    _directory: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    on(Server::start().await).await
}

async fn on(server: Server) -> Fixture {
    let (clock, directory) = (TestClock::new(), tempfile::tempdir().unwrap());
    let store = broker(&server.url(), "one", 1, Duration::ZERO, directory.path(), &clock).await;
    fresh(&store, &clock).await;
    Fixture { store, clock, server, _directory: directory }
}

/// The same with a server that lets the broker do what it needs and nothing else.
async fn least_right_fixture() -> Fixture {
    let server = Server::start().await;
    let user: [&[u8]; 12] = [
        b"ACL",
        b"SETUSER",
        b"daypass",
        b"on",
        b">secret",
        b"~daypass:*",
        b"-@all",
        b"+get",
        b"+set",
        b"+del",
        b"+multi",
        b"+exec",
    ];
    let rights = "+pexpire +info +time +zadd +zcard +zcount +zrem +zrangebyscore +zremrangebyscore +xadd +xlen +xrange +xtrim \
                  +hset +hgetall";
    let command: Vec<&[u8]> = user.into_iter().chain(rights.split(' ').map(str::as_bytes)).collect();
    server.ask::<()>(&command).await;
    let (clock, directory) = (TestClock::new(), tempfile::tempdir().unwrap());
    let url = format!("redis://daypass:secret@127.0.0.1:{}", server.port);
    let store = broker(&url, "one", 1, Duration::ZERO, directory.path(), &clock).await;
    fresh(&store, &clock).await;
    Fixture { store, clock, server, _directory: directory }
}

mod with_all_rights {
    use super::*;
    conformance!(fixture);
}

mod r03_with_the_least_rights {
    use super::*;
    conformance!(least_right_fixture);
}

/// A broker with `keys` keys and its journal in `directory`.
async fn broker(
    url: &str,
    name: &str,
    keys: u32,
    lost_after: Duration,
    directory: &std::path::Path,
    clock: &TestClock,
) -> Redis {
    let settings = settings(url, name, lost_after, directory);
    Redis::open(settings, keyring(keys), clock.source()).await.unwrap()
}

fn settings(url: &str, name: &str, lost_after: Duration, directory: &std::path::Path) -> Settings {
    Settings {
        url: url.to_owned().into(),
        ca_file: None,
        journal: directory.join(name),
        broker: name.to_owned(),
        max_staleness: lost_after,
    }
}

/// A peer on the same server, without a journal, whose history is never lost by waiting.
async fn peer(fixture: &Fixture, name: &str, directory: &std::path::Path) -> Redis {
    let peer = broker(&fixture.server.url(), name, 1, Duration::MAX, directory, &fixture.clock).await;
    fresh(&peer, &fixture.clock).await;
    peer
}

fn age(store: &Redis, clock: &TestClock) -> Option<Duration> {
    store.live().age(clock.read().monotonic)
}

/// Waits for a heartbeat begun after now.
async fn fresh(store: &Redis, clock: &TestClock) {
    let asked = clock.read().monotonic;
    eventually("the view is fresh", async || {
        let monotonic = clock.read().monotonic;
        store.live().age(monotonic).is_some_and(|age| monotonic.saturating_sub(age) > asked)
    })
    .await;
}

fn ends(store: &Redis, target: Target) -> Option<u64> {
    store.live().whatever_its_age().mark(target)
}

fn session(number: u8) -> Target {
    SessionId([number; 16]).target()
}

#[tokio::test]
async fn t17_what_one_broker_revokes_another_refuses_within_a_second() {
    let fixture = fixture().await;
    let directory = tempfile::tempdir().unwrap();
    let peer = peer(&fixture, "two", directory.path()).await;
    let asked = fixture.clock.read().monotonic;
    let revoked = fixture.store.revoke(&[revocation(mark(session(1), FOR_GOOD, &fixture.clock))]).await;
    assert_eq!(revoked.unwrap(), Settlement::Settled);
    eventually("the peer knows", async || ends(&peer, session(1)) == Some(FOR_GOOD)).await;
    let took = fixture.clock.read().monotonic - asked;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(peer.live().read(fixture.clock.read().monotonic, T).is_ok());
}

#[tokio::test]
async fn a_key_that_a_peer_published_is_known_to_be_somebodys() {
    let fixture = fixture().await;
    assert!(!fixture.store.peer_keys().contains(&KeyId(2)));
    let directory = tempfile::tempdir().unwrap();
    let url = fixture.server.url();
    let _peer = broker(&url, "two", 2, Duration::MAX, directory.path(), &fixture.clock).await;
    eventually("key 2 is known of", async || fixture.store.peer_keys().contains(&KeyId(2))).await;
    assert!(!fixture.store.peer_keys().contains(&KeyId(3)));
}

#[tokio::test]
async fn a_broker_without_history_waits_for_peers_and_then_ends_everything_older() {
    let server = Server::start().await;
    let (clock, directory) = (TestClock::new(), tempfile::tempdir().unwrap());
    let patience = Duration::from_millis(600);
    let store = broker(&server.url(), "one", 1, patience, directory.path(), &clock).await;
    let begun = clock.read().monotonic;
    eventually("the view is whole", async || {
        let whole = age(&store, &clock).is_some();
        assert!(!whole || clock.read().monotonic - begun >= patience, "too soon");
        whole
    })
    .await;
    assert!(ends(&store, Target::everything()) > Some(millis(clock.now())));
}

#[tokio::test]
async fn the_servers_clock_is_told() {
    let fixture = fixture().await;
    let (seconds, _): (i64, i64) = fixture.server.ask(&[b"TIME"]).await;
    let told = fixture.store.clock().await.unwrap().unwrap();
    assert!((told.as_second() - seconds).abs() <= 1);
}

#[tokio::test]
async fn an_epoch_outlives_the_key_that_sealed_it() {
    let fixture = fixture().await;
    let directory = tempfile::tempdir().unwrap();
    let url = fixture.server.url();
    let epoch = key(fixture.store.sealer.name(Kind::Epoch, &[]));
    let rotated = broker(&url, "two", 2, Duration::MAX, directory.path(), &fixture.clock).await;
    fresh(&rotated, &fixture.clock).await;
    drop(fixture.store);
    eventually("it is sealed anew", async || {
        let sealed: Vec<u8> = fixture.server.ask(&[b"GET", &epoch]).await;
        crate::seal::header(&sealed) == Ok(KeyId(2))
    })
    .await;
}
