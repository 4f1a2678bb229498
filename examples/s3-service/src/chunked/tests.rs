//! Framing that decodes, and framing that is refused wherever it breaks.

use bytes::Bytes;

use super::*;

const BODY: &[u8] = b"3\r\nabc\r\nB\r\n0123456789!\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n";

type Decoded = (Vec<u8>, Vec<(String, String)>);

fn decode(pieces: &[&[u8]]) -> Result<Decoded, Refusal> {
    let mut decoder = Decoder::default();
    let mut data = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(bytes) = decoder.decode(&mut input)? {
            data.extend_from_slice(&bytes);
        }
    }
    Ok((data, decoder.finish()?))
}

#[test]
fn decodes_the_same_wherever_the_pieces_part() {
    let announced = [("x-amz-checksum-crc32".to_owned(), "AAAAAA==".to_owned())];
    for cut in 0..BODY.len() {
        let (first, second) = BODY.split_at(cut);
        let (data, trailers) = decode(&[first, second]).unwrap();
        assert_eq!(data, b"abc0123456789!", "cut at {cut}");
        assert_eq!(trailers, announced, "cut at {cut}");
    }
}

#[test]
fn h10_every_cut_body_is_refused() {
    for end in 0..BODY.len() {
        assert_eq!(decode(&[&BODY[..end]]), Err(Refusal::BodyIncomplete), "{end} bytes");
    }
}

#[test]
fn h10_malformed_framing_is_refused() {
    let cases: [&[u8]; 10] = [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\nx\r\n",
        b"10000000000000000\r\n",
        b"1\nx\r\n",
        b"1\r\nxx\r\n",
        b"1;a=b\r\nx\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\na:1\r\na:2\r\na:3\r\na:4\r\na:5\r\n\r\n",
    ];
    for body in cases {
        let refused = decode(&[body]);
        assert!(matches!(refused, Err(Refusal::ChunksMalformed(_))), "{refused:?} for {body:?}");
    }
    let endless = [b'0'; 300];
    assert_eq!(decode(&[&endless]), Err(Refusal::ChunksMalformed("a line is too long")));
}
