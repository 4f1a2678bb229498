//! The aws-chunked framing without chunk signatures: `size CRLF data CRLF … 0 CRLF name:value CRLF CRLF`.

use bytes::{Buf, Bytes};

use crate::refusal::Refusal;

/// A size line or a trailer line is never longer; SDKs send at most some 90 bytes.
const LINE_MAX: usize = 256;
/// One checksum is sent; more lines than this are an attack.
const TRAILERS_MAX: usize = 4;

/// Takes the framing off a body that arrives in pieces of any size.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    line: Vec<u8>,
    trailers: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
    Done,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Size, line: Vec::new(), trailers: Vec::new() }
    }
}

impl Decoder {
    /// The next bytes of data in `input`, which is advanced; `None` when all of it is used up.
    ///
    /// # Errors
    /// [`Refusal::ChunksMalformed`].
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Refusal> {
        while input.has_remaining() {
            match self.state {
                State::Size => {
                    if self.fill_line(input)? {
                        self.size()?;
                    }
                }
                State::Data(left) => {
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let data = input.split_to(take);
                    let left = left.saturating_sub(take as u64);
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                    return Ok(Some(data));
                }
                State::DataEnd => {
                    if self.fill_line(input)? {
                        if !std::mem::take(&mut self.line).is_empty() {
                            return Err(Refusal::ChunksMalformed("a chunk is longer than its size"));
                        }
                        self.state = State::Size;
                    }
                }
                State::Trailer => {
                    if self.fill_line(input)? {
                        self.trailer()?;
                    }
                }
                State::Done => return Err(Refusal::ChunksMalformed("there are bytes after the end")),
            }
        }
        Ok(None)
    }

    /// The trailers, once the body is at its end.
    ///
    /// # Errors
    /// The body was cut.
    pub fn finish(self) -> Result<Vec<(String, String)>, Refusal> {
        if self.state != State::Done {
            return Err(Refusal::BodyIncomplete);
        }
        Ok(self.trailers)
    }

    /// Moves bytes up to CRLF into `line`, without it; says whether the line is whole.
    fn fill_line(&mut self, input: &mut Bytes) -> Result<bool, Refusal> {
        while input.has_remaining() {
            let byte = input.get_u8();
            if byte == b'\n' {
                return match self.line.pop() {
                    Some(b'\r') => Ok(true),
                    _ => Err(Refusal::ChunksMalformed("a line doesn't end in CRLF")),
                };
            }
            if self.line.len() >= LINE_MAX {
                return Err(Refusal::ChunksMalformed("a line is too long"));
            }
            self.line.push(byte);
        }
        Ok(false)
    }

    fn size(&mut self) -> Result<(), Refusal> {
        let line = std::mem::take(&mut self.line);
        let digits = std::str::from_utf8(&line)
            .ok()
            .filter(|digits| {
                (1..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            })
            .ok_or(Refusal::ChunksMalformed("a chunk size is not a hexadecimal number"))?;
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| Refusal::ChunksMalformed("a chunk size is not a hexadecimal number"))?;
        self.state = if size == 0 { State::Trailer } else { State::Data(size) };
        Ok(())
    }

    fn trailer(&mut self) -> Result<(), Refusal> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.state = State::Done;
            return Ok(());
        }
        let (name, value) = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| line.split_once(':'))
            .ok_or(Refusal::ChunksMalformed("a trailer is not name:value"))?;
        if self.trailers.len() >= TRAILERS_MAX {
            return Err(Refusal::ChunksMalformed("there are too many trailers"));
        }
        self.trailers.push((name.trim().to_owned(), value.trim().to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
