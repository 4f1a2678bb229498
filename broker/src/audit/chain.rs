//! The hash chain that makes an edit of the audit file visible: each line names the SHA-256 of the line before.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::de::IgnoredAny;

mod verify;

pub use verify::{Break, Cause, MAX_LINE, Start, Summary, verify_chain};
pub(super) use verify::{Torn, Verifier};

const OPENING: &[u8] = b"{\"seq\":";
const PREVIOUS: &[u8] = b",\"prev\":\"";
const CLOSING: &[u8] = b"\",";
const HASH_DIGITS: usize = 64;

/// One line of a chain, by its number and hash: whoever keeps it elsewhere can tell later whether everything up to
/// that line still stands. Written as `number:hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

impl Checkpoint {
    /// Before the first line.
    pub const NONE: Self = Self { seq: 0, hash: [0; 32] };

    /// The line's sequence number; the first is 1.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Writes `body`, a JSON object with at least one member, as the next line, and moves on to it.
    pub(super) fn append(&mut self, body: &[u8], lines: &mut Vec<u8>) {
        let seq = self.seq.saturating_add(1);
        let start = lines.len();
        lines.reserve(body.len().saturating_add(128));
        lines.extend_from_slice(OPENING);
        lines.extend_from_slice(seq.to_string().as_bytes());
        lines.extend_from_slice(PREVIOUS);
        lines.extend_from_slice(hex(&self.hash).as_bytes());
        lines.extend_from_slice(CLOSING);
        lines.extend_from_slice(body.strip_prefix(b"{").unwrap_or(body));
        *self = Self { seq, hash: sha256(lines.get(start..).unwrap_or_default()) };
        lines.push(b'\n');
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.seq, hex(&self.hash))
    }
}

/// Not a checkpoint: one is a sequence number, a colon and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is a sequence number, a colon and 64 lower-case hexadecimal digits")]
pub struct NotACheckpoint(());

impl FromStr for Checkpoint {
    type Err = NotACheckpoint;

    fn from_str(text: &str) -> Result<Self, NotACheckpoint> {
        let (seq, hash) = text.split_once(':').ok_or(NotACheckpoint(()))?;
        let seq = seq.parse().map_err(|_| NotACheckpoint(()))?;
        let hash = unhex(hash.as_bytes()).ok_or(NotACheckpoint(()))?;
        Ok(Self { seq, hash })
    }
}

/// What a line says about its place in the chain.
pub(super) struct Link {
    seq: u64,
    prev: [u8; 32],
}

impl Link {
    /// Reads the place of a line, given without its line break; none if it isn't one, or was cut short.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(OPENING)?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (seq, rest) = rest.split_at_checked(digits)?;
        let (prev, rest) = rest.strip_prefix(PREVIOUS)?.split_at_checked(HASH_DIGITS)?;
        // A line cut short can end in a brace, but never is a whole object.
        if !rest.starts_with(CLOSING) || serde_json::from_slice::<IgnoredAny>(line).is_err() {
            return None;
        }
        Some(Self { seq: std::str::from_utf8(seq).ok()?.parse().ok()?, prev: unhex(prev)? })
    }

    pub(super) fn follows(&self, head: &Checkpoint) -> bool {
        head.seq.checked_add(1) == Some(self.seq) && self.prev == head.hash
    }
}

/// Whether the bytes could be the start of a line, however early it was cut.
pub(super) fn starts_like_a_line(bytes: &[u8]) -> bool {
    bytes.starts_with(OPENING) || OPENING.starts_with(bytes)
}

pub(super) fn hex(hash: &[u8; 32]) -> String {
    HEXLOWER.encode(hash)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn unhex(digits: &[u8]) -> Option<[u8; 32]> {
    HEXLOWER.decode(digits).ok()?.try_into().ok()
}
