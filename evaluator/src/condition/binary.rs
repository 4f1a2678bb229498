//! `BinaryEquals`: both sides base64, compared as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BadValue, Truth, compile_each};

#[derive(Debug, Clone)]
pub(super) struct Wanted(Vec<Box<[u8]>>);

/// The longest text of a value, so that decoding needs no heap.
const MAX_TEXT: usize = 1_024;
const MAX_BYTES: usize = 768;

impl Wanted {
    pub(super) fn compile(values: &[String]) -> Result<Self, BadValue> {
        let parse =
            |value: &str| decode(value, |bytes| Box::from(bytes)).ok_or("write at most 768 bytes in base64");
        Ok(Self(compile_each(values, parse)?))
    }

    pub(super) fn any(&self, seen: &str) -> Truth {
        decode(seen, |seen| Truth::of(self.0.iter().any(|wanted| **wanted == *seen)))
            .unwrap_or(Truth::Undecidable)
    }
}

fn decode<T>(text: &str, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut buffer = [0; MAX_BYTES];
    if text.len() > MAX_TEXT {
        return None;
    }
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    buffer.get(..length).map(take)
}
