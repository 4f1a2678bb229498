//! The only outbound HTTP: providers' key sets, fetched from addresses that configuration named.
//!
//! Fetched sets are cached, refreshed behind the requests, and kept when their server fails.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::proof::oidc::discovery::DiscoveryError;
use crate::proof::oidc::{KeySet, KeySetError, KeySource, Provider, Refusal};
use slot::Slot;
use source::Source;

pub use roots::SystemRoots;

mod address;
mod roots;
mod slot;
mod source;

#[cfg(test)]
mod tests;

/// For discovery and key set together.
const DEADLINE: Duration = Duration::from_secs(5);

/// Time since some fixed moment, never going back.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The key sets of all providers.
///
/// A set is used for 15 minutes, then refreshed while it is still served; from 55 minutes on a token waits
/// for the refresh, so that a withdrawn key is dead within the hour. While its server fails, the last good
/// set serves for 24 hours. Providers that agree on issuer, source and authorities share one set, and so
/// one issuer is asked for an unknown key id at most once in 30 seconds.
pub struct KeyCache {
    roots: SystemRoots,
    clock: Monotonic,
    slots: ArcSwap<HashMap<[u8; 32], Arc<Slot>>>,
    deadline: Duration,
}

/// Why a provider's keys can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The host has an address that this provider may not lead to.
    #[error("`{0}` leads to an address that is not allowed")]
    Address(String),
    /// The provider's own certificate authorities.
    #[error("the certificate authorities are not usable: {0}")]
    Authorities(String),
    /// The last attempt failed moments ago.
    #[error("the last attempt failed: {0}")]
    Backoff(Box<Self>),
    /// The discovery document.
    #[error("discovery: {0}")]
    Discovery(#[from] DiscoveryError),
    /// No answer, or a broken one.
    #[error("`{url}`: {cause}")]
    Http { url: String, cause: String },
    /// The attempt ended without a result.
    #[error("the attempt was cut short")]
    Interrupted,
    /// The key set.
    #[error("key set: {0}")]
    KeySet(#[from] KeySetError),
    /// An answer that is not 200; redirects are not followed.
    #[error("`{url}` answered {status}")]
    Status { url: String, status: u16 },
    /// Discovery and key set together took too long.
    #[error("no whole answer in time")]
    Timeout,
    /// More than 1 MiB.
    #[error("`{0}` answered more than 1 MiB")]
    TooLarge(String),
}

impl FetchError {
    /// The answer for a token whose provider's keys can't be had.
    pub fn into_refusal(self, provider: &Provider) -> Refusal {
        Refusal::KeysUnavailable { issuer: provider.issuer().as_str().to_owned(), cause: self.to_string() }
    }
}

impl KeyCache {
    /// An empty cache; `roots` vouch for providers without authorities of their own.
    pub fn new(roots: SystemRoots, clock: Monotonic) -> Self {
        Self { roots, clock, slots: ArcSwap::default(), deadline: DEADLINE }
    }

    /// The provider's keys, as fresh as [`KeyCache`] promises; `kid` is the id that the token names.
    ///
    /// A set without that id may come back: then the provider doesn't have it, or was asked moments ago.
    pub async fn keys(&self, provider: &Provider, kid: Option<&str>) -> Result<Arc<KeySet>, FetchError> {
        if let KeySource::Uploaded(keys) = provider.keys() {
            return Ok(keys.clone());
        }
        let fingerprint = provider.keys_fingerprint();
        let known = self.slots.load().get(fingerprint).cloned();
        let slot = match known {
            Some(slot) => slot,
            None => self.open(provider)?,
        };
        slot.keys(kid).await
    }

    /// Makes the provider ready to be fetched from, without fetching: an error is one of configuration.
    pub fn prepare(&self, provider: &Provider) -> Result<(), FetchError> {
        match provider.keys() {
            KeySource::Uploaded(_) => Ok(()),
            KeySource::Discovery | KeySource::JwksUrl(_) => self.open(provider).map(|_| ()),
        }
    }

    /// Forgets the sets of all other providers; for when configuration has changed.
    pub fn retain<'a>(&self, providers: impl Iterator<Item = &'a Provider>) {
        let wanted: Vec<_> = providers.map(|provider| *provider.keys_fingerprint()).collect();
        self.slots.rcu(|slots| {
            let mut kept = HashMap::clone(slots);
            kept.retain(|fingerprint, _| wanted.contains(fingerprint));
            kept
        });
    }

    fn open(&self, provider: &Provider) -> Result<Arc<Slot>, FetchError> {
        let slot =
            Arc::new(Slot::new(Source::new(provider, &self.roots, self.deadline)?, self.clock.clone()));
        let fingerprint = *provider.keys_fingerprint();
        self.slots.rcu(|slots| {
            let mut more = HashMap::clone(slots);
            more.entry(fingerprint).or_insert_with(|| slot.clone());
            more
        });
        // Another request may have been faster; its slot is the one that everybody uses.
        Ok(self.slots.load().get(&fingerprint).cloned().unwrap_or(slot))
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("providers", &self.slots.load().len()).finish_non_exhaustive()
    }
}
