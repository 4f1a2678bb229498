//! The tables of the embedded store and the keys in them. Names are 16 bytes, times big-endian milliseconds, so that
//! byte order is the order of time.

use redb::{Database, ReadableTable as _, TableDefinition};

use super::OpenError;
use crate::revocation::{Mark, View};
use crate::store::sealed::{Kind, Sealer};
use crate::store::value::Value as _;

type Bytes = &'static [u8];

/// Record name -> sealed record.
pub(super) const RECORDS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("records");
/// Record name -> sealed time of last use.
pub(super) const LAST_USES: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("last_uses");
/// Index name, expiry, record name -> nothing.
pub(super) const INDEXES: TableDefinition<'_, Bytes, ()> = TableDefinition::new("indexes");
/// Index name -> how many sessions it lists, expired ones not yet swept among them.
pub(super) const COUNTS: TableDefinition<'_, Bytes, u64> = TableDefinition::new("counts");
/// Expiry, record name -> index names, to sweep by.
pub(super) const EXPIRIES: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("expiries");
/// Reservation name -> sealed redemption.
pub(super) const RESERVATIONS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("reservations");
/// End, reservation name -> nothing, to sweep by.
pub(super) const RESERVED_UNTIL: TableDefinition<'_, Bytes, ()> = TableDefinition::new("reserved_until");
/// Sequence -> sealed mark. Marks are only ever added, and merged by maximum when read: none can be lowered.
pub(super) const MARKS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("marks");
/// [`FORGOTTEN`] -> the time by which marks may be forgotten.
pub(super) const TIMES: TableDefinition<'_, &'static str, u64> = TableDefinition::new("times");
/// The one key of [`TIMES`].
pub(super) const FORGOTTEN: &str = "marks forgotten until";
/// Principal's name, session id -> until when a single revocation counts.
pub(super) const SINGLES: TableDefinition<'_, Bytes, u64> = TableDefinition::new("singles");

/// A key made of parts.
pub(super) fn key(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The part of a key after `skip` bytes that is a name.
pub(super) fn name_at(key: &[u8], skip: usize) -> Option<[u8; 16]> {
    key.get(skip..skip.checked_add(16)?)?.try_into().ok()
}

/// The part of a key after `skip` bytes that is a time.
pub(super) fn time_at(key: &[u8], skip: usize) -> Option<u64> {
    key.get(skip..skip.checked_add(8)?)?.try_into().ok().map(u64::from_be_bytes)
}

/// Makes the tables and reads every mark that still counts; those are written anew, under the active key. Which ones
/// count no more was settled before: the time at a start can be any.
pub(super) fn load_view(database: &Database, sealer: &Sealer) -> Result<View, OpenError> {
    let transaction = database.begin_write().map_err(redb::Error::from)?;
    let view = prepare(&transaction, sealer)?;
    transaction.commit().map_err(redb::Error::from)?;
    Ok(view)
}

fn prepare(transaction: &redb::WriteTransaction, sealer: &Sealer) -> Result<View, OpenError> {
    for table in [RECORDS, LAST_USES, EXPIRIES, RESERVATIONS] {
        transaction.open_table(table).map_err(redb::Error::from)?;
    }
    for table in [INDEXES, RESERVED_UNTIL] {
        transaction.open_table(table).map_err(redb::Error::from)?;
    }
    for table in [COUNTS, SINGLES] {
        transaction.open_table(table).map_err(redb::Error::from)?;
    }
    let mut marks = transaction.open_table(MARKS).map_err(redb::Error::from)?;
    let mut view = View::default();
    let name = sealer.name(Kind::Mark, &[]);
    for entry in marks.iter().map_err(redb::Error::from)? {
        let (_, sealed) = entry.map_err(redb::Error::from)?;
        match sealer.open_mark::<Mark>(name, sealed.value().to_vec()) {
            Ok(mark) => {
                view.merge(&mark);
            }
            Err(error) => return Err(OpenError::Damaged(error.advice())),
        }
    }
    let times = transaction.open_table(TIMES).map_err(redb::Error::from)?;
    let forgotten = times.get(FORGOTTEN).map_err(redb::Error::from)?;
    view.forget(forgotten.map_or(0, |until| until.value()));
    marks.retain(|_, _| false).map_err(redb::Error::from)?;
    for (sequence, mark) in (1u64..).zip(view.marks()) {
        let sealed = sealer.seal(name, &mark.encode()).map_err(|e| OpenError::Damaged(e.to_string()))?;
        marks.insert(sequence, sealed.as_slice()).map_err(redb::Error::from)?;
    }
    Ok(view)
}
