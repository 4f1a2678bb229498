//! The record that stands where others are missing: nothing is dropped without a line that says so.

use serde::Serialize;

use super::chain::{Checkpoint, Torn, hex};
use super::event::{Event, Source};
use super::text::Text;

/// What is missing, and why.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Gap {
    cause: Text<'static>,
    /// Events that were answered with an error because they could not be recorded.
    refused: u64,
    /// Events that went through without a line.
    lost: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    torn: Option<TornBytes>,
}

#[derive(Debug, Clone, Serialize)]
struct TornBytes {
    bytes: u64,
    sha256: String,
}

impl Gap {
    pub(super) fn missing(cause: impl Into<Text<'static>>, refused: u64, lost: u64) -> Self {
        Self { cause: cause.into(), refused, lost, torn: None }
    }

    pub(super) fn torn(torn: &Torn) -> Self {
        let torn = Some(TornBytes { bytes: torn.bytes, sha256: hex(&torn.sha256) });
        Self {
            torn,
            ..Self::missing("a write was cut short: the bytes between the line before and this one", 0, 0)
        }
    }

    /// The gap as an event that follows `head`; its id comes from there, since nothing random is at hand.
    pub(super) fn event(self, now: jiff::Timestamp, head: &Checkpoint) -> Event<'static> {
        housekeeping("AuditGap", now, head).gap(self)
    }
}

/// An event of the audit file's own keeping.
pub(super) fn housekeeping(name: &'static str, now: jiff::Timestamp, head: &Checkpoint) -> Event<'static> {
    let event_id = head.hash.first_chunk().copied().unwrap_or_default();
    Event::new(now, Source::Daypass, name, format!("audit-{}", head.seq.saturating_add(1)), event_id)
}
