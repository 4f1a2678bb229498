//! Text from outside on its way into an audit line: cut to size, and unable to steer a terminal.

use std::borrow::Cow;
use std::io;

use serde::{Serialize, Serializer};
use serde_json::ser::{CharEscape, Formatter};

/// The most that one text may take up in a line, as it is written there.
const MAX_BYTES: usize = 1_024;

/// The most bytes that one byte of a text can take there.
const MOST_WRITTEN: usize = 6;

/// A value for an audit line: at most 1 KB of it is kept, cut between characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a, T: Into<Cow<'a, str>>> From<T> for Text<'a> {
    fn from(text: T) -> Self {
        Self(cut(text.into()))
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// JSON on one line, in which every character that moves a cursor, colours, breaks a line or turns the direction of
/// text is written as an escape.
pub(super) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(2_048);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Inert))?;
    Ok(bytes)
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= MAX_BYTES / MOST_WRITTEN {
        return text;
    }
    let mut written = 0_usize;
    for (at, character) in text.char_indices() {
        written = written.saturating_add(written_size(character));
        if written > MAX_BYTES {
            return match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.get(..at).unwrap_or_default()),
                Cow::Owned(mut text) => {
                    text.truncate(at);
                    Cow::Owned(text)
                }
            };
        }
    }
    text
}

fn written_size(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        character if steers(character) => MOST_WRITTEN,
        character => character.len_utf8(),
    }
}

fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // To the end in any case: without a way out, many bytes are looked at at a time.
        if fragment.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            if steers(character) {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            } else {
                writer.write_all(character.encode_utf8(&mut buffer).as_bytes())?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let code = match escape {
            CharEscape::Quote => return writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => return writer.write_all(b"\\\\"),
            CharEscape::Solidus => b'/',
            CharEscape::Backspace => 0x08,
            CharEscape::FormFeed => 0x0c,
            CharEscape::LineFeed => b'\n',
            CharEscape::CarriageReturn => b'\r',
            CharEscape::Tab => b'\t',
            CharEscape::AsciiControl(code) => code,
        };
        write!(writer, "\\u{code:04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h08_line_breaks_and_terminal_sequences_are_escaped() {
        let attack = "a\r\n{\"seq\":9}\u{1b}[2K\u{9b}31m\u{7f}\u{202e}\u{2028}é";
        let line = to_json(&Text::from(attack)).unwrap();
        let expected = "\"a\\u000d\\u000a{\\\"seq\\\":9}\\u001b[2K\\u009b31m\\u007f\\u202e\\u2028é\"";
        assert_eq!(String::from_utf8(line.clone()).unwrap(), expected);
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), attack, "and nothing of it is lost");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(Text::from("x".repeat(1_024)).as_ref().len(), 1_024);
        assert_eq!(Text::from("x".repeat(1_025)).as_ref().len(), 1_024);
        assert_eq!(Text::from(format!("x{}", "é".repeat(600))).as_ref().len(), 1_023);
    }

    #[test]
    fn the_limit_holds_for_what_is_written() {
        for filler in ["\n", "\u{9b}", "\"", "é", "a\u{1b}"] {
            let line = to_json(&Text::from(filler.repeat(5_000))).unwrap();
            assert!(line.len() <= 1_024 + 2 && line.len() > 1_000, "{filler:?}: {}", line.len());
        }
    }
}
