//! The chain under attack and after a crash: each byte flipped, lines dropped and moved, writes cut anywhere.

use super::*;

/// A chain of five lines, as bytes, and its last line as a checkpoint.
fn chain() -> (Vec<u8>, Checkpoint) {
    let mut head = Checkpoint::NONE;
    let mut bytes = Vec::new();
    for number in 0..5 {
        let body = format!("{{\"requestID\":\"{number}\",\"userAgent\":\"aws-cli\"}}");
        head.append(body.as_bytes(), &mut bytes);
    }
    (bytes, head)
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn an_untouched_chain_holds() {
    let (bytes, head) = chain();
    let expected = Summary { head, lines: 5, gaps: 0 };
    assert_eq!(verify_chain(bytes.as_slice(), Start::Beginning, Some(head)).unwrap(), expected);
    assert_eq!(verify_chain(bytes.as_slice(), Start::Unknown, None).unwrap(), expected);
}

#[test]
fn f29_every_flipped_bit_is_found_on_its_line() {
    let (bytes, head) = chain();
    for at in 0..bytes.len() {
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let broken = verify_chain(flipped.as_slice(), Start::Beginning, Some(head)).unwrap_err();
            assert!(
                (line..=line + 1).contains(&broken.line),
                "byte {at} of line {line}, bit {bit}: {broken}"
            );
        }
    }
}

#[test]
fn f29_a_changed_text_is_blamed_on_the_very_line() {
    let (bytes, head) = chain();
    let text = String::from_utf8(bytes).unwrap();
    for line in 1..=4_u64 {
        let from = format!("\"requestID\":\"{}\"", line - 1);
        let changed = text.replace(&from, "\"requestID\":\"x\"");
        let broken = verify_chain(changed.as_bytes(), Start::Beginning, Some(head)).unwrap_err();
        assert!(matches!(broken.cause, Cause::Edited), "{broken}");
        assert_eq!((broken.line, broken.seq), (line, line));
    }
}

#[test]
fn f29_dropped_moved_and_repeated_lines_are_found() {
    let (bytes, head) = chain();
    let lines = split(&bytes);
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert!(
            verify_chain(dropped.concat().as_slice(), Start::Beginning, Some(head)).is_err(),
            "drop {at}"
        );
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at]);
        assert!(verify_chain(repeated.concat().as_slice(), Start::Beginning, None).is_err(), "repeat {at}");
        for other in 0..at {
            let mut moved = lines.clone();
            moved.swap(at, other);
            assert!(
                verify_chain(moved.concat().as_slice(), Start::Beginning, None).is_err(),
                "{at}, {other}"
            );
        }
    }
    let broken = verify_chain([lines[0], lines[2]].concat().as_slice(), Start::Beginning, None).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "line 2 (sequence number 2): has sequence number 3: lines are missing or out of order"
    );
}

#[test]
fn f29_a_file_cut_short_is_found_by_its_checkpoint() {
    let (bytes, head) = chain();
    for length in 0..bytes.len() {
        assert!(verify_chain(&bytes[..length], Start::Beginning, Some(head)).is_err(), "cut at {length}");
    }
    let whole_lines = split(&bytes)[..3].concat();
    let broken = verify_chain(whole_lines.as_slice(), Start::Beginning, Some(head)).unwrap_err();
    assert!(matches!(broken.cause, Cause::Truncated), "{broken}");
    assert_eq!(broken.line, 4);
}

#[test]
fn f29_a_chain_written_anew_differs_from_its_checkpoint() {
    let (_, head) = chain();
    let (mut other, mut forged) = (Checkpoint::NONE, Vec::new());
    (0..6).for_each(|_| other.append(b"{\"requestID\":\"forged\"}", &mut forged));
    verify_chain(forged.as_slice(), Start::Beginning, None).unwrap();
    let broken = verify_chain(forged.as_slice(), Start::Beginning, Some(head)).unwrap_err();
    assert!(matches!(broken.cause, Cause::CheckpointDiffers), "{broken}");
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let endless = io::BufReader::new(io::repeat(b'x'));
    let broken = verify_chain(endless, Start::Beginning, None).unwrap_err();
    assert!(matches!(broken.cause, Cause::TooLong), "{broken}");
}

#[test]
fn a_checkpoint_is_read_as_it_is_written() {
    let (_, head) = chain();
    assert_eq!(head.to_string().parse(), Ok(head));
    for wrong in ["", "5", "5:", "5:00", "x:00", &head.to_string().to_uppercase(), &format!("{head}0")] {
        assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
    }
}

/// What a writer that was killed leaves: any part of its last write.
#[tokio::test]
async fn f29_a_write_cut_anywhere_is_closed_off_by_a_record_that_names_it() {
    let (bytes, _) = chain();
    let last_line = bytes.len() - split(&bytes)[4].len();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    for length in last_line..=bytes.len() {
        fs::write(&file, &bytes[..length]).unwrap();
        let (audit, recovered) = open(folder.path()).unwrap();
        let receipt = audit.record(event("after")).await.unwrap();
        drop(audit);
        let after = fs::read(&file).unwrap();
        assert!(after.starts_with(&bytes[..length]), "nothing was taken away");
        let summary = verify_chain(after.as_slice(), Start::Beginning, Some(receipt.line())).unwrap();
        let cut = length - last_line;
        let (torn, gaps) = match bytes.len() - length {
            0 => (0, 0),
            1 => (0, 1),
            _ if cut == 0 => (0, 0),
            _ => (cut as u64 + 1, 1),
        };
        assert_eq!((recovered.torn_bytes, summary.gaps), (torn, gaps), "cut at {length}");
        if torn > 0 {
            let dropped = [&bytes[..last_line], &after[length + 1..]].concat();
            assert!(
                verify_chain(dropped.as_slice(), Start::Beginning, None).is_err(),
                "the torn bytes are evidence"
            );
            let mut edited = after.clone();
            edited[last_line] ^= 1;
            assert!(verify_chain(edited.as_slice(), Start::Beginning, None).is_err());
        }
    }
}

#[tokio::test]
async fn a_crash_while_closing_off_is_closed_off_too() {
    let (bytes, _) = chain();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
    drop(open(folder.path()).unwrap());
    let closed = fs::read(&file).unwrap();
    for length in bytes.len() - 20..closed.len() {
        fs::write(&file, &closed[..length]).unwrap();
        let (audit, _) = open(folder.path()).unwrap();
        let receipt = audit.record(event("after")).await.unwrap();
        drop(audit);
        verify(&file, Start::Beginning, Some(receipt.line()))
            .unwrap_or_else(|broken| panic!("{length}: {broken}"));
    }
}

#[test]
fn f29_an_edited_chain_is_not_continued() {
    let (bytes, _) = chain();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let edited = String::from_utf8(bytes).unwrap().replacen("aws-cli", "aws-sdk", 1);
    fs::write(&file, &edited).unwrap();
    let error = open(folder.path()).unwrap_err();
    let told = format!(
        "audit file `{}` was tampered with: line 1 (sequence number 1): was changed, or the line before it was",
        file.display()
    );
    assert_eq!(error.to_string(), told);
    assert_eq!(fs::read_to_string(&file).unwrap(), edited, "left as evidence");
}
