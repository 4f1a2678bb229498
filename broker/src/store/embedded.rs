//! The embedded store: one durable file for a single broker. Calls share durable transactions, so that many at once
//! cost about as much as one; its view is always whole.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redb::Database;
use tokio::sync::oneshot;

use self::reader::Reader;
use self::writer::{Command, Insert, Inserted, Spending, Writer};
use super::sealed::{Kind, Sealer};
use super::value::{Redemption, Value as _};
use super::{
    Cursor, Limits, LiveView, Page, Reading, Recorded, Reservation, Revocation, RevokeError, Selector,
    SessionName, SessionRecord, Settlement, SharedKeyring, Store, TimeSource, Unavailable,
};
use crate::revocation::{Mark, Scope, SessionId, millis};
use crate::seal::KeyId;

mod reader;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

/// How long a call waits for the disk: longer than any healthy disk takes, shorter than a client waits.
const DEADLINE: Duration = Duration::from_secs(5);

/// The store of a broker that is alone.
#[derive(Debug)]
pub struct Embedded {
    reader: Reader,
    writer: Writer,
    sealer: Sealer,
    live: Arc<LiveView>,
    time: TimeSource,
}

/// Why the file was not opened. Its path is the caller's to add.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A stored mark does not open: the keyring is another one's, or the file was changed.
    #[error("a stored revocation does not open: {0}")]
    Damaged(String),
    /// The file is no database, or another broker has it open.
    #[error("{0}")]
    Database(#[from] redb::Error),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Embedded {
    /// Opens or creates the store in `directory`, which is made with mode 0700 if it isn't there.
    pub fn open(directory: &Path, keyring: SharedKeyring, time: TimeSource) -> Result<Self, OpenError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let path = directory.join("state.redb");
        // Made here first, so that it is nobody else's to read from its first byte on.
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let database = Arc::new(Database::create(path).map_err(redb::Error::from)?);
        let sealer = Sealer::new(keyring);
        let view = tables::load_view(&database, &sealer)?;
        Ok(Self {
            reader: Reader::new(Arc::clone(&database), sealer.clone()),
            writer: Writer::start(database)?,
            sealer,
            live: Arc::new(LiveView::always_fresh(view)),
            time,
        })
    }

    fn now(&self) -> Timestamp {
        self.time.now()
    }

    async fn write<T: Send>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Unavailable>>) -> Command,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.writer.enqueue(command(reply))?;
        match tokio::time::timeout(DEADLINE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unavailable::Failed("the writer has stopped".into())),
            Err(_) => Err(Unavailable::Deadline),
        }
    }

    fn insert(
        &self,
        record: &SessionRecord,
        reservation: Option<&Reservation>,
        limits: Limits,
        Reading { now, surely_past, .. }: Reading,
    ) -> Result<Insert, Unavailable> {
        let name = self.sealer.record_name(record.session);
        let indexes = record
            .listed_under()
            .map(|target| (self.sealer.index_name(Some(target)).id, limits.of(record, target)))
            .chain(std::iter::once((self.sealer.index_name(None).id, None)))
            .collect();
        let spending =
            reservation.map(|reservation| self.spending(reservation, record.session, now)).transpose()?;
        Ok(Insert {
            name: name.id,
            sealed: self.sealer.seal(name, &record.encode())?,
            indexes,
            expires_ms: millis(record.expires),
            spending,
            now_ms: millis(now),
            surely_past_ms: millis(surely_past),
        })
    }

    fn spending(
        &self,
        reservation: &Reservation,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Spending, Unavailable> {
        let name = self.sealer.reservation_name(reservation);
        let sealed = self.sealer.seal_value(name, &Redemption::new(reservation, session, now))?;
        Ok(Spending { name: name.id, sealed, keep_until_ms: millis(reservation.keep_until) })
    }

    /// The answer to a proof that was redeemed before: the same session to the same request, refusal to any other.
    async fn repeated(
        &self,
        reservation: Option<&Reservation>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Recorded, Unavailable> {
        let Some(reservation) = reservation else { return Ok(Recorded::Spent) };
        let name = self.sealer.reservation_name(reservation);
        let redemption: Redemption = self.sealer.open_value(name, sealed)?;
        if !redemption.is_repeated_by(reservation, now) {
            return Ok(Recorded::Spent);
        }
        let first = self.session(&SessionName::Id(redemption.session)).await?;
        Ok(first.map_or(Recorded::Spent, |record| Recorded::Same(Box::new(record))))
    }
}

impl Store for Embedded {
    async fn record(
        &self,
        record: &SessionRecord,
        reservation: Option<&Reservation>,
        limits: Limits,
    ) -> Result<Recorded, Unavailable> {
        let reading = self.time.read();
        let now = reading.now;
        let insert = self.insert(record, reservation, limits, reading)?;
        match self.write(|reply| Command::Insert(Box::new(insert), reply)).await? {
            Inserted::New => Ok(Recorded::New),
            Inserted::Redeemed(sealed) => self.repeated(reservation, sealed, now).await,
            Inserted::TooMany(scope) => Ok(Recorded::TooMany(scope)),
        }
    }

    async fn session(&self, name: &SessionName) -> Result<Option<SessionRecord>, Unavailable> {
        let (reader, name, now) = (self.reader.clone(), name.clone(), self.now());
        blocking(move || reader.session(&name, now)).await
    }

    async fn sessions(&self, selector: &Selector, cursor: Cursor) -> Result<Page, Unavailable> {
        let (reader, selector, now) = (self.reader.clone(), *selector, self.now());
        blocking(move || reader.sessions(&selector, cursor, now)).await
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Settlement, RevokeError> {
        let Reading { now, surely_past, .. } = self.time.read();
        let (now_ms, surely_past_ms) = (millis(now), millis(surely_past));
        let marks: Vec<Mark> = revocations.iter().map(|revocation| revocation.mark).collect();
        let mut singles = Vec::new();
        for Revocation { mark, counted_under } in revocations {
            if let (Scope::Session, Some(principal)) = (mark.target.scope, counted_under) {
                let principal = self.sealer.target_name(Kind::Singles, *principal).id;
                singles.push((principal, mark.target.id.0, mark.kept_until));
            }
        }
        let name = self.sealer.name(Kind::Mark, &[]);
        let sealed =
            marks.iter().map(|mark| self.sealer.seal(name, &mark.encode())).collect::<Result<_, _>>()?;
        if !self.write(|reply| Command::Singles(singles, now_ms, reply)).await? {
            return Err(RevokeError::TooManySingle);
        }
        self.live.merge(&marks);
        self.write(|reply| Command::Marks(sealed, surely_past_ms, reply)).await?;
        self.live.forget(surely_past_ms);
        Ok(Settlement::Settled)
    }

    async fn touch(&self, uses: &[(SessionId, Timestamp)]) -> Result<(), Unavailable> {
        let seal = |(session, at): &(SessionId, Timestamp)| {
            let name = Sealer::last_use_name(self.sealer.record_name(*session));
            Ok((name.id, self.sealer.seal_value(name, at)?))
        };
        let uses = uses.iter().map(seal).collect::<Result<_, Unavailable>>()?;
        self.write(|reply| Command::Touch(uses, reply)).await
    }

    async fn clock(&self) -> Result<Option<Timestamp>, Unavailable> {
        Ok(None)
    }

    fn live(&self) -> &Arc<LiveView> {
        &self.live
    }

    fn peer_keys(&self) -> Arc<BTreeSet<KeyId>> {
        Arc::default()
    }
}

/// Runs a read where it may wait for the disk.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
) -> Result<T, Unavailable> {
    match tokio::time::timeout(DEADLINE, tokio::task::spawn_blocking(read)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Unavailable::Failed("a read was broken off".into())),
        Err(_) => Err(Unavailable::Deadline),
    }
}

impl From<redb::Error> for Unavailable {
    fn from(error: redb::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
