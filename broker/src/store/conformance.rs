//! What every store must do, run against each of them by `conformance!`, and what tests of stores share.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;

use super::*;
use crate::keys::file::KeyringFile;
use crate::revocation::{FOR_GOOD, MARK_KEPT_MS, millis};
use crate::session::access_key_id;

/// A clock that runs with the machine's and can be set forward.
#[derive(Clone)]
pub(super) struct TestClock {
    started: tokio::time::Instant,
    ahead_ms: Arc<AtomicI64>,
    surely_past_ms: Arc<AtomicI64>,
}

impl TestClock {
    pub(super) fn new() -> Self {
        Self {
            started: tokio::time::Instant::now(),
            ahead_ms: Arc::default(),
            surely_past_ms: Arc::default(),
        }
    }

    pub(super) fn advance(&self, by: SignedDuration) {
        self.ahead_ms.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// What time it is now has passed beyond doubt.
    pub(super) fn settle(&self) {
        self.surely_past_ms.store(self.now().as_millisecond(), Ordering::SeqCst);
    }

    pub(super) fn source(&self) -> TimeSource {
        let clock = self.clone();
        TimeSource::new(move || clock.read())
    }

    pub(super) fn read(&self) -> Reading {
        let monotonic = self.started.elapsed();
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let surely_past = Timestamp::from_millisecond(self.surely_past_ms.load(Ordering::SeqCst)).unwrap();
        Reading { now: start + monotonic + ahead, monotonic, surely_past }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.read().now
    }
}

/// A keyring of `keys` keys, the last one active; the same each time.
pub(super) fn keyring(keys: u32) -> SharedKeyring {
    shared(&keyring_file(keys))
}

/// The same, one of its keys retired.
pub(super) fn retired(keys: u32, id: u32) -> SharedKeyring {
    let mut file = keyring_file(keys);
    file.retire(id).unwrap();
    shared(&file)
}

fn shared(file: &KeyringFile) -> SharedKeyring {
    Arc::new(ArcSwap::from_pointee(file.validate().unwrap()))
}

fn keyring_file(keys: u32) -> KeyringFile {
    let mut next = 0u8;
    let mut random = move || {
        next += 1;
        [next; 32]
    };
    let mut file = KeyringFile::generate(false, &mut random);
    for _ in 1..keys {
        let id = file.prepare(&mut random);
        file.activate(id).unwrap();
    }
    file
}

pub(super) const LIMITS: Limits = Limits { per_principal: 10_000, per_account: 10_000 };

pub(super) fn principal(name: &str) -> Target {
    Target::new(Scope::Principal, &[b"https://idp.test", name.as_bytes()])
}

pub(super) fn account() -> Target {
    Target::new(Scope::Account, &[b"111122223333"])
}

fn role() -> Target {
    Target::new(Scope::Role, &[b"AROA1"])
}

fn provider() -> Target {
    Target::new(Scope::Provider, &[b"provider-1"])
}

/// The `number`th session of a principal, an hour long.
pub(super) fn record(number: u32, who: &str, clock: &TestClock) -> SessionRecord {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let issued = Timestamp::from_second(clock.now().as_second()).unwrap();
    SessionRecord {
        session: SessionId(id),
        access_key_id: access_key_id(SessionId(id)),
        stamp: millis(issued),
        targets: vec![principal(who), role(), provider(), account()],
        account: "111122223333".into(),
        role_arn: "arn:aws:iam::111122223333:role/Deploy".into(),
        role_id: "AROA1".into(),
        session_name: format!("build-{number}").into(),
        provider: Some("arn:aws:iam::111122223333:oidc-provider/idp.test".into()),
        principal: format!("https://idp.test {who}"),
        source_identity: None,
        issued,
        expires: issued + SignedDuration::from_hours(1),
        peer: "192.0.2.7".into(),
        request_id: "00000000-0000-0000-0000-000000000001".into(),
        last_used: None,
    }
}

pub(super) fn reservation(digest: u8, clock: &TestClock) -> Reservation {
    Reservation {
        target: Target::new(Scope::Proof, &[b"jti-1", b"AROA1"]),
        request_digest: [digest; 32],
        peer: "192.0.2.7".into(),
        issued: clock.now(),
        keep_until: clock.now() + SignedDuration::from_mins(20),
    }
}

pub(super) fn mark(target: Target, at: u64, clock: &TestClock) -> Mark {
    Mark { target, at, barred_until: 0, kept_until: millis(clock.now()) + MARK_KEPT_MS }
}

pub(super) fn revocation(mark: Mark) -> Revocation {
    Revocation { mark, counted_under: None }
}

/// All sessions of a listing, page by page.
pub(super) async fn listed(store: &impl Store, selector: Selector) -> Vec<SessionRecord> {
    let (mut all, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let page = store.sessions(&selector, cursor).await.unwrap();
        assert!(page.sessions.len() <= PAGE);
        all.extend(page.sessions);
        let Some(next) = page.next else { return all };
        assert!(next > cursor, "a listing goes on");
        cursor = next.to_string().parse().unwrap();
    }
}

fn of(target: Target) -> Selector {
    Selector { target: Some(target), issued_before: None }
}

pub(super) async fn a_recorded_session_is_found_until_it_ends(store: &impl Store, clock: &TestClock) {
    let written = record(1, "alice", clock);
    assert_eq!(store.record(&written, None, LIMITS).await, Ok(Recorded::New));
    let by_id = SessionName::Id(written.session);
    let by_key = SessionName::AccessKey(written.access_key_id.clone());
    for name in [&by_id, &by_key] {
        assert_eq!(store.session(name).await, Ok(Some(written.clone())));
    }
    let used = clock.now().round(jiff::Unit::Millisecond).unwrap();
    store.touch(&[(written.session, used)]).await.unwrap();
    assert_eq!(store.session(&by_key).await.unwrap().unwrap().last_used, Some(used));
    let mut half_right = written.session;
    half_right.0[15] ^= 1;
    for nobody in [SessionId([9; 16]), half_right] {
        assert_eq!(store.session(&SessionName::Id(nobody)).await, Ok(None));
    }
    for nobody in [access_key_id(SessionId([9; 16])), "ASIA0000000000000002".into(), String::new()] {
        assert_eq!(store.session(&SessionName::AccessKey(nobody)).await, Ok(None));
    }
    clock.advance(SignedDuration::from_hours(1));
    for name in [by_id, by_key] {
        assert_eq!(store.session(&name).await, Ok(None), "it has ended");
    }
}

pub(super) async fn sessions_are_listed_by_what_they_are_of(store: &impl Store, clock: &TestClock) {
    let count = u32::try_from(PAGE).unwrap() * 2 + 5;
    for number in 0..count {
        let who = if number % 50 == 0 { "alice" } else { "bob" };
        store.record(&record(number, who, clock), None, LIMITS).await.unwrap();
    }
    clock.advance(SignedDuration::from_secs(10));
    let mut late = record(count, "carol", clock);
    let other_role = Target::new(Scope::Role, &[b"AROA2"]);
    late.targets = vec![principal("carol"), other_role, provider(), account()];
    store.record(&late, None, LIMITS).await.unwrap();
    for selector in [Selector::default(), of(provider()), of(account())] {
        let mut ids: Vec<_> = listed(store, selector).await.iter().map(|record| record.session).collect();
        assert_eq!(ids.len(), count as usize + 1);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count as usize + 1, "each once");
    }
    assert_eq!(listed(store, of(role())).await.len(), count as usize, "not the other role's");
    assert_eq!(listed(store, of(other_role)).await, std::slice::from_ref(&late));
    assert_eq!(listed(store, of(principal("alice"))).await.len(), 5);
    assert_eq!(listed(store, of(principal("carol"))).await, std::slice::from_ref(&late));
    assert_eq!(listed(store, of(principal("nobody"))).await, []);
    let earlier = Selector { target: None, issued_before: Some(late.issued) };
    assert_eq!(listed(store, earlier).await.len(), count as usize);
    clock.advance(SignedDuration::from_hours(1) - SignedDuration::from_secs(5));
    assert_eq!(listed(store, Selector::default()).await, [late], "the others have ended");
}

pub(super) async fn a_proof_is_redeemed_once(store: &impl Store, clock: &TestClock) {
    let first = record(1, "alice", clock);
    let made = reservation(1, clock);
    assert_eq!(store.record(&first, Some(&made), LIMITS).await, Ok(Recorded::New));

    let again = record(2, "alice", clock);
    let other_request = Reservation { request_digest: [2; 32], ..made.clone() };
    let other_peer = Reservation { peer: "192.0.2.8".into(), ..made.clone() };
    for stolen in [other_request, other_peer] {
        assert_eq!(store.record(&again, Some(&stolen), LIMITS).await, Ok(Recorded::Spent));
    }
    let same = Ok(Recorded::Same(Box::new(first.clone())));
    assert_eq!(store.record(&again, Some(&made), LIMITS).await, same, "a repetition gets the same session");
    let other_role = Reservation { target: Target::new(Scope::Proof, &[b"jti-1", b"AROA2"]), ..made.clone() };
    assert_eq!(store.record(&record(3, "alice", clock), Some(&other_role), LIMITS).await, Ok(Recorded::New));

    clock.advance(SignedDuration::from_secs(11));
    assert_eq!(store.record(&again, Some(&made), LIMITS).await, Ok(Recorded::Spent), "too late to repeat");
    let mut ids: Vec<_> =
        listed(store, Selector::default()).await.iter().map(|record| record.session.0[3]).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 3], "what was refused is not listed");
}

pub(super) async fn live_sessions_are_capped(store: &impl Store, clock: &TestClock) {
    let limits = Limits { per_principal: 2, per_account: 3 };
    for number in 0..2 {
        assert_eq!(store.record(&record(number, "alice", clock), None, limits).await, Ok(Recorded::New));
    }
    let made = reservation(1, clock);
    let third = record(2, "alice", clock);
    assert_eq!(
        store.record(&third, Some(&made), limits).await,
        Ok(Recorded::TooMany(Scope::Principal)),
        "the third of two"
    );
    assert_eq!(listed(store, of(principal("alice"))).await.len(), 2);
    assert_eq!(store.record(&record(3, "bob", clock), None, limits).await, Ok(Recorded::New));
    assert_eq!(
        store.record(&record(4, "carol", clock), None, limits).await,
        Ok(Recorded::TooMany(Scope::Account))
    );
    clock.advance(SignedDuration::from_hours(1));
    let later = record(5, "alice", clock);
    assert_eq!(
        store.record(&later, Some(&made), limits).await,
        Ok(Recorded::New),
        "ended sessions don't count, and a refusal spends nothing"
    );
}

pub(super) async fn a_revocation_is_in_the_view_at_once_and_never_lowered(
    store: &impl Store,
    clock: &TestClock,
) {
    let view = || store.live().whatever_its_age();
    let unknown = SessionId([7; 16]).target();
    let revocations = [revocation(mark(unknown, FOR_GOOD, clock)), revocation(mark(role(), 500, clock))];
    assert_eq!(store.revoke(&revocations).await.unwrap(), Settlement::Settled);
    assert_eq!((view().mark(unknown), view().mark(role())), (Some(FOR_GOOD), Some(500)));
    let lower = [revocation(mark(role(), 400, clock))];
    assert_eq!(store.revoke(&lower).await.unwrap(), Settlement::Settled);
    assert_eq!(view().mark(role()), Some(500));
    let fresh = store.live().read(clock.read().monotonic, Duration::from_secs(30));
    assert_eq!(fresh.unwrap().mark(role()), Some(500));
}

pub(super) async fn single_revocations_of_a_principal_are_limited(store: &impl Store, clock: &TestClock) {
    let single = |number: u32, who: &str| {
        let session = record(number, who, clock).session;
        Revocation { mark: mark(session.target(), FOR_GOOD, clock), counted_under: Some(principal(who)) }
    };
    let many = u32::try_from(MAX_SINGLE_REVOCATIONS).unwrap();
    let allowed: Vec<_> = (0..many).map(|number| single(number, "alice")).collect();
    for some in allowed.chunks(50) {
        assert_eq!(store.revoke(some).await.unwrap(), Settlement::Settled);
    }
    let refused = store.revoke(&[single(many, "alice")]).await;
    assert!(matches!(refused, Err(RevokeError::TooManySingle)), "{refused:?}");
    let target = record(many, "alice", clock).session.target();
    assert_eq!(store.live().whatever_its_age().mark(target), None, "what is refused is not done");
    assert!(store.revoke(&[single(0, "alice")]).await.is_ok(), "once more is not one more");
    assert!(store.revoke(&[single(many, "bob")]).await.is_ok());
    let whole = revocation(mark(principal("alice"), 1, clock));
    assert!(store.revoke(&[whole]).await.is_ok(), "the principal can always be ended");
}

pub(super) async fn t18_one_tenant_cannot_use_up_anothers_sessions(store: &impl Store, clock: &TestClock) {
    let limits = Limits { per_principal: 2, per_account: 10 };
    let shared = Target::new(Scope::Principal, &[b"alice"]);
    for number in 0..4 {
        let mut said = record(number, &format!("stranger-{number}"), clock);
        said.targets.push(shared);
        assert_eq!(store.record(&said, None, limits).await, Ok(Recorded::New), "{number}");
    }
    assert_eq!(
        listed(store, of(shared)).await.len(),
        4,
        "all of a source identity's are listed, and can be ended"
    );
}

/// The suite, each test on a store of its own made by `$fixture`, which returns something with `store` and `clock`.
macro_rules! conformance {
    ($fixture:path) => {
        $crate::store::conformance::conformance!($fixture:
            a_recorded_session_is_found_until_it_ends
            sessions_are_listed_by_what_they_are_of
            a_proof_is_redeemed_once
            live_sessions_are_capped
            a_revocation_is_in_the_view_at_once_and_never_lowered
            single_revocations_of_a_principal_are_limited
            t18_one_tenant_cannot_use_up_anothers_sessions
        );
    };
    ($fixture:path: $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let fixture = $fixture().await;
                $crate::store::conformance::$name(&fixture.store, &fixture.clock).await;
            }
        )*
    };
}
pub(super) use conformance;
