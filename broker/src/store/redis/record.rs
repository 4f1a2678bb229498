//! Recording in Redis: the session first, then its reservation, so that whoever finds a reservation finds its session
//! too. What may not stand is taken back; nobody was told of it.

use jiff::Timestamp;
use redis::Pipeline;

use super::keys::{key, score};
use super::lane::Lane;
use crate::revocation::{SessionId, Target, millis};
use crate::store::sealed::{Kind, Name, Sealer};
use crate::store::value::{Epoch, Redemption};
use crate::store::{Limit, Limits, Reservation, SessionRecord, Unavailable};

/// One session's entries in Redis, ready to be stored.
pub(super) struct Entries {
    session: SessionId,
    /// The record's name.
    pub(super) name: Name,
    /// The record.
    pub(super) sealed: Vec<u8>,
    /// Milliseconds from now to its end.
    pub(super) lives_ms: u64,
    /// Its place in each of its lists.
    pub(super) score: u64,
    /// The lists that it is in.
    pub(super) lists: Vec<List>,
    /// What has a score up to this has ended.
    pub(super) ended: u64,
}

/// A list that a session is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    pub(super) name: Name,
    pub(super) limit: Option<Limit>,
}

/// What became of a reservation.
pub(super) enum Reserved {
    Made,
    Redeemed(Redemption),
}

impl Entries {
    pub(super) fn new(
        record: &SessionRecord,
        limits: Limits,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        let list = |target: Option<Target>| List {
            name: sealer.index_name(target),
            limit: target.and_then(|target| limits.of(record, target)),
        };
        let (now_ms, expires_ms) = (millis(now), millis(record.expires));
        let name = sealer.record_name(record.session);
        Ok(Self {
            session: record.session,
            name,
            sealed: sealer.seal(name, &record.encode())?,
            lives_ms: expires_ms.saturating_sub(now_ms).max(1),
            score: score(expires_ms, name.id),
            lists: record.listed_under().map(Some).chain([None]).map(list).collect(),
            ended: now_ms.saturating_mul(1_000),
        })
    }

    /// Removes what was stored. If that fails, a session stays listed that nobody has.
    pub(super) async fn take_back(&self, lane: &Lane) {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("DEL").arg(key(self.name)).ignore();
        for list in &self.lists {
            pipeline.cmd("ZREM").arg(key(list.name)).arg(&self.name.id).ignore();
        }
        if let Err(error) = lane.query::<()>(&pipeline).await {
            tracing::warn!(session = %self.session, %error, "a refused session stays listed until it ends");
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
