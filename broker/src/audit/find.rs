//! Finding what is known of one request, from the local files alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::chain::MAX_LINE;
use super::refusals::older;

/// The most records that one search answers with; a request has a few.
const MAX_FOUND: usize = 1_000;

/// The files that may tell of a request: the audit file, the refusals and the refusals before the last rotation.
pub fn files(audit: &Path, refusals: &Path) -> [PathBuf; 3] {
    [audit.to_path_buf(), refusals.to_path_buf(), older(refusals)]
}

/// Every record of that request in those files, newest first; files that aren't there are passed over.
///
/// Lines are read as they are; whether they were edited is for [`verify_chain`](super::verify_chain) to say.
///
/// # Errors
/// A file that is there and can't be read.
pub fn find(files: &[PathBuf], request_id: &str) -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    for path in files {
        match File::open(path) {
            Ok(file) => search(BufReader::new(file), request_id, &mut found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // Stable, and reversed before: records of the same second keep the order in which they were written.
    found.reverse();
    found.sort_by(|one, other| time(other).cmp(time(one)));
    Ok(found)
}

fn search(mut reader: impl BufRead, request_id: &str, found: &mut Vec<Value>) -> io::Result<()> {
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    while found.len() < MAX_FOUND {
        line.clear();
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let mentions = std::str::from_utf8(&line).is_ok_and(|line| line.contains(request_id));
        let record = mentions.then(|| serde_json::from_slice::<Value>(&line).ok()).flatten();
        found.extend(
            record.filter(|record| record.get("requestID").and_then(Value::as_str) == Some(request_id)),
        );
    }
    Ok(())
}

fn time(record: &Value) -> &str {
    record.get("eventTime").and_then(Value::as_str).unwrap_or_default()
}
