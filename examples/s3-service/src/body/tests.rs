//! Bodies that are what was signed, and bodies that are spoilt on the way.

use std::collections::VecDeque;
use std::task::Waker;

use data_encoding::HEXLOWER;
use http::HeaderMap;
use http_body_util::BodyExt;
use ring::digest::{SHA256, digest};

use super::*;
use crate::payload::Payload;

/// Pieces that arrive one by one; after the last the sender falls silent, or the body ends.
struct Pieces {
    pieces: VecDeque<&'static [u8]>,
    silent: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
            None if self.silent => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

fn checked(pieces: &[&'static [u8]], silent: bool, signed: &[u8]) -> CheckedBody<Pieces> {
    let hash = HEXLOWER.encode(digest(&SHA256, signed).as_ref());
    let digests = Digests::wanted(&HeaderMap::new(), &Payload::Sha256(hash), true).unwrap();
    let pieces = Pieces { pieces: pieces.iter().copied().collect(), silent };
    CheckedBody::new(pieces, signed.len() as u64, None, digests, Broken::default())
}

#[tokio::test]
async fn the_last_bytes_are_held_until_the_whole_is_known() {
    let mut body = checked(&[b"abc", b"def"], true, b"abcdef");
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx) else {
        panic!("nothing came")
    };
    assert_eq!(frame.into_data().unwrap(), "abc");
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
    assert_eq!(body.size_hint().exact(), Some(3));
}

#[tokio::test]
async fn a_body_that_is_what_was_signed_passes_whole() {
    let body = checked(&[b"abc", b"", b"def"], false, b"abcdef");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
}

#[tokio::test]
async fn v06_a_spoilt_body_never_yields_its_last_bytes() {
    let cases: [(&[&'static [u8]], Refusal); 3] = [
        (&[b"abc", b"deF"], Refusal::PayloadHashMismatch),
        (&[b"abc", b"de"], Refusal::BodyIncomplete),
        (&[b"abc", b"def", b"g"], Refusal::BodyIncomplete),
    ];
    for (pieces, refusal) in cases {
        let mut body = checked(pieces, false, b"abcdef");
        let broken = Arc::clone(&body.broken);
        let mut passed = Vec::new();
        let error = loop {
            match body.frame().await {
                Some(Ok(frame)) => passed.extend_from_slice(&frame.into_data().unwrap()),
                Some(Err(error)) => break error,
                None => panic!("{pieces:?} passed"),
            }
        };
        assert_eq!((&error, broken.get()), (&refusal, Some(&refusal)));
        assert_eq!(passed, b"abc");
    }
}

#[tokio::test(start_paused = true)]
async fn h01_a_sender_that_falls_silent_is_given_up() {
    let mut body = checked(&[b"abc"], true, b"abcdef");
    assert_eq!(body.frame().await.unwrap().unwrap_err(), Refusal::BodyTimeout);
}
