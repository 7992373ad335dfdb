//! Frames: header, reassembly from pieces, and what `explain` says of them.

use smpfota::smp::header::HEADER_LEN;
use smpfota::smp::reassembly::Reassembly;
use smpfota::smp::{Frame, Header};

use super::super::bytes::Bytes;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let style = bytes.byte();
    let mut stream = bytes.0.to_vec();
    if style & 0x80 != 0 {
        fit_lengths(&mut stream);
    }
    if let Some(header) = Header::decode(&stream) {
        // Reserved bits are not kept; everything else is.
        let mut expected = stream[..HEADER_LEN].to_vec();
        expected[0] &= 0x1f;
        assert_eq!(header.encode()[..], expected[..]);
    }
    reassemble(&stream, usize::from(style & 0x3f), if style & 0x40 != 0 { 300 } else { 65_543 });
    let explained = smpfota::diagnose::explain(&stream).to_string();
    assert!(explained.len() <= 2 * smpfota::diagnose::MAX_OUTPUT, "{} bytes of explanation", explained.len());
}

/// Cuts the stream into frames by replacing lengths that lead outside, so that the fuzzer gets behind the first header.
fn fit_lengths(stream: &mut [u8]) {
    let mut rest = stream;
    while rest.len() > HEADER_LEN {
        rest[0] &= 0x0b;
        rest[0] |= 1;
        let most = rest.len() - HEADER_LEN;
        let length = (usize::from(rest[3]) | usize::from(rest[2] & 1) << 8).min(most);
        rest[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        rest = &mut rest[HEADER_LEN + length..];
    }
}

fn reassemble(stream: &[u8], piece: usize, limit: usize) {
    let mut reassembly = Reassembly::new(limit);
    let mut seen = 0;
    let mut discarded = 0;
    let piece = if piece == 0 { stream.len().max(1) } else { piece };
    for (index, part) in stream.chunks(piece).enumerate() {
        discarded += reassembly.feed(index as u64 * 7_000, part, |frame: Frame<'_>| {
            assert_eq!(usize::from(frame.header.length), frame.body.len());
            assert!(frame.header.op.is_response());
            assert!(frame.header.frame_len() <= limit);
            seen += frame.header.frame_len();
        });
    }
    assert!(seen + discarded <= stream.len(), "{seen} bytes of frames and {discarded} of garbage");
    if seen + discarded < stream.len() {
        assert!(!reassembly.is_empty(), "bytes got lost");
    }
}
