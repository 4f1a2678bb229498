//! The broker's own copy of the revocation view: a file that only grows, sealed entry by entry and fsynced, from which
//! the marks are asserted again when the shared store has lost them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::sealed::{Kind, Name, OpenError, Sealer};
use super::value::Value;
use crate::revocation::{Mark, View};
use crate::seal::SealError;

/// A longer file is not a journal of ours: 10 million marks.
const MAX_BYTES: u64 = 2 << 30;
/// Entries are at most this long.
const MAX_ENTRY: usize = 1_024;

/// An open journal; nobody else has it open.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    name: Name,
    sealer: Sealer,
    _lock: File,
}

/// What a journal remembers.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) view: View,
    /// Whether the view was whole when this journal was last written, and nothing of it is missing.
    pub(super) whole: bool,
}

/// An entry: a mark, or the note that everything before it is a whole view.
#[derive(Debug)]
enum Entry {
    Mark(Mark),
    Whole,
}

impl Journal {
    /// Opens or creates the journal at `path`, drops a torn end, and rewrites it shorter. Every mark is kept: the time at
    /// a start can be any.
    pub(super) fn open(path: &Path, sealer: Sealer) -> io::Result<(Self, History)> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let lock = options().open(path.with_extension("lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::other("another broker has this journal open"))?;
        let name = sealer.name(Kind::Mark, &[b"journal"]);
        let file = options().open(path)?;
        let history = read(&file, &sealer, name)?;
        let mut journal = Self { path: path.to_owned(), file, length: 0, name, sealer, _lock: lock };
        journal.rewrite(&history.view, history.whole)?;
        Ok((journal, history))
    }

    /// Adds marks; they are on disk when this returns.
    pub(super) fn append(&mut self, marks: &[Mark]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(marks.len().saturating_mul(160));
        for mark in marks {
            self.frame(&Entry::Mark(*mark), &mut bytes)?;
        }
        self.write(&bytes)
    }

    /// Notes that the marks so far are a whole view.
    pub(super) fn note_whole(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.frame(&Entry::Whole, &mut bytes)?;
        self.write(&bytes)
    }

    /// Replaces the file by one that holds this view only.
    pub(super) fn rewrite(&mut self, view: &View, whole: bool) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(view.len().saturating_mul(160));
        for mark in view.marks() {
            self.frame(&Entry::Mark(mark), &mut bytes)?;
        }
        if whole {
            self.frame(&Entry::Whole, &mut bytes)?;
        }
        let temporary = self.path.with_extension("new");
        let mut file = options().truncate(true).open(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        if let Some(directory) = self.path.parent() {
            File::open(directory)?.sync_all()?;
        }
        self.file = file;
        self.length = bytes.len() as u64;
        Ok(())
    }

    /// Bytes in the file; it is worth rewriting when most of them are superseded.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes at the known end, so that what a failed write left behind is overwritten by the next.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.file.sync_data()?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn frame(&self, entry: &Entry, bytes: &mut Vec<u8>) -> io::Result<()> {
        let sealed = self.sealer.seal_value(self.name, entry).map_err(io::Error::other)?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&sealed);
        Ok(())
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

fn read(file: &File, sealer: &Sealer, name: Name) -> io::Result<History> {
    let length = file.metadata()?.len();
    if length > MAX_BYTES {
        return Err(io::Error::other("too long for a journal"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    let mut history = History::default();
    let mut rest = bytes.as_slice();
    let mut damaged = false;
    while let Some((sealed, after)) = split(rest) {
        rest = after;
        match sealer.open_mark::<Entry>(name, sealed.to_vec()) {
            Ok(Entry::Mark(mark)) => {
                history.view.merge(&mark);
            }
            Ok(Entry::Whole) => history.whole = true,
            // Opens again with its key, and would be gone for good once the file is written anew.
            Err(error @ OpenError::Seal(SealError::UnknownKey(_))) => {
                return Err(io::Error::other(format!(
                    "a revocation does not open: {}; without this file, revocations come from the store alone",
                    error.advice()
                )));
            }
            Err(_) => damaged = true,
        }
    }
    // A torn end was never answered for; anything else amiss means that marks may be missing.
    history.whole &= !damaged;
    Ok(history)
}

/// The first entry and what follows it; none where the file ends or its end is torn.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= MAX_ENTRY)?;
    rest.split_at_checked(length)
}

impl Value for Entry {
    fn write(&self, e: &mut minicbor::Encoder<&mut Vec<u8>>) -> crate::session::claims::Written {
        match self {
            Self::Mark(mark) => mark.write(e),
            Self::Whole => {
                e.bool(true)?;
                Ok(())
            }
        }
    }

    fn read(d: &mut minicbor::Decoder<'_>) -> Result<Self, super::value::ReadError> {
        if d.datatype()? == minicbor::data::Type::Bool {
            return if d.bool()? {
                Ok(Self::Whole)
            } else {
                Err(super::value::ReadError("not a note".into()))
            };
        }
        Mark::read(d).map(Self::Mark)
    }
}
