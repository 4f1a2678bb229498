//! Reading a chain line by line and finding where it breaks, in memory bounded by one line.

use std::io::{self, BufRead, Read};

use ring::digest::{Context, SHA256};
use serde::Deserialize;

use super::{Checkpoint, Link, sha256};

/// The longest line a chain may hold, in bytes.
pub const MAX_LINE: usize = 512 * 1_024;

/// Where a file's chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After that line of the file before.
    After(Checkpoint),
    /// With line 1: nothing came before.
    Beginning,
    /// Anywhere: the file before isn't at hand, so lines missing at the start can't be told.
    Unknown,
}

/// What an unbroken chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The last line: where the next file goes on, and the checkpoint to keep.
    pub head: Checkpoint,
    /// How many lines.
    pub lines: u64,
    /// How many of them say that something is missing, or that a write was cut short.
    pub gaps: u64,
}

/// The first place where a chain doesn't hold.
#[derive(Debug, thiserror::Error)]
#[error("line {line} (sequence number {seq}): {cause}")]
pub struct Break {
    /// The line in the file, from 1.
    pub line: u64,
    /// The sequence number that the line should have.
    pub seq: u64,
    /// What is wrong.
    #[source]
    pub cause: Cause,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It isn't the line that the checkpoint names.
    #[error("is not the line that the checkpoint names")]
    CheckpointDiffers,
    /// It was changed after it was written.
    #[error("was changed, or the line before it was")]
    Edited,
    /// It is no line of an audit file, and no gap record accounts for it.
    #[error("is not an audit line, and no gap record names it")]
    Garbled,
    /// Lines before it are gone or out of order.
    #[error("has sequence number {found}: lines are missing or out of order")]
    Missing {
        /// The number it has.
        found: u64,
    },
    /// It is longer than any line that was written.
    #[error("is longer than {MAX_LINE} bytes")]
    TooLong,
    /// The file ends before the checkpoint.
    #[error("is missing: the file ends before the checkpoint")]
    Truncated,
    /// The file couldn't be read.
    #[error("can't be read: {0}")]
    Unreadable(#[source] io::Error),
}

/// Reads a whole file and says whether every line is the one that was written.
///
/// Any byte changed, and any line dropped, added or moved, breaks the chain, except at its end: whoever can write the
/// file can cut its last lines off or replace the very last one. Against that, give a checkpoint kept elsewhere. A file
/// that is being written may end in half a line, which is reported as garbled.
///
/// # Errors
/// The first line that doesn't hold.
pub fn verify_chain(
    mut reader: impl BufRead,
    start: Start,
    checkpoint: Option<Checkpoint>,
) -> Result<Summary, Break> {
    let mut verifier = Verifier::new(start, checkpoint);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX).saturating_add(1);
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line);
        match read.map_err(|error| verifier.broken(Cause::Unreadable(error)))? {
            0 => return verifier.finish(),
            _ => verifier.line(&line)?,
        }
    }
}

/// Bytes that a crash left in the file: not lines, but accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Torn {
    pub(in crate::audit) bytes: u64,
    pub(in crate::audit) sha256: [u8; 32],
}

/// A chain being read.
pub(in crate::audit) struct Verifier {
    head: Option<Checkpoint>,
    checkpoint: Option<Checkpoint>,
    line: u64,
    lines: u64,
    gaps: u64,
    torn: Option<TornSoFar>,
    /// A line that didn't follow: the next one tells whether it or the one before was changed.
    suspect: Option<(u64, Checkpoint)>,
}

struct TornSoFar {
    line: u64,
    bytes: u64,
    hash: Context,
}

impl Verifier {
    pub(in crate::audit) fn new(start: Start, checkpoint: Option<Checkpoint>) -> Self {
        let head = match start {
            Start::After(head) => Some(head),
            Start::Beginning => Some(Checkpoint::NONE),
            Start::Unknown => None,
        };
        Self { head, checkpoint, line: 0, lines: 0, gaps: 0, torn: None, suspect: None }
    }

    /// Takes the next line, with its line break.
    pub(in crate::audit) fn line(&mut self, bytes: &[u8]) -> Result<(), Break> {
        self.line = self.line.saturating_add(1);
        if bytes.len() > MAX_LINE {
            return Err(self.broken(Cause::TooLong));
        }
        let link = bytes.strip_suffix(b"\n").and_then(|line| Some((line, Link::read(line)?)));
        if let Some((line, suspect)) = self.suspect {
            return Err(self.edited(line, link.is_some_and(|(_, link)| link.follows(&suspect))));
        }
        match link {
            Some((line, link)) => self.link(line, &link),
            None => {
                self.tear(bytes);
                Ok(())
            }
        }
    }

    fn link(&mut self, line: &[u8], link: &Link) -> Result<(), Break> {
        let before = Checkpoint { seq: link.seq.saturating_sub(1), hash: link.prev };
        // Read from its middle, a file may start just behind the torn bytes that its first line names.
        let torn_unseen = self.head.is_none() && self.torn.is_none();
        let head = *self.head.get_or_insert(before);
        let here = Checkpoint { seq: link.seq, hash: sha256(line) };
        let gap = gap_of(line);
        let torn_line = self.torn.as_ref().map_or(self.line, |torn| torn.line);
        let torn = self.torn.take().map(TornSoFar::end);
        let accounted = gap.as_ref().map_or_else(|| torn.is_none(), |gap| gap.names(torn.as_ref()));
        if !accounted && !torn_unseen {
            return Err(Break { line: torn_line, seq: head.seq.saturating_add(1), cause: Cause::Garbled });
        }
        if head.seq.checked_add(1) != Some(link.seq) {
            return Err(self.broken(Cause::Missing { found: link.seq }));
        }
        if link.prev != head.hash {
            self.suspect = Some((self.line, here));
            return Ok(());
        }
        if self.checkpoint.is_some_and(|kept| kept.seq == here.seq && kept.hash != here.hash) {
            return Err(self.broken(Cause::CheckpointDiffers));
        }
        self.head = Some(here);
        self.lines = self.lines.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u64::from(gap.is_some()));
        Ok(())
    }

    /// Takes bytes that are no line, whatever they look like.
    pub(in crate::audit) fn tear(&mut self, bytes: &[u8]) {
        let line = self.line;
        let torn = self.torn.get_or_insert_with(|| TornSoFar { line, bytes: 0, hash: Context::new(&SHA256) });
        torn.bytes = torn.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        torn.hash.update(bytes);
    }

    pub(in crate::audit) fn finish(mut self) -> Result<Summary, Break> {
        if let Some(torn) = &self.torn {
            return Err(Break { line: torn.line, seq: self.next_seq(), cause: Cause::Garbled });
        }
        let (summary, _) = self.end()?;
        if self.checkpoint.is_some_and(|kept| kept.seq > summary.head.seq) {
            self.line = self.line.saturating_add(1);
            return Err(self.broken(Cause::Truncated));
        }
        Ok(summary)
    }

    /// What was read, and the bytes at the end that are no lines: what a crash leaves.
    pub(in crate::audit) fn end(&mut self) -> Result<(Summary, Option<Torn>), Break> {
        if let Some((line, suspect)) = self.suspect {
            return Err(self.edited(line, self.checkpoint == Some(suspect)));
        }
        let head = self.head.unwrap_or(Checkpoint::NONE);
        Ok((Summary { head, lines: self.lines, gaps: self.gaps }, self.torn.take().map(TornSoFar::end)))
    }

    /// The line just taken, if it was one that follows.
    pub(in crate::audit) fn just_read(&self) -> Option<&Checkpoint> {
        self.head.as_ref().filter(|_| self.torn.is_none() && self.suspect.is_none())
    }

    fn broken(&self, cause: Cause) -> Break {
        Break { line: self.line, seq: self.next_seq(), cause }
    }

    /// The suspect stands where the next line belongs; if it is innocent, the line before it was changed.
    fn edited(&self, suspect_line: u64, innocent: bool) -> Break {
        let back = u64::from(innocent);
        let (line, seq) = (suspect_line.saturating_sub(back), self.next_seq().saturating_sub(back));
        Break { line, seq, cause: Cause::Edited }
    }

    fn next_seq(&self) -> u64 {
        self.head.map_or(1, |head| head.seq.saturating_add(1))
    }
}

impl TornSoFar {
    fn end(self) -> Torn {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        Torn { bytes: self.bytes, sha256 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GapLine {
    additional_event_data: GapData,
}

#[derive(Deserialize)]
struct GapData {
    gap: NamedGap,
}

#[derive(Deserialize)]
struct NamedGap {
    torn: Option<NamedTorn>,
}

#[derive(Deserialize)]
struct NamedTorn {
    bytes: u64,
    sha256: String,
}

impl NamedGap {
    /// Whether the gap record names just these bytes, or none if there are none.
    fn names(&self, torn: Option<&Torn>) -> bool {
        let named = self.torn.as_ref().map(|named| (named.bytes, named.sha256.clone()));
        named == torn.map(|torn| (torn.bytes, super::hex(&torn.sha256)))
    }
}

fn gap_of(line: &[u8]) -> Option<NamedGap> {
    // Within a string the quotes would be escaped, so this is a member's name; other lines are not parsed.
    const MEMBER: &str = "\"gap\":{";
    let line = std::str::from_utf8(line).ok()?;
    line.contains(MEMBER)
        .then(|| serde_json::from_str::<GapLine>(line).ok())
        .flatten()
        .map(|line| line.additional_event_data.gap)
}
