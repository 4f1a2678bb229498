//! Reading the embedded store: snapshots, so that no reader waits for the writer.

use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase as _};

use super::tables::{INDEXES, LAST_USES, RECORDS, key, name_at, time_at};
use crate::revocation::millis;
use crate::store::sealed::{Kind, Name, Sealer, living};
use crate::store::{Cursor, PAGE, Page, Selector, SessionName, SessionRecord, Unavailable};

#[derive(Debug, Clone)]
pub(super) struct Reader {
    database: Arc<Database>,
    sealer: Sealer,
}

impl Reader {
    pub(super) fn new(database: Arc<Database>, sealer: Sealer) -> Self {
        Self { database, sealer }
    }

    pub(super) fn session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, Unavailable> {
        let Some(stored) = self.sealer.session_name(name) else { return Ok(None) };
        let found = self.load(&self.begin()?, stored.id)?.filter(|found| found.expires > now);
        Ok(found.filter(|found| match name {
            SessionName::AccessKey(id) => found.access_key_id == *id,
            SessionName::Id(id) => found.session == *id,
        }))
    }

    pub(super) fn sessions(
        &self,
        selector: &Selector,
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<Page, Unavailable> {
        let transaction = self.begin()?;
        let index = self.sealer.index_name(selector.target).id;
        let start = cursor.max(Cursor { score: millis(now), member: [0xff; 16] });
        let from = key(&[&index, &start.score.to_be_bytes(), &start.member]);
        let to = key(&[&index, &[0xff; 24]]);
        let listed = listed(&transaction, &from, &to)?;
        let next = (listed.len() == PAGE).then(|| listed.last().copied()).flatten();
        let mut sessions = Vec::with_capacity(listed.len());
        for entry in listed {
            let Some(record) = self.load(&transaction, entry.member)? else { continue };
            if selector.issued_before.is_none_or(|before| record.issued < before) {
                sessions.push(record);
            }
        }
        Ok(Page { sessions, next })
    }

    fn begin(&self) -> Result<ReadTransaction, Unavailable> {
        self.database.begin_read().map_err(|error| redb::Error::from(error).into())
    }

    fn load(
        &self,
        transaction: &ReadTransaction,
        name: [u8; 16],
    ) -> Result<Option<SessionRecord>, Unavailable> {
        let Some(sealed) = value(transaction, RECORDS, &name)? else { return Ok(None) };
        let stored = Name { kind: Kind::Record, id: name };
        let Some(mut record) = living(self.sealer.open_record(stored, sealed))? else { return Ok(None) };
        if let Some(sealed) = value(transaction, LAST_USES, &name)? {
            let used = Sealer::last_use_name(stored);
            record.last_used = living(self.sealer.open_value(used, sealed))?;
        }
        Ok(Some(record))
    }
}

fn listed(transaction: &ReadTransaction, from: &[u8], to: &[u8]) -> Result<Vec<Cursor>, redb::Error> {
    let table = transaction.open_table(INDEXES)?;
    let mut listed = Vec::with_capacity(PAGE);
    let after = (std::ops::Bound::Excluded(from), std::ops::Bound::Included(to));
    for entry in table.range::<&[u8]>(after)?.take(PAGE) {
        let (entry, _) = entry?;
        if let (Some(score), Some(member)) = (time_at(entry.value(), 16), name_at(entry.value(), 24)) {
            listed.push(Cursor { score, member });
        }
    }
    Ok(listed)
}

fn value(
    transaction: &ReadTransaction,
    table: redb::TableDefinition<'static, &'static [u8], &'static [u8]>,
    name: &[u8; 16],
) -> Result<Option<Vec<u8>>, redb::Error> {
    Ok(transaction.open_table(table)?.get(name.as_slice())?.map(|value| value.value().to_vec()))
}

#[cfg(test)]
impl Reader {
    /// How many rows a table has.
    pub(super) fn rows(&self, table: redb::TableDefinition<'static, &'static [u8], &'static [u8]>) -> u64 {
        use redb::ReadableTableMetadata as _;
        self.begin().unwrap().open_table(table).unwrap().len().unwrap()
    }
}
