//! The one thread that writes: it takes all that waits into one durable transaction, then answers all of it.

use std::sync::Arc;
use std::thread::JoinHandle;

use redb::{Database, ReadableTable as _, Table, WriteTransaction};
use tokio::sync::{mpsc, oneshot};

use super::sweep;
use super::tables::{
    COUNTS, EXPIRIES, FORGOTTEN, INDEXES, LAST_USES, MARKS, RECORDS, RESERVATIONS, RESERVED_UNTIL, SINGLES,
    TIMES, key,
};
use crate::revocation::Scope;
use crate::store::{Limit, MAX_SINGLE_REVOCATIONS, Unavailable};

/// Calls that may wait; more are refused at once.
const QUEUE: usize = 4_096;
/// Calls that share a transaction at most.
const BATCH: usize = 512;

pub(super) type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

/// A write, sealed already.
#[derive(Debug)]
pub(super) enum Command {
    Insert(Box<Insert>, Reply<Inserted>),
    /// Marks, and the time by which older ones may be forgotten.
    Marks(Vec<Vec<u8>>, u64, Reply<()>),
    /// Principal's name, session id and time kept of single revocations; answered whether all are within the limit.
    Singles(Vec<([u8; 16], [u8; 16], u64)>, u64, Reply<bool>),
    /// Record name and sealed time.
    Touch(Vec<([u8; 16], Vec<u8>)>, Reply<()>),
}

/// A session to record.
#[derive(Debug)]
pub(super) struct Insert {
    pub(super) name: [u8; 16],
    pub(super) sealed: Vec<u8>,
    /// The indexes that list it, each with the limit of its scope.
    pub(super) indexes: Vec<([u8; 16], Option<Limit>)>,
    pub(super) expires_ms: u64,
    pub(super) spending: Option<Spending>,
    pub(super) now_ms: u64,
    pub(super) surely_past_ms: u64,
}

/// A reservation to make.
#[derive(Debug)]
pub(super) struct Spending {
    pub(super) name: [u8; 16],
    pub(super) sealed: Vec<u8>,
    pub(super) keep_until_ms: u64,
}

#[derive(Debug)]
pub(super) enum Inserted {
    New,
    /// Reserved before: the sealed redemption.
    Redeemed(Vec<u8>),
    TooMany(Scope),
}

/// The queue to the writing thread; dropping it ends the thread, after all that waits is written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(database: Arc<Database>) -> std::io::Result<Self> {
        let (queue, commands) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&database, commands))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) fn enqueue(&self, command: Command) -> Result<(), Unavailable> {
        let queue = self.queue.as_ref().ok_or(Unavailable::Backlog)?;
        queue.try_send(command).map_err(|_| Unavailable::Backlog)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn run(database: &Database, mut commands: mpsc::Receiver<Command>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = commands.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH {
            let Ok(next) = commands.try_recv() else { break };
            batch.push(next);
        }
        match commit(database, &batch) {
            Ok(outcomes) => {
                batch.drain(..).zip(outcomes).for_each(|(command, outcome)| command.answer(outcome))
            }
            Err(error) => batch.drain(..).for_each(|command| command.fail(&error)),
        }
    }
}

/// What one command came to.
enum Outcome {
    Done,
    Inserted(Inserted),
    Within(bool),
}

/// One durable transaction for the whole batch: either all of it is on disk or none was answered.
fn commit(database: &Database, batch: &[Command]) -> Result<Vec<Outcome>, redb::Error> {
    let transaction = database.begin_write()?;
    if let Some((now_ms, surely_past_ms)) = batch.iter().filter_map(Command::times).max() {
        let budget = batch.len().saturating_mul(2).saturating_add(64);
        sweep::sweep(&transaction, now_ms, surely_past_ms, budget)?;
    }
    let outcomes = batch.iter().map(|command| apply(&transaction, command)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(transaction: &WriteTransaction, command: &Command) -> Result<Outcome, redb::Error> {
    match command {
        Command::Insert(insert, _) => Ok(Outcome::Inserted(record(transaction, insert)?)),
        Command::Marks(marks, forgotten_ms, _) => {
            // Not the latest time ever: once a clock that was ahead is set right, that would be past these marks' own.
            transaction.open_table(TIMES)?.insert(FORGOTTEN, *forgotten_ms)?;
            let mut table = transaction.open_table(MARKS)?;
            let mut sequence = table.last()?.map_or(0, |(last, _)| last.value());
            for sealed in marks {
                sequence = sequence.saturating_add(1);
                table.insert(sequence, sealed.as_slice())?;
            }
            Ok(Outcome::Done)
        }
        Command::Singles(singles, now_ms, _) => {
            Ok(Outcome::Within(count_singles(transaction, singles, *now_ms)?))
        }
        Command::Touch(uses, _) => {
            let records = transaction.open_table(RECORDS)?;
            let mut table = transaction.open_table(LAST_USES)?;
            for (name, sealed) in uses {
                if records.get(name.as_slice())?.is_some() {
                    table.insert(name.as_slice(), sealed.as_slice())?;
                }
            }
            Ok(Outcome::Done)
        }
    }
}

fn record(transaction: &WriteTransaction, insert: &Insert) -> Result<Inserted, redb::Error> {
    if let Some(spending) = &insert.spending
        && let Some(redeemed) = transaction.open_table(RESERVATIONS)?.get(spending.name.as_slice())?
    {
        return Ok(Inserted::Redeemed(redeemed.value().to_vec()));
    }
    let mut counts = transaction.open_table(COUNTS)?;
    for (index, limit) in &insert.indexes {
        if let Some((scope, limit)) = limit
            && count(&counts, index)? >= *limit
        {
            return Ok(Inserted::TooMany(*scope));
        }
    }
    let expires = insert.expires_ms.to_be_bytes();
    let mut indexes = transaction.open_table(INDEXES)?;
    let mut swept_by = Vec::with_capacity(insert.indexes.len().saturating_mul(16));
    for (index, _) in &insert.indexes {
        let listed = indexes.insert(key(&[index, &expires, &insert.name]).as_slice(), ())?.is_some();
        if !listed {
            let next = count(&counts, index)?.saturating_add(1);
            counts.insert(index.as_slice(), next)?;
        }
        swept_by.extend_from_slice(index);
    }
    transaction.open_table(RECORDS)?.insert(insert.name.as_slice(), insert.sealed.as_slice())?;
    transaction
        .open_table(EXPIRIES)?
        .insert(key(&[&expires, &insert.name]).as_slice(), swept_by.as_slice())?;
    if let Some(spending) = &insert.spending {
        let until = key(&[&spending.keep_until_ms.to_be_bytes(), &spending.name]);
        transaction.open_table(RESERVATIONS)?.insert(spending.name.as_slice(), spending.sealed.as_slice())?;
        transaction.open_table(RESERVED_UNTIL)?.insert(until.as_slice(), ())?;
    }
    Ok(Inserted::New)
}

fn count(counts: &Table<'_, &'static [u8], u64>, index: &[u8; 16]) -> Result<u64, redb::Error> {
    Ok(counts.get(index.as_slice())?.map_or(0, |count| count.value()))
}

/// Counts single revocations under their principals, unless that would pass the limit of one of them.
fn count_singles(
    transaction: &WriteTransaction,
    singles: &[([u8; 16], [u8; 16], u64)],
    now_ms: u64,
) -> Result<bool, redb::Error> {
    let mut table = transaction.open_table(SINGLES)?;
    let mut added = Vec::with_capacity(singles.len());
    let mut within = true;
    for (principal, session, kept_until) in singles {
        let (from, to) = (key(&[principal, &[0; 16]]), key(&[principal, &[0xff; 16]]));
        table.retain_in::<&[u8], _>(from.as_slice()..=to.as_slice(), |_, kept| kept > now_ms)?;
        let entry = key(&[principal, session]);
        if table.get(entry.as_slice())?.is_some() {
            continue;
        }
        let standing = table.range::<&[u8]>(from.as_slice()..=to.as_slice())?.count();
        within &= u64::try_from(standing).unwrap_or(u64::MAX) < MAX_SINGLE_REVOCATIONS;
        table.insert(entry.as_slice(), *kept_until)?;
        added.push(entry);
    }
    if !within {
        for entry in added {
            table.remove(entry.as_slice())?;
        }
    }
    Ok(within)
}

impl Command {
    /// What time it is, and what has passed beyond doubt.
    fn times(&self) -> Option<(u64, u64)> {
        match self {
            Self::Insert(insert, _) => Some((insert.now_ms, insert.surely_past_ms)),
            _ => None,
        }
    }

    /// An asker that has gone away meanwhile is no concern.
    fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Insert(_, reply), Outcome::Inserted(inserted)) => drop(reply.send(Ok(inserted))),
            (Self::Singles(_, _, reply), Outcome::Within(within)) => drop(reply.send(Ok(within))),
            (Self::Marks(_, _, reply) | Self::Touch(_, reply), Outcome::Done) => drop(reply.send(Ok(()))),
            (command, _) => command.refuse(Unavailable::Failed("answered out of turn".into())),
        }
    }

    fn fail(self, error: &redb::Error) {
        self.refuse(Unavailable::Failed(error.to_string()));
    }

    fn refuse(self, error: Unavailable) {
        match self {
            Self::Insert(_, reply) => drop(reply.send(Err(error))),
            Self::Singles(_, _, reply) => drop(reply.send(Err(error))),
            Self::Marks(_, _, reply) | Self::Touch(_, reply) => drop(reply.send(Err(error))),
        }
    }
}
