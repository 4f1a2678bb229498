//! The highest keyring version that a broker has used, remembered across restarts: an older file would revive what a
//! later one retired.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

const FILE: &str = "keyring-version";

/// Remembers `version` in the broker's own folder. A higher one that it has used before is returned instead.
///
/// # Errors
/// The file can't be read or written, or is not a number: then nothing is known, and nothing may be used.
pub fn remember(folder: &Path, version: u64) -> io::Result<Option<u64>> {
    let path = folder.join(FILE);
    let known = match fs::read_to_string(&path) {
        Ok(text) => {
            text.trim().parse::<u64>().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if known >= version {
        return Ok((known > version).then_some(known));
    }
    let temporary = path.with_extension("new");
    let mut file = fs::File::create(&temporary)?;
    writeln!(file, "{version}")?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f20_a_keyring_older_than_one_that_was_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remember(folder.path(), 3).unwrap(), None);
        assert_eq!(remember(folder.path(), 3).unwrap(), None);
        assert_eq!(remember(folder.path(), 2).unwrap(), Some(3));
        assert_eq!(remember(folder.path(), 4).unwrap(), None);
        assert_eq!(remember(folder.path(), 3).unwrap(), Some(4));
        fs::write(folder.path().join(FILE), "").unwrap();
        assert!(remember(folder.path(), 5).is_err(), "what can't be read is not taken for nothing");
    }
}
