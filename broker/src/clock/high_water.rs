//! The file that remembers the highest time seen, so that a clock set back while the broker was down revives nothing.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::Persisted;

/// The file holds one timestamp; anything longer is something else.
const MAX_BYTES: u64 = 64;

/// Why the high-water file could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum HighWaterError {
    /// It is there, and is not one timestamp.
    #[error("clock high-water file `{}` is damaged: restore it, or remove it if the clock is known to be right", file.display())]
    Damaged {
        /// Which file.
        file: PathBuf,
    },
    /// Reading or writing failed.
    #[error("clock high-water file `{}`: {cause}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

#[derive(Debug)]
pub(super) struct HighWaterFile {
    path: PathBuf,
    every: i64,
    mark: Option<Timestamp>,
    written_at: Option<i64>,
}

impl HighWaterFile {
    pub(super) fn open(path: PathBuf, every: Duration) -> Result<Self, HighWaterError> {
        let mark = read(&path)?;
        Ok(Self { path, every: super::millis(every), mark, written_at: None })
    }

    pub(super) fn mark(&self) -> Option<Timestamp> {
        self.mark
    }

    pub(super) fn write_if_due(&mut self, mark: Timestamp, boot: i64) -> Result<Persisted, HighWaterError> {
        let too_soon = self.written_at.is_some_and(|at| boot.saturating_sub(at) < self.every);
        if too_soon || self.mark.is_some_and(|written| written >= mark) {
            return Ok(Persisted::NotDue);
        }
        self.write(mark, boot)?;
        Ok(Persisted::Written)
    }

    pub(super) fn write(&mut self, mark: Timestamp, boot: i64) -> Result<(), HighWaterError> {
        replace(&self.path, mark).map_err(|cause| HighWaterError::Io { file: self.path.clone(), cause })?;
        self.mark = Some(mark);
        self.written_at = Some(boot);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Timestamp>, HighWaterError> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => {
            return Err(HighWaterError::Damaged { file: path.to_path_buf() });
        }
        Err(cause) => return Err(HighWaterError::Io { file: path.to_path_buf(), cause }),
    }
    let mark = text.strip_suffix('\n').and_then(|line| line.parse().ok());
    mark.map(Some).ok_or_else(|| HighWaterError::Damaged { file: path.to_path_buf() })
}

/// Replaces the file in one step: a crash leaves the old mark or the new one, never half of either.
fn replace(path: &Path, mark: Timestamp) -> io::Result<()> {
    let mut name = path.as_os_str().to_os_string();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(format!("{mark}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
