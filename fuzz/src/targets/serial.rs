//! The console framing: any bytes into the decoder, and every frame through encoder and decoder.

use smpfota::smp::console::{Decoder, encode};

use super::super::bytes::Bytes;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let style = bytes.byte();
    let limit = [65_535, 256, 16, 0][usize::from(style & 3)];
    let piece = usize::from(style >> 2);
    decode(bytes.0, limit, piece);
    round_trip(bytes.0);
}

fn decode(stream: &[u8], limit: usize, piece: usize) {
    let frames_of = |piece: usize| {
        let mut frames = Vec::new();
        let mut decoder = Decoder::new(limit);
        for part in stream.chunks(piece.max(1)) {
            decoder.feed(part, |frame| {
                assert!(frame.len() <= limit);
                frames.push(frame.to_vec());
            });
        }
        (frames, decoder.rejected())
    };
    assert_eq!(frames_of(piece), frames_of(stream.len()), "pieces make a difference");
}

fn round_trip(frame: &[u8]) {
    let mut lines = Vec::new();
    encode(frame, &mut lines);
    assert!(lines.split_inclusive(|byte| *byte == b'\n').all(|line| line.len() <= 128));
    let mut frames = Vec::new();
    Decoder::new(65_535).feed(&lines, |frame| frames.push(frame.to_vec()));
    if !frame.is_empty() {
        assert_eq!(frames, [frame]);
    }
}
