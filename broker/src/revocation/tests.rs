//! What marks end, in whatever order and by whatever clock they come.

use super::*;

const NOW: u64 = 1_800_000_000_000;

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW.cast_signed()).unwrap()
}

fn role() -> Target {
    Target::new(Scope::Role, &[b"AROA1"])
}

fn link(stamp: u64) -> Link {
    Link { session: SessionId([1; 16]), stamp, targets: vec![role()] }
}

fn marked(target: Target, at: u64) -> Mark {
    Mark { target, at, barred_until: 0, kept_until: NOW + MARK_KEPT_MS }
}

fn view(marks: &[Mark]) -> View {
    let mut view = View::default();
    for mark in marks {
        view.merge(mark);
    }
    view
}

#[test]
fn a_mark_ends_what_was_issued_before_it_and_nothing_after() {
    let at = Scope::Role.mark(NOW, None);
    let view = view(&[marked(role(), at)]);
    assert_eq!(view.ends(&link(NOW)), Some(Scope::Role));
    assert_eq!(view.ends(&link(at)), Some(Scope::Role));
    let reissued = view.stamp(&[role()], now()).unwrap();
    assert_eq!((reissued, view.ends(&link(reissued))), (at + 1, None));
}

#[test]
fn f18_a_session_issued_by_a_clock_120_s_ahead_dies_by_a_mark_of_one_120_s_behind() {
    let issued_ahead =
        View::default().stamp(&[role()], now() + jiff::SignedDuration::from_secs(120)).unwrap();
    let marked_behind = Scope::Role.mark(NOW - 120_000 + 1, None);
    assert_eq!(view(&[marked(role(), marked_behind)]).ends(&link(issued_ahead)), Some(Scope::Role));
}

#[test]
fn marks_merge_by_maximum_in_any_order() {
    let (low, high) = (marked(role(), 5), marked(role(), 9));
    for order in [[low, high], [high, low]] {
        assert_eq!(view(&order).mark(role()), Some(9));
    }
    let mut replayed = view(&[high]);
    assert!(!replayed.merge(&low), "a stale copy changes nothing");
}

#[test]
fn a_second_revocation_ends_what_was_issued_after_the_first() {
    let first = Scope::Principal.mark(NOW, None);
    assert_eq!(Scope::Principal.mark(NOW, Some(first)), first + 1);
}

#[test]
fn a_session_and_a_proof_are_ended_for_good() {
    let proof = Target::new(Scope::Proof, &[b"digest"]);
    let view =
        view(&[marked(proof, Scope::Proof.mark(NOW, None)), marked(SessionId([1; 16]).target(), FOR_GOOD)]);
    assert_eq!(view.stamp(&[proof], now()), Err(Barred::Ended(Scope::Proof)));
    assert_eq!(view.ends(&link(NOW)), Some(Scope::Session));
}

#[test]
fn a_bar_refuses_new_sessions_and_leaves_running_ones() {
    let proof = Target::new(Scope::Proof, &[b"digest"]);
    let bar = Mark { target: proof, at: 0, barred_until: NOW + 60_000, kept_until: NOW + 60_000 };
    let mut view = view(&[bar]);
    assert_eq!(
        view.stamp(&[proof], now()),
        Err(Barred::Until { scope: Scope::Proof, until_ms: NOW + 60_000 })
    );
    assert_eq!(view.ends(&Link { targets: vec![proof], ..link(NOW) }), None);
    view.forget(NOW + 60_001);
    assert!(view.is_empty());
}

#[test]
fn a_lost_history_ends_everything_older() {
    let at = Scope::Everything.mark(NOW, None);
    let view = view(&[marked(Target::everything(), at)]);
    assert_eq!(view.ends(&link(NOW)), Some(Scope::Everything));
    assert_eq!(view.stamp(&[role()], now()), Ok(at + 1));
}

#[test]
fn names_of_one_scope_are_not_names_of_another() {
    assert_ne!(ScopeId::new(Scope::Role, &[b"x"]), ScopeId::new(Scope::Provider, &[b"x"]));
    assert_ne!(
        ScopeId::new(Scope::Principal, &[b"a", b"bc"]),
        ScopeId::new(Scope::Principal, &[b"ab", b"c"])
    );
}
