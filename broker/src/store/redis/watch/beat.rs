//! The heartbeat: a broker's sign of life, what it learns from those of its peers, and the chores of once a second.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Watch;
use super::pass::Pass;
use crate::revocation::{MARK_KEPT_MS, millis};
use crate::seal::{self, KeyId, SealError};
use crate::store::Unavailable;
use crate::store::redis::connection::info;
use crate::store::redis::keys::key;
use crate::store::sealed::{Kind, OpenError, Sealer};
use crate::store::value::{Epoch, Heartbeat};

/// A peer that gave no sign of life for so long is not running.
const LIVE_FOR: SignedDuration = SignedDuration::from_secs(10);
/// Peers that are looked at; there are never as many.
const MAX_PEERS: usize = 1_024;
/// The stream keeps an hour more than marks count.
const STREAM_KEEPS_MS: u64 = MARK_KEPT_MS + 3_600_000;

/// Heartbeats by broker, the server's replication state, its time.
type Answer = (HashMap<String, Vec<u8>>, String, (i64, i32));

impl Watch {
    /// Writes this broker's heartbeat and reads its peers'.
    pub(super) async fn beat(&mut self) -> Result<(), Unavailable> {
        let sealer = &self.parts.sealer;
        let beats = key(sealer.name(Kind::Heartbeat, &[]));
        let own = sealer.name(Kind::Heartbeat, &[self.parts.broker.as_bytes()]);
        let heartbeat = Heartbeat::new(&sealer.keyring(), self.store_time());
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("HSET")
            .arg(&beats)
            .arg(&self.parts.broker)
            .arg(sealer.seal_value(own, &heartbeat)?)
            .ignore();
        // With replicas, the `WAIT` that confirms the heartbeat belongs here, on this connection and in no transaction.
        pipeline.cmd("HGETALL").arg(&beats).cmd("INFO").arg("replication").cmd("TIME");
        let marks = key(sealer.name(Kind::Mark, &[]));
        if let Some(oldest) = self.store_time_ms.checked_sub(STREAM_KEEPS_MS) {
            pipeline.cmd("XTRIM").arg(marks).arg("MINID").arg("~").arg(oldest).ignore();
        }
        let (peers, replication, (seconds, micros)): Answer = self.query(&pipeline).await?;
        if info(&replication, "role") != Some("master") {
            return Err(Unavailable::Failed("it has become a replica".into()));
        }
        let run = info(&replication, "master_replid").map(str::to_owned);
        if self.replication_id != run {
            self.replication_id = run;
            self.pass = Pass::default();
        }
        let now = Timestamp::new(seconds, micros.saturating_mul(1_000));
        let now = now.map_err(|_| Unavailable::Damaged("the server's time is out of range".into()))?;
        self.store_time_ms = millis(now);
        self.learn_keys(peers, now);
        Ok(())
    }

    /// Seals the epoch by the active key, so that it never hangs on one that is to be retired.
    pub(super) async fn keep_epoch_readable(
        &mut self,
        (epoch, sealed_by): (Epoch, KeyId),
    ) -> Result<(), Unavailable> {
        if sealed_by == self.parts.sealer.keyring().active() {
            return Ok(());
        }
        let name = self.parts.sealer.name(Kind::Epoch, &[]);
        let sealed = self.parts.sealer.seal_value(name, &epoch)?;
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg(key(name)).arg(sealed).arg("XX").ignore();
        self.query(&pipeline).await
    }

    /// The store's time at the last heartbeat, by which all brokers' heartbeats compare.
    fn store_time(&self) -> Timestamp {
        let known = i64::try_from(self.store_time_ms).ok().filter(|known| *known > 0);
        known
            .and_then(|known| Timestamp::from_millisecond(known).ok())
            .unwrap_or_else(|| self.parts.time.now())
    }

    fn learn_keys(&self, peers: HashMap<String, Vec<u8>>, now: Timestamp) {
        let mut keys = BTreeSet::new();
        for (broker, sealed) in peers.into_iter().take(MAX_PEERS) {
            keys.extend(published(&self.parts.sealer, &broker, sealed, now));
        }
        if **self.parts.peer_keys.load() != keys {
            self.parts.peer_keys.store(Arc::new(keys));
        }
    }
}

/// The key ids in a live peer's heartbeat. One that is sealed by a key unknown here publishes that key by itself.
fn published(sealer: &Sealer, broker: &str, sealed: Vec<u8>, now: Timestamp) -> Vec<KeyId> {
    let sealed_by = seal::header(&sealed);
    let name = sealer.name(Kind::Heartbeat, &[broker.as_bytes()]);
    match (sealer.open_value::<Heartbeat>(name, sealed), sealed_by) {
        (Ok(beat), _) if now.duration_since(beat.at).abs() <= LIVE_FOR => {
            beat.keys.into_iter().map(|(id, _)| id).collect()
        }
        (Err(OpenError::Seal(SealError::UnknownKey(_))), Ok(id)) => vec![id],
        _ => Vec::new(),
    }
}
