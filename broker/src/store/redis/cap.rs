//! Bounds what a Redis reply may cost: a stream that follows the framing of what it reads (RESP2) and ends the
//! connection at a reply that is too long, before anything is gathered in memory for it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one reply. The longest that is asked for, a page of marks or sessions, is about 300 kB.
const MAX_REPLY: usize = 8 << 20;
/// Bytes of a line: a status, an error, a number.
const MAX_LINE: usize = 4_096;
/// Depth of arrays in arrays.
const MAX_DEPTH: usize = 8;

/// A stream whose replies are bounded.
pub(super) struct Capped<S> {
    stream: S,
    framing: Framing,
}

impl<S> Capped<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, framing: Framing::default() }
    }
}

/// Where in a reply the stream is.
#[derive(Debug, Default)]
struct Framing {
    line: Vec<u8>,
    /// Bytes still to come of a string and its line end.
    string: usize,
    /// Elements still to come, of each array that is open.
    open: Vec<usize>,
    reply: usize,
}

impl Framing {
    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let in_string = self.string > 0;
            let taken = if in_string { self.string.min(bytes.len()) } else { self.line_part(bytes) };
            let (part, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
            bytes = rest;
            self.reply = self.reply.saturating_add(taken);
            if in_string {
                self.string = self.string.saturating_sub(taken);
                if self.string == 0 {
                    self.element();
                }
            } else {
                self.line.extend_from_slice(part);
            }
            if self.reply > MAX_REPLY || self.line.len() > MAX_LINE {
                return Err(too_long());
            }
            if !in_string && self.line.ends_with(b"\r\n") {
                self.line_ended()?;
            }
        }
        Ok(())
    }

    /// How many of the bytes belong to the line: up to its end, or to one byte more than it may have.
    fn line_part(&self, bytes: &[u8]) -> usize {
        let room = MAX_LINE.saturating_add(1).saturating_sub(self.line.len());
        let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
        end.map_or(room, |at| at.saturating_add(1)).min(bytes.len())
    }

    fn line_ended(&mut self) -> io::Result<()> {
        let kind = self.line.first().copied();
        let number = || -> io::Result<i64> {
            let digits = self.line.get(1..self.line.len().saturating_sub(2)).unwrap_or_default();
            std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or_else(garbled)
        };
        let length = if matches!(kind, Some(b'$' | b'*')) { number()? } else { 0 };
        self.line.clear();
        match (kind, usize::try_from(length)) {
            (Some(b'$'), Ok(length)) if length > MAX_REPLY => return Err(too_long()),
            (Some(b'$'), Ok(length)) => self.string = length.saturating_add(2),
            (Some(b'*'), Ok(count)) if count > 0 => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(too_long());
                }
                self.open.push(count);
            }
            (Some(b'$' | b'*' | b'+' | b'-' | b':'), _) => self.element(),
            _ => return Err(garbled()),
        }
        Ok(())
    }

    /// An element is whole; so may be the arrays around it, and the reply.
    fn element(&mut self) {
        while let Some(left) = self.open.last_mut() {
            *left = left.saturating_sub(1);
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
        self.reply = 0;
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a reply is too long")
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a reply is garbled")
}

impl<S: AsyncRead + Unpin> AsyncRead for Capped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.framing.follow(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Capped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_a_giant_reply_is_cut_and_an_honest_one_followed() {
        for giant in ["$9000000\r\n".to_owned(), "*1\r\n".repeat(9), format!("+{}", "x".repeat(5_000))] {
            assert!(Framing::default().follow(giant.as_bytes()).is_err(), "{giant:.20}");
        }
        let mut endless = Framing::default();
        endless.follow(b"*1000000000\r\n").unwrap();
        let cut = (0..1_000).position(|_| endless.follow(&b"$2\r\nok\r\n".repeat(10_000)).is_err());
        assert_eq!(cut, Some(104), "cut after 8 MiB");

        let mut honest = Framing::default();
        for byte in b"*3\r\n:1\r\n*2\r\n$2\r\n\r\n\r\n$-1\r\n+OK\r\n-ERR x\r\n$0\r\n\r\n*0\r\n*-1\r\n" {
            honest.follow(&[*byte]).unwrap();
        }
        assert_eq!((honest.open.len(), honest.string, honest.reply), (0, 0, 0), "between two replies");
        assert!(honest.follow(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
