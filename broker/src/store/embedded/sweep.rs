//! Sweeping: what has expired goes, a bounded part with every batch, so that no call pays for all of it.

use redb::{ReadableTable as _, WriteTransaction};

use super::tables::{
    COUNTS, EXPIRIES, INDEXES, LAST_USES, RECORDS, RESERVATIONS, RESERVED_UNTIL, key, name_at,
};

/// Removes up to `budget` sessions whose time was up at `now_ms`, and as many reservations whose time was up beyond
/// doubt: a clock that is ahead for a while must not let a proof be redeemed again.
pub(super) fn sweep(
    transaction: &WriteTransaction,
    now_ms: u64,
    surely_past_ms: u64,
    budget: usize,
) -> Result<(), redb::Error> {
    let end = now_ms.saturating_add(1).to_be_bytes();
    for expired in expired_sessions(transaction, &end, budget)? {
        forget_session(transaction, &expired)?;
    }
    let end = surely_past_ms.saturating_add(1).to_be_bytes();
    let mut until = transaction.open_table(RESERVED_UNTIL)?;
    let mut reservations = transaction.open_table(RESERVATIONS)?;
    let mut ended = Vec::new();
    for entry in until.range::<&[u8]>(..end.as_slice())?.take(budget) {
        ended.push(entry?.0.value().to_vec());
    }
    for entry in ended {
        if let Some(name) = name_at(&entry, 8) {
            reservations.remove(name.as_slice())?;
        }
        until.remove(entry.as_slice())?;
    }
    Ok(())
}

struct Expired {
    entry: Vec<u8>,
    indexes: Vec<u8>,
}

fn expired_sessions(
    transaction: &WriteTransaction,
    end: &[u8],
    budget: usize,
) -> Result<Vec<Expired>, redb::Error> {
    let table = transaction.open_table(EXPIRIES)?;
    let mut expired = Vec::new();
    for entry in table.range::<&[u8]>(..end)?.take(budget) {
        let (entry, indexes) = entry?;
        expired.push(Expired { entry: entry.value().to_vec(), indexes: indexes.value().to_vec() });
    }
    Ok(expired)
}

fn forget_session(transaction: &WriteTransaction, expired: &Expired) -> Result<(), redb::Error> {
    transaction.open_table(EXPIRIES)?.remove(expired.entry.as_slice())?;
    let Some(name) = name_at(&expired.entry, 8) else { return Ok(()) };
    transaction.open_table(RECORDS)?.remove(name.as_slice())?;
    transaction.open_table(LAST_USES)?.remove(name.as_slice())?;
    let mut table = transaction.open_table(INDEXES)?;
    let mut counts = transaction.open_table(COUNTS)?;
    for index in expired.indexes.chunks_exact(16) {
        if table.remove(key(&[index, &expired.entry]).as_slice())?.is_none() {
            continue;
        }
        let left = counts.get(index)?.map_or(0, |count| count.value()).saturating_sub(1);
        if left == 0 {
            counts.remove(index)?;
        } else {
            counts.insert(index, left)?;
        }
    }
    Ok(())
}
