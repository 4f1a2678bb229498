//! Recording in Redis: the session first, then its reservation, so that whoever finds a reservation finds its session
//! too. What may not stand is taken back; nobody was told of it.

use jiff::Timestamp;
use redis::Pipeline;

use super::keys::{key, score};
use super::lane::Lane;
use crate::revocation::{MARK_KEPT_MS, Scope, millis};
use crate::store::sealed::{Kind, Name, Sealer};
use crate::store::value::{Epoch, Redemption};
use crate::store::{Limit, Limits, Reservation, SessionRecord, Unavailable};

/// One session's entries in Redis.
pub(super) struct Entries<'r> {
    record: &'r SessionRecord,
    name: Name,
    access_key: Name,
    indexes: Vec<(Vec<u8>, Option<Limit>)>,
}

/// What became of a reservation.
pub(super) enum Reserved {
    Made,
    Redeemed(Redemption),
}

impl<'r> Entries<'r> {
    pub(super) fn new(record: &'r SessionRecord, limits: Limits, sealer: &Sealer) -> Self {
        let indexes = record
            .listed_under()
            .map(|target| (Some(target), limits.of(record, target)))
            .chain(std::iter::once((None, None)))
            .map(|(target, limit)| (key(sealer.index_name(target)), limit))
            .collect();
        Self {
            record,
            name: sealer.record_name(record.session),
            access_key: sealer.name(Kind::AccessKey, &[record.access_key_id.as_bytes()]),
            indexes,
        }
    }

    /// Stores the session and lists it; the scope whose limit it passes, if any, is returned.
    pub(super) async fn insert(
        &self,
        lane: &Lane,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Option<Scope>, Unavailable> {
        let (now_ms, expires_ms) = (millis(now), millis(self.record.expires));
        let lives_ms = expires_ms.saturating_sub(now_ms).max(1);
        let sealed = sealer.seal(self.name, &self.record.encode())?;
        let member = self.name.id;
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("SET").arg(key(self.name)).arg(sealed).arg("PX").arg(lives_ms).ignore();
        pipeline.cmd("SET").arg(key(self.access_key)).arg(&member).arg("PX").arg(lives_ms).ignore();
        for (index, limit) in &self.indexes {
            pipeline.cmd("ZADD").arg(index).arg(score(expires_ms, member)).arg(&member).ignore();
            // The last session listed ends 36 h from now at most.
            pipeline.cmd("PEXPIRE").arg(index).arg(MARK_KEPT_MS).ignore();
            if limit.is_some() {
                let ended = now_ms.saturating_mul(1_000);
                pipeline.cmd("ZREMRANGEBYSCORE").arg(index).arg("-inf").arg(ended).ignore();
                pipeline.cmd("ZCARD").arg(index);
            }
        }
        let counts: Vec<u64> = lane.query(&pipeline).await?;
        let limits = self.indexes.iter().filter_map(|(_, limit)| *limit);
        Ok(limits.zip(counts).find(|((_, limit), count)| count > limit).map(|((scope, _), _)| scope))
    }

    /// Removes what [`Self::insert`] stored. If that fails, a session stays listed that nobody has.
    pub(super) async fn take_back(&self, lane: &Lane) {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("DEL").arg(key(self.name)).arg(key(self.access_key)).ignore();
        for (index, _) in &self.indexes {
            pipeline.cmd("ZREM").arg(index).arg(&self.name.id).ignore();
        }
        if let Err(error) = lane.query::<()>(&pipeline).await {
            tracing::warn!(session = %self.record.session, %error, "a refused session stays listed until it ends");
        }
    }
}

/// Spends a proof, unless it is spent, or older than the history that would tell.
pub(super) async fn reserve(
    reservation: &Reservation,
    record: &SessionRecord,
    lane: &Lane,
    sealer: &Sealer,
    now: Timestamp,
) -> Result<Reserved, Unavailable> {
    let name = sealer.reservation_name(reservation);
    let epoch_name = sealer.name(Kind::Epoch, &[]);
    let sealed = sealer.seal_value(name, &Redemption::new(reservation, record.session, now))?;
    let kept_ms = millis(reservation.keep_until).saturating_sub(millis(now)).max(1);
    let mut pipeline: Pipeline = redis::pipe();
    pipeline.atomic();
    pipeline.cmd("GET").arg(key(epoch_name));
    pipeline.cmd("SET").arg(key(name)).arg(&sealed).arg("NX").arg("PX").arg(kept_ms).ignore();
    pipeline.cmd("GET").arg(key(name));
    let (epoch, standing): (Option<Vec<u8>>, Option<Vec<u8>>) = lane.query(&pipeline).await?;
    let epoch: Epoch = sealer.open_value(epoch_name, epoch.ok_or(Unavailable::HistoryLost)?)?;
    if reservation.issued < epoch.began {
        return Err(Unavailable::HistoryLost);
    }
    match standing {
        Some(standing) if standing == sealed => Ok(Reserved::Made),
        Some(standing) => Ok(Reserved::Redeemed(sealer.open_value(name, standing)?)),
        None => Err(Unavailable::Damaged("a reservation vanished".into())),
    }
}
