//! What a running broker consists of, and the one place that draws randomness.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use daypass_evaluator::Policies;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::Snapshot;
use crate::fetch::KeyCache;
use crate::revocation::SessionId;
use crate::store::{Backend, SharedKeyring};
use crate::trust;

mod meter;
mod signing_keys;
pub mod start;
#[cfg(test)]
pub(crate) mod tests;
mod throttle;
pub mod upkeep;
mod uses;

pub use meter::{Meter, Meters};
pub use signing_keys::SigningKeys;
pub use throttle::{Throttle, network};
pub use uses::Uses;

/// How many compiled session policies are kept at hand.
const SESSION_POLICIES_KEPT: usize = 10_000;

/// A running broker, shared by everything that answers requests.
#[derive(Debug)]
pub struct App {
    /// Configuration and directory in force; replaced as a whole.
    pub snapshot: ArcSwap<Snapshot>,
    /// The keyring in force.
    pub keyring: SharedKeyring,
    /// The time.
    pub clock: Arc<Clock>,
    /// Session state.
    pub store: Backend,
    /// The audit trail.
    pub audit: Audit,
    /// Keys of OIDC providers.
    pub provider_keys: KeyCache,
    /// Room for SAML responses being verified, which keeps a thread each.
    pub saml_verifications: Arc<Semaphore>,
    /// How fast each peer may ask for credentials.
    pub peers: Throttle,
    /// How fast each principal may.
    pub principals: Throttle,
    /// How far the wall clock is from the store's, in milliseconds.
    pub skew_ms: AtomicU64,
    /// When sessions were last used, until it is written.
    pub uses: Uses,
    /// Signing keys of sessions in use.
    pub signing_keys: SigningKeys,
    /// Compiled session policies of sessions in use.
    pub session_policies: SessionPolicyCache,
    /// Counts and durations of operations.
    pub meters: Meters,
    random: SystemRandom,
}

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness;

impl App {
    /// A broker of these parts.
    pub fn new(
        snapshot: Arc<Snapshot>,
        keyring: SharedKeyring,
        clock: Arc<Clock>,
        store: Backend,
        audit: Audit,
        provider_keys: KeyCache,
    ) -> Self {
        Self {
            snapshot: ArcSwap::new(snapshot),
            keyring,
            clock,
            store,
            audit,
            provider_keys,
            saml_verifications: Arc::new(Semaphore::new(verifications_at_once())),
            peers: Throttle::default(),
            principals: Throttle::default(),
            skew_ms: AtomicU64::new(0),
            uses: Uses::default(),
            signing_keys: SigningKeys::default(),
            session_policies: SessionPolicyCache::default(),
            meters: Meters::default(),
            random: SystemRandom::new(),
        }
    }

    /// `N` fresh random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// Two fresh ids by one call of the operating system.
    pub fn random_pair(&self) -> Result<[[u8; 16]; 2], NoRandomness> {
        let mut bytes = [[0; 16]; 2];
        self.random.fill(bytes.as_flattened_mut()).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// How old the revocation view may be.
    pub fn max_staleness(&self) -> Duration {
        self.snapshot.load().settings.limits.max_staleness
    }
}

/// Two a processor: more would only take each other's time.
fn verifications_at_once() -> usize {
    std::thread::available_parallelism().map_or(2, |processors| processors.get().saturating_mul(2))
}

/// Inline session policies, compiled once a session instead of once a request.
#[derive(Debug, Default)]
pub struct SessionPolicyCache(RwLock<HashMap<SessionId, Arc<Policies>>>);

impl SessionPolicyCache {
    /// The compiled policy of a session; `None` if it does not compile.
    pub fn compiled(&self, session: SessionId, text: &str) -> Option<Arc<Policies>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&session).map(Arc::clone);
        if known.is_some() {
            return known;
        }
        let compiled = Arc::new(trust::compile_session_policy(text).ok()?);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= SESSION_POLICIES_KEPT {
            kept.clear();
        }
        kept.insert(session, Arc::clone(&compiled));
        Some(compiled)
    }
}
