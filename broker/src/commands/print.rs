//! What commands print, whoever reads it.

use std::io::{self, ErrorKind, Write as _};

/// Prints lines on standard output. A reader that has gone away, as `head` does, wants no more: that is no failure, and
/// the command's exit code still says what it came to.
pub(crate) fn print(lines: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The value as one line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|text| text + "\n")
}

/// The value as JSON for people too.
pub(crate) fn pretty_json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

/// Says something on standard error; if nobody hears it, there is nobody else to tell.
pub(crate) fn say(lines: &str) {
    let _unheard = io::stderr().lock().write_all(lines.as_bytes());
}
