//! The revocation view that verification reads, without a lock, and how fresh it is known to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use jiff::Timestamp;

use crate::revocation::{Barred, Link, Mark, Scope, Target, View};

/// The view and its age. It only ever gains marks, apart from those that nothing live can depend on.
#[derive(Debug)]
pub struct LiveView {
    view: ArcSwap<View>,
    freshness: Freshness,
}

#[derive(Debug)]
enum Freshness {
    /// Every mark there is passes through this view.
    Always,
    /// Milliseconds of the monotonic clock, plus one, at which the last confirmed heartbeat was begun; 0 for none yet.
    Since(AtomicU64),
}

/// The view is older than it may be, or has never been whole: no verification can rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the revocation view {}", .age.map_or_else(|| "has not been read yet".to_owned(), |age| format!("is {} ms old", age.as_millis())))]
pub struct Stale {
    /// Its age, if it was ever whole.
    pub age: Option<Duration>,
}

impl LiveView {
    /// A view that is whole by itself.
    pub(super) fn always_fresh(view: View) -> Self {
        Self { view: ArcSwap::from_pointee(view), freshness: Freshness::Always }
    }

    /// A view that is stale until a heartbeat is confirmed.
    pub(super) fn unconfirmed(view: View) -> Self {
        Self { view: ArcSwap::from_pointee(view), freshness: Freshness::Since(AtomicU64::new(0)) }
    }

    /// The view, if it is at most `max_staleness` old at `monotonic`.
    pub fn read(&self, monotonic: Duration, max_staleness: Duration) -> Result<Guard<Arc<View>>, Stale> {
        match self.age(monotonic) {
            Some(age) if age <= max_staleness => Ok(self.view.load()),
            age => Err(Stale { age }),
        }
    }

    /// How old the view may be; `None` before it was whole for the first time.
    pub fn age(&self, monotonic: Duration) -> Option<Duration> {
        let Freshness::Since(confirmed) = &self.freshness else { return Some(Duration::ZERO) };
        let begun = confirmed.load(Ordering::Acquire).checked_sub(1)?;
        Some(monotonic.saturating_sub(Duration::from_millis(begun)))
    }

    /// The mark that stands on a target, however old the view is: for setting a higher one.
    pub fn standing(&self, target: Target) -> Option<u64> {
        self.view.load().mark(target)
    }

    /// The scope whose mark ends a link, however old the view is: for showing, never for accepting.
    pub fn ends(&self, link: &Link) -> Option<Scope> {
        self.view.load().ends(link)
    }

    /// What bars a new session on `targets`, however old the view is: for refusing, never for issuing.
    pub fn bars(&self, targets: &[Target], now: Timestamp) -> Option<Barred> {
        self.view.load().stamp(targets, now).err()
    }

    /// The view however old it is, for revoking and for listings; nothing may be accepted by it.
    pub(super) fn whatever_its_age(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Takes marks in, for every reader from now on; those that changed the view are returned.
    pub(super) fn merge(&self, marks: &[Mark]) -> Vec<Mark> {
        let mut changed = Vec::new();
        if marks.is_empty() {
            return changed;
        }
        self.view.rcu(|view| {
            let mut next = View::clone(view);
            changed = marks.iter().filter(|mark| next.merge(mark)).copied().collect();
            next
        });
        changed
    }

    /// Drops marks whose time is up; false if there are none.
    pub(super) fn forget(&self, now_ms: u64) -> bool {
        if self.view.load().marks().all(|mark| mark.kept_until > now_ms) {
            return false;
        }
        self.view.rcu(|view| {
            let mut next = View::clone(view);
            next.forget(now_ms);
            next
        });
        true
    }

    /// The view is whole as of a heartbeat begun at `begun`.
    pub(super) fn confirm(&self, begun: Duration) {
        if let Freshness::Since(confirmed) = &self.freshness {
            let begun = u64::try_from(begun.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            confirmed.fetch_max(begun, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(30);

    #[test]
    fn f02_a_view_serves_until_t_after_its_heartbeat_began_and_no_longer() {
        let live = LiveView::unconfirmed(View::default());
        let at = Duration::from_secs(100);
        assert_eq!(live.read(at, T).err(), Some(Stale { age: None }), "never whole");
        live.confirm(at);
        assert!(live.read(at + T, T).is_ok());
        let late = at + T + Duration::from_millis(1);
        assert_eq!(live.read(late, T).err(), Some(Stale { age: Some(late - at) }));
    }

    #[test]
    fn a_late_confirmation_of_an_early_heartbeat_makes_nothing_fresher() {
        let live = LiveView::unconfirmed(View::default());
        live.confirm(Duration::from_secs(100));
        live.confirm(Duration::from_secs(90));
        assert_eq!(live.age(Duration::from_secs(101)), Some(Duration::from_secs(1)));
    }
}
