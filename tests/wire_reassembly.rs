//! Reassembly on a link that loses pieces: a loss costs the frame it hit and no other one.

use proptest::prelude::*;
use smpfota::smp::reassembly::Reassembly;

fn frame(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 0];
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend([0, 1, sequence, 0]);
    frame.extend(body);
    frame
}

/// `{"rc":0,"off":n}` in one piece.
fn short(sequence: u8, off: u8) -> Vec<u8> {
    frame(sequence, &[0xbf, 0x62, b'r', b'c', 0, 0x63, b'o', b'f', b'f', 0x18, off, 0xff])
}

/// `{"r": text}` of `length` letters.
fn long(sequence: u8, length: u8) -> Vec<u8> {
    let mut body = vec![0xbf, 0x61, b'r', 0x78, length];
    body.extend(vec![b'x'; usize::from(length)]);
    body.push(0xff);
    frame(sequence, &body)
}

#[derive(Debug, Clone)]
enum Event {
    /// A frame that fits one piece and arrives.
    Short(u8, u8),
    /// A frame of several pieces of which the last ones are lost.
    TailLost { sequence: u8, length: u8, piece: usize, arrived: usize },
    /// A frame of several pieces that all arrive.
    Long { sequence: u8, length: u8, piece: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let lengths = (any::<u8>(), 24u8..=255, 8usize..60);
    prop_oneof![
        (any::<u8>(), 24u8..=255).prop_map(|(sequence, off)| Event::Short(sequence, off)),
        (lengths.clone(), 1usize..20).prop_map(|((sequence, length, piece), arrived)| Event::TailLost {
            sequence,
            length,
            piece,
            arrived
        }),
        lengths.prop_map(|(sequence, length, piece)| Event::Long { sequence, length, piece }),
    ]
}

proptest! {
    #[test]
    fn frames_in_one_piece_always_come_out(events in prop::collection::vec(event(), 1..30)) {
        let mut reassembly = Reassembly::new(512);
        let mut out: Vec<Vec<u8>> = Vec::new();
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut whole_pieces: Vec<Vec<u8>> = Vec::new();
        let mut torn = false;
        for (now, event) in events.into_iter().enumerate() {
            let mut feed = |piece: &[u8]| {
                reassembly.feed(now as u64, piece, |frame| {
                    out.push([&frame.header.encode()[..], frame.body].concat());
                });
            };
            match event {
                Event::Short(sequence, off) => {
                    let bytes = short(sequence, off);
                    feed(&bytes);
                    whole_pieces.push(bytes.clone());
                    sent.push(bytes);
                    torn = false;
                }
                Event::TailLost { sequence, length, piece, arrived } => {
                    let bytes = long(sequence, length);
                    let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
                    for piece in &pieces[..arrived.min(pieces.len() - 1)] {
                        feed(piece);
                    }
                    torn = true;
                }
                Event::Long { sequence, length, piece } => {
                    let bytes = long(sequence, length);
                    for piece in bytes.chunks(piece) {
                        feed(piece);
                    }
                    // Behind a torn frame it may be hit as well, for its pieces look like the missing ones.
                    if !torn {
                        whole_pieces.push(bytes.clone());
                    }
                    sent.push(bytes);
                }
            }
        }
        let mut rest = out.iter();
        for expected in &whole_pieces {
            prop_assert!(rest.any(|frame| frame == expected), "lost {expected:02x?}");
        }
    }
}

#[test]
fn what_follows_a_frame_found_within_a_torn_one_is_not_lost() {
    // The end of a long frame is lost, and the next feeds seem to be its body: they hold one frame and most of another.
    let (torn, whole, next) = (long(1, 120), short(2, 40), long(3, 90));
    for arrived in 8..40 {
        for cut in 1..next.len() {
            let mut reassembly = Reassembly::new(512);
            let mut out = Vec::new();
            let feeds = [torn[..arrived].to_vec(), [&whole, &next[..cut]].concat(), next[cut..].to_vec()];
            let mut discarded = 0;
            for (now, feed) in (0u64..).zip(&feeds) {
                discarded += reassembly.feed(now, feed, |frame| out.push(frame.header.sequence));
            }
            let bytes: usize = feeds.iter().map(Vec::len).sum();
            let taken: usize =
                out.iter().map(|n| [0, torn.len(), whole.len(), next.len()][usize::from(*n)]).sum();
            assert!(taken + discarded == bytes || !reassembly.is_empty(), "{arrived} {cut}: {out:?}");
            if arrived + feeds[1].len() + feeds[2].len() >= torn.len() {
                assert_eq!(out, [2, 3], "{arrived} {cut}");
            }
        }
    }
}
