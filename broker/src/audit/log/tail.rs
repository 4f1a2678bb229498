//! The end of an audit file, looked at when it is opened: do its last lines hold, and was a write cut short?

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{AuditError, Found, length, read_from};
use crate::audit::chain::{Break, Link, MAX_LINE, Start, Verifier, starts_like_a_line};

/// How much of the file is checked at every start; the whole of it is checked by command.
const WINDOW: u64 = 4 * 1_024 * 1_024;

pub(super) struct Tail {
    pub(super) found: Found,
    pub(super) last: Option<(u64, [u8; 32])>,
}

pub(super) fn read(path: &Path, file: &mut File) -> Result<Tail, AuditError> {
    let io = |cause| AuditError::Io { file: path.to_path_buf(), cause };
    let size = file.metadata().map_err(io)?.len();
    let start = size.saturating_sub(WINDOW);
    let mut window = read_from(file, start).map_err(io)?;
    let skipped = if start == 0 { 0 } else { past_first_line(&window) };
    window.drain(..skipped);
    if start == 0 && !starts_like_a_line(&window) {
        return Err(AuditError::NotAnAuditFile(path.to_path_buf()));
    }
    let offset = start.saturating_add(length(skipped));
    match check(&window, offset) {
        Ok(tail) if tail.last.is_none() && start > 0 => Err(AuditError::NotAnAuditFile(path.to_path_buf())),
        Ok(tail) => Ok(tail),
        Err(mut broken) => {
            broken.line = broken.line.saturating_add(count_lines(file, offset).map_err(io)?);
            Err(AuditError::Chain { file: path.to_path_buf(), broken })
        }
    }
}

fn check(window: &[u8], offset: u64) -> Result<Tail, Break> {
    let mut verifier = Verifier::new(Start::Unknown, None);
    let mut position = offset;
    let mut last = None;
    let mut line_break: &'static [u8] = b"";
    for line in window.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(_) => verifier.line(line)?,
            None => {
                // The line break that closes it will be the first byte written; a whole line lacks nothing else.
                line_break = b"\n";
                let closed = [line, line_break].concat();
                if Link::read(line).is_some() { verifier.line(&closed)? } else { verifier.tear(&closed) }
            }
        }
        if let Some(head) = verifier.just_read() {
            last = Some((position, head.hash));
        }
        position = position.saturating_add(length(line.len()));
    }
    let (summary, torn) = verifier.end()?;
    let found = Found { head: summary.head, lines_checked: summary.lines, torn, line_break };
    Ok(Tail { found, last })
}

fn past_first_line(window: &[u8]) -> usize {
    let first = window.iter().take(MAX_LINE.saturating_add(1)).position(|byte| *byte == b'\n');
    first.map_or(window.len(), |at| at.saturating_add(1))
}

fn count_lines(file: &mut File, end: u64) -> std::io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file.take(end));
    let mut lines = 0_u64;
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(lines);
        }
        lines = lines.saturating_add(length(block.iter().filter(|byte| **byte == b'\n').count()));
        let read = block.len();
        reader.consume(read);
    }
}
