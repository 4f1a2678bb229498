//! Recording in Redis: the session first, then its reservation, so that whoever finds a reservation finds its session
//! too. What may not stand is taken back; nobody was told of it.

use jiff::Timestamp;
use redis::{Cmd, Pipeline, ToRedisArgs, Value};

use super::keys::{key, score};
use super::lane::Lane;
use crate::revocation::{MARK_KEPT_MS, Scope, Target, millis};
use crate::store::sealed::{Kind, Name, Sealer};
use crate::store::value::{Epoch, Redemption};
use crate::store::{Limit, Limits, Reservation, SessionRecord, Unavailable};

/// One in so many sessions tends the indexes that it is listed in: takes out what has ended.
const TENDED_BY_ONE_IN: u8 = 16;

/// One session's entries in Redis.
pub(super) struct Entries<'r> {
    record: &'r SessionRecord,
    name: Name,
    access_key: Name,
    indexes: Vec<Index>,
}

/// A list that the session is in.
struct Index {
    key: Vec<u8>,
    limit: Option<Limit>,
}

/// What became of a reservation.
pub(super) enum Reserved {
    Made,
    Redeemed(Redemption),
}

impl<'r> Entries<'r> {
    pub(super) fn new(record: &'r SessionRecord, limits: Limits, sealer: &Sealer) -> Self {
        let index = |target: Option<Target>| Index {
            key: key(sealer.index_name(target)),
            limit: target.and_then(|target| limits.of(record, target)),
        };
        let indexes = record.listed_under().map(Some).chain([None]).map(index).collect();
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
        let ended = now_ms.saturating_mul(1_000);
        let sealed = sealer.seal(self.name, &self.record.encode())?;
        let member = self.name.id;
        let tends = member.last().is_some_and(|byte| byte % TENDED_BY_ONE_IN == 0);
        // No transaction: what a broken connection leaves half done is what nobody was told of either.
        let mut pipeline = Pipeline::with_capacity(self.indexes.len().saturating_mul(3).saturating_add(4));
        pipeline.add_command(set(&key(self.name), &sealed, lives_ms));
        pipeline.add_command(set(&key(self.access_key), &member, lives_ms));
        for Index { key, .. } in &self.indexes {
            pipeline.add_command(command("ZADD", key, (score(expires_ms, member), member.as_slice())));
            if tends {
                pipeline.add_command(command("ZREMRANGEBYSCORE", key, ("-inf", ended)));
            }
            // Each time, or a list could end before this session, which ends 36 h from now at most.
            pipeline.add_command(command("PEXPIRE", key, MARK_KEPT_MS));
        }
        let counted = pipeline.len();
        let limits: Vec<_> =
            self.indexes.iter().filter_map(|index| Some((index.limit?, &index.key))).collect();
        for (_, index) in &limits {
            pipeline.add_command(command("ZCOUNT", index, (format!("({ended}"), "+inf")));
        }
        let answers: Vec<Value> = lane.query(&pipeline).await?;
        let counts = answers.into_iter().skip(counted);
        let passed = limits.iter().zip(counts).find(|(((_, limit), _), count)| !within(count, *limit));
        Ok(passed.map(|(((scope, _), _), _)| *scope))
    }

    /// Removes what [`Self::insert`] stored. If that fails, a session stays listed that nobody has.
    pub(super) async fn take_back(&self, lane: &Lane) {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("DEL").arg(key(self.name)).arg(key(self.access_key)).ignore();
        for index in &self.indexes {
            pipeline.cmd("ZREM").arg(&index.key).arg(&self.name.id).ignore();
        }
        if let Err(error) = lane.query::<()>(&pipeline).await {
            tracing::warn!(session = %self.record.session, %error, "a refused session stays listed until it ends");
        }
    }
}

/// Whether an answer to `ZCOUNT` is a number up to the limit.
fn within(count: &Value, limit: u64) -> bool {
    matches!(count, Value::Int(count) if u64::try_from(*count).is_ok_and(|count| count <= limit))
}

fn set(key: &[u8], value: &[u8], lives_ms: u64) -> Cmd {
    let mut command = Cmd::with_capacity(5, key.len().saturating_add(value.len()).saturating_add(32));
    command.arg("SET").arg(key).arg(value).arg("PX").arg(lives_ms);
    command
}

/// A command with room for what it usually takes, so that it is made in two allocations.
fn command(name: &str, key: &[u8], rest: impl ToRedisArgs) -> Cmd {
    let mut command = Cmd::with_capacity(4, key.len().saturating_add(64));
    command.arg(name).arg(key).arg(rest);
    command
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
