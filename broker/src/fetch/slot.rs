//! The key set of one source: when it is good, when it is refreshed, and who waits for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::source::Source;
use super::{FetchError, Monotonic};
use crate::proof::oidc::KeySet;

/// A set of this age is refreshed while it is served.
const REFRESH: Duration = Duration::from_secs(15 * 60);
/// A set of this age is refreshed before it is served, unless its server is known to fail.
const MUST_REFRESH: Duration = Duration::from_secs(55 * 60);
/// A set of this age serves no more.
const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two fetches for unknown key ids, and between a failed refresh and the next.
const PAUSE: Duration = Duration::from_secs(30);
/// Between failed first fetches, short enough for a client's own retry to find the server back.
const COLD_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Slot {
    source: Source,
    clock: Monotonic,
    current: ArcSwapOption<Fetched>,
    /// Held during a fetch, so there is never more than one.
    attempts: Arc<Mutex<Attempts>>,
    /// How many fetches have ended, so that those who waited for one don't start another.
    finished: AtomicU64,
    /// Whether the last fetch failed, readable while the next one runs.
    failing: AtomicBool,
}

struct Fetched {
    keys: Arc<KeySet>,
    at: Duration,
}

#[derive(Default)]
struct Attempts {
    failure: Option<(Duration, FetchError)>,
    /// The last fetch that left a requested key id unknown, or was made for one.
    unknown: Option<Duration>,
}

/// What a token needs beyond what is cached.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    /// Nothing usable is cached.
    Any,
    /// The cached set is too old to be used unasked.
    Newer,
    /// The cached set doesn't have the key id.
    Unknown,
}

impl Slot {
    pub(super) fn new(source: Source, clock: Monotonic) -> Self {
        Self {
            source,
            clock,
            current: ArcSwapOption::empty(),
            attempts: Arc::default(),
            finished: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        }
    }

    pub(super) async fn keys(self: &Arc<Self>, kid: Option<&str>) -> Result<Arc<KeySet>, FetchError> {
        let seen = self.finished.load(Ordering::Acquire);
        let need = match self.usable() {
            None => Need::Any,
            Some((keys, _)) if !keys.knows(kid) => Need::Unknown,
            Some((keys, age)) if age < REFRESH => return Ok(keys),
            Some((keys, age)) => {
                let failing = self.refresh_behind(age);
                if failing || age < MUST_REFRESH {
                    return Ok(keys);
                }
                Need::Newer
            }
        };
        let mut attempts = self.attempts.clone().lock_owned().await;
        let outcome = if self.finished.load(Ordering::Acquire) == seen && self.may_fetch(need, &attempts)? {
            if need == Need::Unknown {
                attempts.unknown = Some((self.clock)());
            }
            self.fetch(attempts).await
        } else {
            Ok(attempts)
        };
        self.settle(kid, outcome)
    }

    /// The cached set and its age, while it may serve at all.
    fn usable(&self) -> Option<(Arc<KeySet>, Duration)> {
        let current = self.current.load();
        let fetched = current.as_ref()?;
        let age = (self.clock)().saturating_sub(fetched.at);
        (age < GIVE_UP).then(|| (fetched.keys.clone(), age))
    }

    /// Starts a refresh that nobody waits for, if one is due; says whether the server is known to fail.
    fn refresh_behind(self: &Arc<Self>, age: Duration) -> bool {
        let failing = self.failing.load(Ordering::Acquire);
        if (failing || age < MUST_REFRESH)
            && let Ok(attempts) = self.attempts.clone().try_lock_owned()
            && self.rested(&attempts, PAUSE)
            && self.usable().is_none_or(|(_, age)| age >= REFRESH)
        {
            tokio::spawn(self.clone().run(attempts));
        }
        failing
    }

    fn rested(&self, attempts: &Attempts, pause: Duration) -> bool {
        let now = (self.clock)();
        attempts.failure.as_ref().is_none_or(|(at, _)| now.saturating_sub(*at) >= pause)
    }

    fn may_fetch(&self, need: Need, attempts: &Attempts) -> Result<bool, FetchError> {
        let now = (self.clock)();
        match (need, &attempts.failure) {
            (Need::Any, Some((_, cause))) if !self.rested(attempts, COLD_PAUSE) => {
                Err(FetchError::Backoff(Box::new(cause.clone())))
            }
            (Need::Any | Need::Newer, _) => Ok(true),
            (Need::Unknown, _) => Ok(attempts.unknown.is_none_or(|at| now.saturating_sub(at) >= PAUSE)),
        }
    }

    /// Fetches in a task of its own: a client that hangs up must not undo the attempt.
    async fn fetch(
        self: &Arc<Self>,
        attempts: OwnedMutexGuard<Attempts>,
    ) -> Result<OwnedMutexGuard<Attempts>, FetchError> {
        tokio::spawn(self.clone().run(attempts)).await.map_err(|_| FetchError::Interrupted)
    }

    async fn run(self: Arc<Self>, mut attempts: OwnedMutexGuard<Attempts>) -> OwnedMutexGuard<Attempts> {
        match self.source.fetch().await {
            Ok(keys) => {
                let at = (self.clock)();
                self.current.store(Some(Arc::new(Fetched { keys: Arc::new(keys), at })));
                attempts.failure = None;
            }
            Err(cause) => {
                tracing::warn!(issuer = self.source.issuer(), %cause, "fetching a key set failed");
                attempts.failure = Some(((self.clock)(), cause));
            }
        }
        self.failing.store(attempts.failure.is_some(), Ordering::Release);
        self.finished.fetch_add(1, Ordering::AcqRel);
        attempts
    }

    fn settle(
        &self,
        kid: Option<&str>,
        outcome: Result<OwnedMutexGuard<Attempts>, FetchError>,
    ) -> Result<Arc<KeySet>, FetchError> {
        let mut attempts = outcome?;
        match (self.usable(), &attempts.failure) {
            (Some((keys, _)), _) => {
                if !keys.knows(kid) && attempts.unknown.is_none() {
                    attempts.unknown = Some((self.clock)());
                }
                Ok(keys)
            }
            (None, Some((_, cause))) => Err(cause.clone()),
            (None, None) => Err(FetchError::Interrupted),
        }
    }
}
