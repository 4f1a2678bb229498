//! A body that lets its last bytes go only after the whole was found to be what its head says.
//!
//! Whoever reads it to its end has read what was declared and signed; whoever gets an error has to drop
//! what it wrote, and never had all of it. The refusal also goes to the front, which answers with it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::checksum::Digests;
use crate::chunked::Decoder;
use crate::refusal::Refusal;

/// How long a sender may pause within a body.
const IDLE: Duration = Duration::from_secs(10);

/// Where a body leaves the reason why it broke off.
pub type Broken = Arc<OnceLock<Refusal>>;

/// A body under check; see the module.
#[derive(Debug)]
pub struct CheckedBody<B> {
    inner: B,
    input: Bytes,
    decoder: Option<Decoder>,
    digests: Option<Digests>,
    /// Bytes still to come, after decoding.
    left: u64,
    held: Option<Bytes>,
    broken: Broken,
    idle: Pin<Box<Sleep>>,
}

impl<B> CheckedBody<B> {
    /// Puts `inner`, of `length` bytes after decoding, under check.
    pub fn new(inner: B, length: u64, decoder: Option<Decoder>, digests: Digests, broken: Broken) -> Self {
        Self {
            inner,
            input: Bytes::new(),
            decoder,
            digests: Some(digests),
            left: length,
            held: None,
            broken,
            idle: Box::pin(tokio::time::sleep(IDLE)),
        }
    }

    /// The next decoded bytes of what has arrived.
    fn decode(&mut self) -> Result<Option<Bytes>, Refusal> {
        match &mut self.decoder {
            Some(decoder) => decoder.decode(&mut self.input),
            None => Ok(Some(std::mem::take(&mut self.input)).filter(|bytes| !bytes.is_empty())),
        }
    }

    /// Counts and hashes `bytes`, holds them back, and gives out what was held before.
    fn exchange(&mut self, bytes: Bytes) -> Result<Option<Bytes>, Refusal> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Refusal::BodyIncomplete)?;
        if let Some(digests) = &mut self.digests {
            digests.update(&bytes);
        }
        Ok(self.held.replace(bytes))
    }

    /// Judges the whole.
    fn finish(&mut self) -> Result<(), Refusal> {
        let Some(digests) = self.digests.take() else { return Ok(()) };
        let trailers = self.decoder.take().map(Decoder::finish).transpose()?.unwrap_or_default();
        if self.left != 0 {
            return Err(Refusal::BodyIncomplete);
        }
        digests.finish(&trailers)
    }

    fn fail(&mut self, refusal: Refusal) -> Refusal {
        self.held = None;
        self.digests = None;
        let _ = self.broken.set(refusal.clone());
        refusal
    }
}

impl<B> CheckedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Refusal>> {
        loop {
            if let Some(refusal) = self.broken.get() {
                return Poll::Ready(Err(refusal.clone()));
            }
            while let Some(bytes) = self.decode()? {
                if let Some(earlier) = self.exchange(bytes)? {
                    return Poll::Ready(Ok(Some(earlier)));
                }
            }
            if self.digests.is_none() {
                return Poll::Ready(Ok(self.held.take()));
            }
            match self.arrived(cx) {
                Poll::Ready(Some(Ok(frame))) => self.input = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Refusal::BodyIncomplete)),
                Poll::Ready(None) => self.finish()?,
                Poll::Pending => {
                    ready!(self.idle.as_mut().poll(cx));
                    return Poll::Ready(Err(Refusal::BodyTimeout));
                }
            }
        }
    }

    fn arrived(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let next = Instant::now() + IDLE;
        self.idle.as_mut().reset(next);
        Poll::Ready(frame)
    }
}

impl<B> Body for CheckedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = Refusal;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Refusal>>> {
        let this = self.get_mut();
        Poll::Ready(match ready!(this.advance(cx)) {
            Ok(bytes) => bytes.map(|bytes| Ok(Frame::data(bytes))),
            Err(refusal) => Some(Err(this.fail(refusal))),
        })
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len) as u64;
        SizeHint::with_exact(self.left.saturating_add(held))
    }
}

#[cfg(test)]
mod tests;
