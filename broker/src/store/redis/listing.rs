//! Reading sessions back from Redis, one or a page at a time.

use jiff::Timestamp;

use super::keys::{key, record_key};
use super::lane::Lane;
use crate::revocation::millis;
use crate::store::sealed::{Kind, Name, Sealer, living};
use crate::store::{Cursor, PAGE, Page, Selector, SessionName, SessionRecord, Unavailable};

/// Entries read beyond a page, for those that share the cursor's place.
const SHARED_PLACES: usize = 16;

pub(super) async fn session(
    name: &SessionName,
    lane: &Lane,
    sealer: &Sealer,
    now: Timestamp,
) -> Result<Option<SessionRecord>, Unavailable> {
    let Some(stored) = sealer.session_name(name) else { return Ok(None) };
    let found = load(&[stored.id], lane, sealer).await?.pop().flatten().filter(|found| found.expires > now);
    Ok(found.filter(|found| match name {
        SessionName::AccessKey(id) => found.access_key_id == *id,
        SessionName::Id(id) => found.session == *id,
    }))
}

pub(super) async fn sessions(
    selector: &Selector,
    cursor: Cursor,
    lane: &Lane,
    sealer: &Sealer,
    now: Timestamp,
) -> Result<Page, Unavailable> {
    let index = key(sealer.index_name(selector.target));
    let ended = millis(now).saturating_mul(1_000);
    let start = cursor.max(Cursor { score: ended, member: [0xff; 16] });
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    pipeline.cmd("ZREMRANGEBYSCORE").arg(&index).arg("-inf").arg(ended).ignore();
    pipeline.cmd("ZRANGEBYSCORE").arg(&index).arg(start.score).arg("+inf").arg("WITHSCORES");
    pipeline.arg("LIMIT").arg(0).arg(PAGE.saturating_add(SHARED_PLACES));
    let (listed,): (Vec<(Vec<u8>, f64)>,) = lane.query(&pipeline).await?;
    let full = listed.len() >= PAGE;
    let listed: Vec<Cursor> =
        listed.into_iter().filter_map(place).filter(|place| *place > start).take(PAGE).collect();
    let next = if full { listed.last().copied() } else { None };
    let names: Vec<[u8; 16]> = listed.iter().map(|place| place.member).collect();
    let found = load(&names, lane, sealer).await?;
    let gone = names.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(name, _)| *name);
    clean(&index, gone.collect(), lane).await;
    let wanted = |record: &SessionRecord| selector.issued_before.is_none_or(|before| record.issued < before);
    Ok(Page { sessions: found.into_iter().flatten().filter(wanted).collect(), next })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scores are whole and below 2^53"
)]
fn place((member, score): (Vec<u8>, f64)) -> Option<Cursor> {
    Some(Cursor { score: score as u64, member: member.try_into().ok()? })
}

/// The records of these names, each with its last use; `None` for those that have ended.
async fn load(
    names: &[[u8; 16]],
    lane: &Lane,
    sealer: &Sealer,
) -> Result<Vec<Option<SessionRecord>>, Unavailable> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut pipeline = redis::pipe();
    for name in names {
        pipeline.cmd("GET").arg(record_key(*name));
        pipeline.cmd("GET").arg(key(Name { kind: Kind::LastUse, id: *name }));
    }
    let values: Vec<Option<Vec<u8>>> = lane.query(&pipeline).await?;
    let open = |(id, values): (&[u8; 16], &[Option<Vec<u8>>])| {
        let name = Name { kind: Kind::Record, id: *id };
        let [Some(sealed), used] = values else { return Ok(None) };
        let Some(mut record) = living(sealer.open_record(name, sealed.clone()))? else { return Ok(None) };
        if let Some(used) = used {
            record.last_used = living(sealer.open_value(Sealer::last_use_name(name), used.clone()))?;
        }
        Ok(Some(record))
    };
    names.iter().zip(values.chunks(2)).map(open).collect()
}

/// Takes entries out of an index whose sessions are gone. Left undone, the next listing does it.
async fn clean(index: &[u8], gone: Vec<[u8; 16]>, lane: &Lane) {
    if gone.is_empty() {
        return;
    }
    let mut pipeline = redis::pipe();
    pipeline.cmd("ZREM").arg(index);
    for member in &gone {
        pipeline.arg(member);
    }
    if let Err(error) = lane.query::<(u64,)>(&pipeline).await {
        tracing::debug!(%error, "an index was not cleaned");
    }
}
