//! One reading of the stream of marks, from its start on, under one epoch.

use jiff::Timestamp;
use redis::Pipeline;

use crate::revocation::{Mark, View};
use crate::seal::{self, SealError};
use crate::store::Unavailable;
use crate::store::redis::keys::key;
use crate::store::sealed::{Kind, OpenError, Sealer};
use crate::store::value::Epoch;

/// Marks read or written at a time.
pub(super) const PAGE: usize = 1_000;

/// What [`Pass::ask`] is answered: epoch, length of the stream, entries with their ids.
pub(super) type Answer = (Option<Vec<u8>>, u64, Vec<(String, Vec<Vec<u8>>)>);

/// How far the stream was read.
#[derive(Debug, Default)]
pub(super) struct Pass {
    begun: bool,
    epoch: Option<(Epoch, seal::KeyId)>,
    epoch_is_retired: bool,
    cursor: Option<String>,
    length: u64,
    /// What was read so far, until the first end of the stream.
    seen: Option<View>,
    damaged: bool,
}

/// A page of marks.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) marks: Vec<Mark>,
    pub(super) is_last: bool,
}

impl Pass {
    pub(super) fn ask(&self, sealer: &Sealer) -> Pipeline {
        let marks = key(sealer.name(Kind::Mark, &[]));
        let from = self.cursor.as_ref().map_or_else(|| "-".to_owned(), |last| format!("({last}"));
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("GET").arg(key(sealer.name(Kind::Epoch, &[])));
        pipeline.cmd("XLEN").arg(&marks);
        pipeline.cmd("XRANGE").arg(&marks).arg(from).arg("+").arg("COUNT").arg(PAGE);
        pipeline
    }

    /// The marks of a page; none if the stream turned out to be another and is to be read from its start.
    pub(super) fn take(&mut self, (epoch, length, entries): Answer, sealer: &Sealer) -> Option<Marks> {
        if !self.is_of(epoch, length, sealer) {
            return None;
        }
        self.length = length;
        let is_last = entries.len() < PAGE;
        let name = sealer.name(Kind::Mark, &[]);
        let mut marks = Vec::with_capacity(entries.len());
        for (id, fields) in entries {
            match open(sealer, name, &fields) {
                Ok(mark) => marks.push(mark),
                Err(error) => {
                    let error = error.advice();
                    tracing::error!(entry = %id, error, "a revocation does not open: the view is incomplete");
                    self.damaged = true;
                }
            }
            self.cursor = Some(id);
        }
        if let Some(seen) = &mut self.seen {
            for mark in &marks {
                seen.merge(mark);
            }
        }
        Some(Marks { marks, is_last })
    }

    /// What was read of the stream as a whole, once, when its end is reached.
    pub(super) fn finish(&mut self) -> Option<View> {
        self.seen.take()
    }

    /// Whether something was read that does not open.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    pub(super) fn epoch(&self) -> Option<(Epoch, seal::KeyId)> {
        self.epoch
    }

    /// Begins a history, unless a peer has meanwhile.
    pub(super) fn begin_epoch(&self, sealer: &Sealer, now: Timestamp) -> Result<Pipeline, Unavailable> {
        let name = sealer.name(Kind::Epoch, &[]);
        let sealed = sealer.seal_value(name, &Epoch { id: sealer.random()?, began: now })?;
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg(key(name)).arg(sealed);
        if !self.epoch_is_retired {
            pipeline.arg("NX");
        }
        pipeline.ignore();
        Ok(pipeline)
    }

    /// Whether a page is of the stream that this pass reads. If it is of another epoch, or entries have gone, the pass
    /// begins anew.
    fn is_of(&mut self, sealed: Option<Vec<u8>>, length: u64, sealer: &Sealer) -> bool {
        let mut epoch_is_retired = false;
        let epoch = match sealed.map(|sealed| open_epoch(sealer, sealed)) {
            None => None,
            Some(Ok(epoch)) => Some(epoch),
            Some(Err(OpenError::Seal(SealError::RetiredKey(_)))) => {
                epoch_is_retired = true;
                None
            }
            Some(Err(error)) => {
                let error = error.advice();
                tracing::error!(error, "the store's epoch does not open: the view is incomplete");
                self.damaged = true;
                return true;
            }
        };
        let same = self.begun
            && length >= self.length
            && self.epoch.map(|(epoch, _)| epoch.id) == epoch.map(|(epoch, _)| epoch.id);
        if same {
            (self.epoch, self.epoch_is_retired) = (epoch, epoch_is_retired);
        } else {
            *self =
                Self { begun: true, epoch, epoch_is_retired, seen: Some(View::default()), ..Self::default() };
        }
        same
    }
}

/// Adds marks to the stream.
pub(super) fn add(marks: &[Mark], sealer: &Sealer) -> Result<Pipeline, Unavailable> {
    let name = sealer.name(Kind::Mark, &[]);
    let mut pipeline = redis::pipe();
    for mark in marks {
        let sealed = sealer.seal_value(name, mark)?;
        pipeline.cmd("XADD").arg(key(name)).arg("*").arg("m").arg(sealed).ignore();
    }
    Ok(pipeline)
}

fn open(sealer: &Sealer, name: crate::store::sealed::Name, fields: &[Vec<u8>]) -> Result<Mark, OpenError> {
    match fields {
        [field, sealed] if field == b"m" => sealer.open_mark(name, sealed.clone()),
        _ => Err(SealError::Malformed.into()),
    }
}

fn open_epoch(sealer: &Sealer, sealed: Vec<u8>) -> Result<(Epoch, seal::KeyId), OpenError> {
    let key = seal::header(&sealed)?;
    Ok((sealer.open_value(sealer.name(Kind::Epoch, &[]), sealed)?, key))
}
