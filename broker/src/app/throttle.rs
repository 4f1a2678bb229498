//! Buckets of tokens by peer and by principal: cheap refusals before dear work.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Shards, so that one peer's flood does not hold up the others at a lock.
const SHARDS: usize = 16;
/// Buckets a shard keeps before it drops the full ones.
const BUCKETS: usize = 4_096;

/// A bucket a name.
#[derive(Debug)]
pub struct Throttle {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Bucket>>; SHARDS],
}

/// The part of an address that its holder can't change at will: all of an IPv4 address, the first half of an IPv6 one.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => IpAddr::from((u128::from(long) >> 64 << 64).to_be_bytes()),
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Throttle {
    /// Takes a token of `name`'s bucket, which holds a second's worth; false if there is none. `now` is time since some
    /// fixed moment.
    ///
    /// Buckets are kept by a keyed hash, so nobody can choose names that share a neighbour's bucket. When a shard has
    /// too many, the full ones go first; if none is full, all go: memory stays bounded, and a flood of names costs
    /// its sender the work of each.
    pub fn take(&self, name: impl std::hash::Hash, per_second: u32, now: Duration) -> bool {
        let per_second = f64::from(per_second);
        let key = self.hasher.hash_one(name);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(shard) else { return false };
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS && !buckets.contains_key(&key) {
            drop_full(&mut buckets, per_second, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: per_second, at: now });
        *bucket = Bucket { tokens: bucket.refilled(per_second, now), at: now };
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

impl Bucket {
    fn refilled(&self, per_second: f64, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        (self.tokens + passed * per_second).min(per_second)
    }
}

fn drop_full(buckets: &mut HashMap<u64, Bucket>, per_second: f64, now: Duration) {
    buckets.retain(|_, bucket| bucket.refilled(per_second, now) < per_second);
    if buckets.len() >= BUCKETS {
        buckets.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t26_a_bucket_gives_its_rate_and_refills_with_time() {
        let throttle = Throttle::default();
        let taken = |now| (0..10).filter(|_| throttle.take("peer", 3, Duration::from_secs(now))).count();
        assert_eq!(taken(0), 3);
        assert_eq!(taken(0), 0);
        assert_eq!(taken(1), 3);
        assert_eq!(taken(100), 3, "an idle bucket holds no more than a second's worth");
        assert!(throttle.take("neighbour", 3, Duration::ZERO), "one peer's flood is not another's");
    }

    #[test]
    fn t26_a_subscriber_has_one_bucket_whatever_address_it_takes() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn memory_stays_bounded_whatever_names_come() {
        let throttle = Throttle::default();
        for name in 0..200_000u32 {
            throttle.take(name, 2, Duration::ZERO);
        }
        let kept: usize = throttle.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * BUCKETS);
    }
}
