//! The audit file itself: opened, appended to and synced, and put right again after a write that failed.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::AuditError;
use super::chain::{Checkpoint, sha256};
use tail::Tail;

mod tail;

/// An open audit file of which everything up to `synced` is known to be on disk.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// The last write failed, so what lies behind `synced` is anybody's guess.
    doubtful: bool,
    synced: u64,
    /// Where the last line starts, and its hash, if the file has a line.
    last: Option<(u64, [u8; 32])>,
}

/// What was found in the file when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) head: Checkpoint,
    pub(super) lines_checked: u64,
    pub(super) torn: Option<super::chain::Torn>,
    /// What must be written before the next line.
    pub(super) line_break: &'static [u8],
}

impl Log {
    /// Opens or creates the file, for this process alone, and checks its last lines.
    pub(super) fn open(path: &Path) -> Result<(Self, Found), AuditError> {
        let io = |cause| AuditError::Io { file: path.to_path_buf(), cause };
        let mut file =
            open_regular(path).map_err(io)?.ok_or_else(|| AuditError::NotAFile(path.to_path_buf()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditError::InUse(path.to_path_buf())),
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        let Tail { found, last } = tail::read(path, &mut file)?;
        // What an earlier process wrote may still be on its way to the disk.
        file.sync_all().map_err(io)?;
        sync_folder(path).map_err(io)?;
        let synced = file.metadata().map_err(io)?.len();
        let log = Self { path: path.to_path_buf(), file, doubtful: false, synced, last };
        Ok((log, found))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes lines that end in the given one, and returns once they are on disk. After an error nothing is known
    /// about them, and the log must be [mended](Self::mend) before it is used again.
    pub(super) fn append(&mut self, lines: &[u8], last: &Checkpoint) -> io::Result<()> {
        if std::mem::replace(&mut self.doubtful, true) {
            return Err(io::Error::other("the write before this one failed"));
        }
        self.write(lines).inspect_err(|_| {
            // Readers should not find half a line; where this fails too, mending takes it off.
            let _ = self.file.set_len(self.synced);
        })?;
        let before = lines.strip_suffix(b"\n").unwrap_or(lines);
        let last_line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        self.last = Some((self.synced.saturating_add(length(last_line)), last.hash));
        self.synced = self.synced.saturating_add(length(lines.len()));
        self.doubtful = false;
        Ok(())
    }

    fn write(&self, lines: &[u8]) -> io::Result<()> {
        (&self.file).write_all(lines)?;
        self.file.sync_data()?;
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::other("the file was removed"));
        }
        Ok(())
    }

    /// Takes off whatever lies behind the last line known to be on disk: after a failed sync, what can be read there
    /// says nothing about the disk. Goes on in a new file if the path leads to one.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        if self.reopen()? {
            return Ok(());
        }
        if self.file.metadata()?.len() < self.synced || !self.last_line_stands()? {
            return Err(io::Error::other("the file was changed by somebody else"));
        }
        self.file.set_len(self.synced)?;
        self.file.sync_all()?;
        self.doubtful = false;
        Ok(())
    }

    /// Goes on in a new file if the old one was renamed or removed; false if it wasn't.
    pub(super) fn reopen(&mut self) -> io::Result<bool> {
        let file = open_regular(&self.path)?.ok_or_else(|| io::Error::other("not a regular file"))?;
        let (new, old) = (file.metadata()?, self.file.metadata()?);
        if (new.dev(), new.ino()) == (old.dev(), old.ino()) {
            return Ok(false);
        }
        file.try_lock()?;
        if new.len() > 0 {
            return Err(io::Error::other("another file is in its place, and it isn't empty"));
        }
        sync_folder(&self.path)?;
        if self.doubtful {
            // The old file should end in the line that the new one follows. If its disk is gone, it can't be helped.
            let _ = self.file.set_len(self.synced);
        }
        *self = Self { path: std::mem::take(&mut self.path), file, doubtful: false, synced: 0, last: None };
        Ok(true)
    }

    fn last_line_stands(&self) -> io::Result<bool> {
        let Some((start, hash)) = self.last else { return Ok(true) };
        let size = usize::try_from(self.synced.saturating_sub(start)).map_err(io::Error::other)?;
        let mut line = vec![0; size];
        self.file.read_exact_at(&mut line, start)?;
        Ok(line.strip_suffix(b"\n").is_some_and(|line| sha256(line) == hash))
    }
}

/// Opens a file to append to, creating it for the owner alone; none if the path leads to something else than a file.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    // Opening a pipe or a device can block or act; asked first, a file that is there and isn't one is not touched.
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    File::options().read(true).append(true).create(true).mode(0o600).open(path).map(Some)
}

pub(super) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn read_from(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
