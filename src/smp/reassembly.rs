//! Putting frames together from the pieces in which a carrier delivers them.
//!
//! A server sends a response in notifications of ATT MTU - 3 bytes, and gateways join, split, repeat and lose them. SMP
//! has no sync word, so the rules are:
//!
//! 1. A frame starts at the start of a feed or right behind a complete frame, with a plausible response header: operation
//!    1 or 3, reserved bits 0, not longer than the limit. Anything else is garbage up to the end of the feed.
//! 2. A frame that lies whole in one feed is handed over in place.
//! 3. The unfinished end of a feed is kept, and the next feed continues it.
//! 4. Half a frame is dropped when nothing continued it for [`HALF_FRAME_MS`].
//! 5. Where a piece was lost, the next frame seems to continue the half one. A feed that starts with a whole well-formed
//!    frame is therefore taken as such, and the half one is dropped. A feed that starts like a header is remembered as a
//!    possible restart, should the joined bytes turn out not to be a well-formed frame.
//!
//! "Well-formed" is a header with version 0 or 1 and no flags before a body that is one CBOR map with text keys, to the
//! byte; groups from 64 on may hold anything.
//! It decides only between two readings: a frame that has no rival is handed over whatever its body holds.

use super::cbor;
use super::frame::Frame;
use super::group;
use super::header::{HEADER_LEN, Header};

/// How long half a frame waits for its next piece, in milliseconds.
pub const HALF_FRAME_MS: u64 = 30_000;

/// The capacity in bytes that an emptied buffer keeps, so that short split responses do not allocate again and an idle
/// session stays small.
const KEEP: usize = 128;

/// The time of a half frame that came in another process.
const OTHER_CLOCK: u64 = u64::MAX;

/// Collects the bytes of a link and hands over whole frames. Owns at most `limit` bytes, and none before half a frame came.
#[derive(Debug, Clone, Default)]
pub struct Reassembly {
    limit: u32,
    /// There from the first half frame on; most answers come whole, and a fleet has many sessions.
    half: Option<Box<Half>>,
}

/// A frame whose end is still to come.
#[derive(Debug, Clone, Default)]
struct Half {
    /// Never longer than the frame that its header announces; empty when there is none.
    bytes: Vec<u8>,
    /// When its last piece arrived; [`OTHER_CLOCK`] while nobody knows.
    since_ms: u64,
    /// Where in `bytes` a feed began that looks like a header itself; 0 for none.
    restart: usize,
}

/// What became of half a frame in a feed.
enum Joined {
    /// It took the whole feed and is still half a frame.
    Waiting,
    /// It took this many bytes of the feed and is complete.
    Complete(usize),
    /// It gave way; this feed starts a frame of its own.
    Fresh,
}

impl Reassembly {
    /// Accepts frames of up to `limit` bytes, header included. Allocates nothing.
    pub const fn new(limit: usize) -> Reassembly {
        // No frame is longer than its header can say.
        let limit = if limit < HEADER_LEN + 0xffff { limit } else { HEADER_LEN + 0xffff };
        Reassembly { limit: limit as u32, half: None }
    }

    /// Takes what arrived at `now_ms` and calls `on_frame` for each complete frame, in order.
    ///
    /// Returns how many bytes were discarded as garbage, an abandoned half frame among them. Any bytes are accepted.
    pub fn feed(&mut self, now_ms: u64, bytes: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> usize {
        let mut discarded = 0;
        let mut rest = bytes;
        let limit = self.limit as usize;
        if let Some(half) = &mut self.half
            && !half.bytes.is_empty()
        {
            if now_ms.saturating_sub(half.since_ms) > HALF_FRAME_MS {
                discarded += half.drop_bytes();
            } else if !bytes.is_empty() {
                half.since_ms = now_ms;
                // More than once where what was taken for the body of a longer frame turns out to hold frames itself.
                while !half.bytes.is_empty() {
                    let starts_feed = rest.len() == bytes.len();
                    match half.join(rest, starts_feed, limit, &mut discarded) {
                        Joined::Waiting => return discarded,
                        Joined::Complete(taken) => {
                            if let Some((frame, _)) = Frame::split_first(&half.bytes) {
                                on_frame(frame);
                            }
                            half.drop_frame();
                            rest = &rest[taken..];
                        }
                        Joined::Fresh => break,
                    }
                }
            }
        }
        while !rest.is_empty() {
            if !is_plausible(rest, limit) {
                return discarded + rest.len();
            }
            match Frame::split_first(rest) {
                Some((frame, after)) => {
                    on_frame(frame);
                    rest = after;
                }
                None => {
                    let half = self.half.get_or_insert_default();
                    half.since_ms = now_ms;
                    half.keep(rest, limit);
                    break;
                }
            }
        }
        discarded
    }

    /// Forgets the half frame, as after a link that went down.
    pub fn clear(&mut self) {
        if let Some(half) = &mut self.half {
            half.drop_bytes();
        }
    }

    /// Whether no half frame is kept.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.half.as_ref().is_none_or(|half| half.bytes.is_empty())
    }

    /// Appends the half frame, for another process to [`Reassembly::load`]: four bytes (where it may start anew, little-endian)
    /// and what came of it.
    pub fn save(&self, out: &mut Vec<u8>) {
        if let Some(half) = &self.half {
            out.extend_from_slice(&(half.restart as u32).to_le_bytes());
            out.extend_from_slice(&half.bytes);
        }
    }

    /// Goes on with a half frame that [`Reassembly::save`] wrote. It waits for its next piece from the first time that
    /// [`Reassembly::adopt_clock`] or [`Reassembly::feed`] is told. False, and nothing changes, when these bytes are no half
    /// frame.
    pub fn load(&mut self, saved: &[u8]) -> bool {
        let Some((restart, bytes)) = saved.split_first_chunk() else { return false };
        let restart = u32::from_le_bytes(*restart) as usize;
        let limit = self.limit as usize;
        let is_half = !bytes.is_empty() && is_plausible(bytes, limit) && Frame::split_first(bytes).is_none();
        if !is_half || restart >= bytes.len() {
            return false;
        }
        self.half = Some(Box::new(Half { bytes: bytes.to_vec(), since_ms: OTHER_CLOCK, restart }));
        true
    }

    /// A half frame that another process saved is as old as the first time in this one.
    pub fn adopt_clock(&mut self, now_ms: u64) {
        if let Some(half) = &mut self.half
            && half.since_ms == OTHER_CLOCK
        {
            half.since_ms = now_ms;
        }
    }
}

impl Half {
    /// Continues the half frame with a feed. What it gives up is added to `discarded`.
    ///
    /// `starts_feed` is false for the rest of a feed whose beginning stands in the half frame already.
    fn join(&mut self, bytes: &[u8], starts_feed: bool, limit: usize, discarded: &mut usize) -> Joined {
        let mut before = self.bytes.len();
        let fresh = starts_feed && starts_frame(bytes, limit);
        if fresh && is_well_formed(bytes) {
            *discarded += self.drop_bytes();
            return Joined::Fresh;
        }
        if fresh && self.restart == 0 {
            self.restart = before;
        }
        let mut taken = 0;
        loop {
            taken += self.keep(&bytes[taken..], limit);
            if is_plausible(&self.bytes, limit) {
                match Frame::split_first(&self.bytes) {
                    None => return Joined::Waiting,
                    Some(_) if self.restart == 0 || is_well_formed(&self.bytes) => {
                        return Joined::Complete(taken);
                    }
                    Some(_) => {}
                }
            }
            if self.restart == 0 || self.restart == before {
                // The feed is judged by itself, and garbage in it is counted there.
                self.bytes.truncate(before);
                *discarded += self.drop_bytes();
                return Joined::Fresh;
            }
            *discarded += self.restart;
            self.bytes.drain(..self.restart);
            before -= self.restart;
            self.restart = if fresh { before } else { 0 };
        }
    }

    /// Moves as many bytes into the half frame as it lacks, and says how many.
    fn keep(&mut self, bytes: &[u8], limit: usize) -> usize {
        let mut taken = 0;
        // Twice at most: up to the end of the header, then up to the end of the frame it announces.
        loop {
            let held = self.bytes.len();
            let whole = match Header::decode(&self.bytes) {
                Some(header) if header.frame_len() <= limit => header.frame_len(),
                Some(_) => held,
                None if held < HEADER_LEN => HEADER_LEN,
                None => held,
            };
            let lacking = whole.saturating_sub(held);
            let piece = &bytes[taken..][..lacking.min(bytes.len() - taken)];
            if piece.is_empty() {
                return taken;
            }
            // Doubling, but never beyond the frame: a length that is only claimed allocates nothing.
            self.bytes.reserve_exact(lacking.min(piece.len().max(held)));
            self.bytes.extend_from_slice(piece);
            taken += piece.len();
        }
    }

    /// Forgets the complete frame at the start; what stands behind it is half a frame again.
    fn drop_frame(&mut self) {
        let whole = Header::decode(&self.bytes).map_or(0, |header| header.frame_len());
        if whole == 0 || whole >= self.bytes.len() {
            self.drop_bytes();
        } else {
            self.bytes.drain(..whole);
            self.restart = 0;
        }
    }

    fn drop_bytes(&mut self) -> usize {
        let dropped = self.bytes.len();
        self.restart = 0;
        if self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
        dropped
    }
}

/// Whether a response of at most `limit` bytes may start with `bytes`, as far as they go.
#[inline]
fn is_plausible(bytes: &[u8], limit: usize) -> bool {
    let Some(&first) = bytes.first() else { return true };
    let is_response = first & 0xe0 == 0 && matches!(first & 0x07, 1 | 3);
    let length = match bytes {
        [_, _, high, low, ..] => HEADER_LEN + usize::from(u16::from_be_bytes([*high, *low])),
        _ => HEADER_LEN,
    };
    is_response && length <= limit
}

/// Whether `bytes` start with a whole header that is plausible beyond doubt, for it may lie inside another frame.
fn starts_frame(bytes: &[u8], limit: usize) -> bool {
    is_plausible(bytes, limit) && Header::decode(bytes).is_some_and(|header| is_usual(&header))
}

/// Whether the fields that a server always sets alike are as servers set them.
fn is_usual(header: &Header) -> bool {
    header.version <= 1 && header.flags == 0
}

/// Whether `bytes` start with a complete frame whose body is what its group allows.
fn is_well_formed(bytes: &[u8]) -> bool {
    Frame::split_first(bytes).is_some_and(|(frame, _)| {
        let holds_anything = frame.header.group >= group::VENDOR_FIRST;
        is_usual(&frame.header) && (holds_anything || cbor::is_exact_map(frame.body))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 512;

    fn frame(first: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0, 0, 0, 0, 1, sequence, 1];
        frame[2..4].copy_from_slice(&(body.len() as u16).to_be_bytes());
        frame.extend(body);
        frame
    }

    /// `{"rc":0,"off":n}` as a server sends it.
    fn answer(sequence: u8) -> Vec<u8> {
        frame(3, sequence, b"\xbf\x62rc\x00\x63off\x18\xa0\xff")
    }

    /// An answer of several notifications: `{"r": 200 letters}`.
    fn long_answer(sequence: u8) -> Vec<u8> {
        let mut body = b"\xa1\x61r\x78\xc8".to_vec();
        body.extend([b'x'; 200]);
        frame(1, sequence, &body)
    }

    /// Feeds the pieces one millisecond apart; the sequence numbers that came out, and what was discarded.
    fn run(pieces: &[&[u8]]) -> (Vec<u8>, usize, Reassembly) {
        let mut reassembly = Reassembly::new(LIMIT);
        let (mut out, mut discarded) = (Vec::new(), 0);
        for (now, piece) in pieces.iter().enumerate() {
            discarded += reassembly.feed(now as u64, piece, |frame| out.push(frame.header.sequence));
        }
        (out, discarded, reassembly)
    }

    /// What is shown, the pieces fed, the sequence numbers that come out, the bytes discarded.
    type Row<'a> = (&'a str, Vec<&'a [u8]>, &'a [u8], usize);

    #[test]
    fn frames_come_out_of_every_packing() {
        let (a, b, long) = (answer(1), answer(2), long_answer(3));
        let all = [a.clone(), b.clone(), long.clone()].concat();
        let table: &[(Row<'_>, bool)] = &[
            (("one feed, one frame", vec![&a], &[1], 0), true),
            (("three frames in a feed", vec![&all], &[1, 2, 3], 0), true),
            (("cut inside the header", vec![&a[..3], &a[3..]], &[1], 0), true),
            (("cut behind the header", vec![&a[..8], &a[8..]], &[1], 0), true),
            (("cut twice inside the header", vec![&a[..1], &a[1..2], &a[2..]], &[1], 0), true),
            (("in the middle of the second", vec![&all[..30], &all[30..]], &[1, 2, 3], 0), true),
            (("an empty feed between", vec![&a[..9], &[], &a[9..]], &[1], 0), true),
            (("half a frame stays", vec![&a[..9]], &[], 0), false),
            (("a request is no response", vec![&[2, 0, 0, 1, 0, 1, 0, 1, 0xa0]], &[], 9), true),
            (("reserved bits", vec![&[0x23, 0, 0, 1, 0, 1, 0, 1, 0xa0]], &[], 9), true),
            (("longer than the limit", vec![&[3, 0, 2, 0, 0, 1, 0, 1, 0xa0]], &[], 9), true),
            (("garbage, then a frame", vec![b"OK\r\n", &a], &[1], 4), true),
            (("garbage behind a frame ends with the feed", vec![&all[..20], b"+++", &b], &[1, 2], 3), true),
        ];
        for ((name, pieces, expected, discarded), empty) in table {
            let (out, dropped, reassembly) = run(pieces);
            assert_eq!((&out[..], dropped, reassembly.is_empty()), (*expected, *discarded, *empty), "{name}");
        }
    }

    #[test]
    fn a_lost_piece_costs_one_frame() {
        let (a, b, long, next) = (answer(1), answer(2), long_answer(3), long_answer(4));
        let table: &[Row<'_>] = &[
            ("the tail is lost and a short frame follows", vec![&long[..100], &a], &[1], 100),
            ("several short frames follow", vec![&long[..100], &a, &b], &[1, 2], 100),
            ("the tail is lost and the next frame completes it", vec![&long[..200], &a], &[1], 200),
            ("the next frame comes in pieces", vec![&long[..200], &next[..100], &next[100..]], &[4], 200),
            (
                "with its tail in two",
                vec![&long[..100], &next[..90], &next[90..120], &next[120..]],
                &[4],
                100,
            ),
            ("half a header, then a frame", vec![&a[..5], &b], &[2], 5),
            ("one byte, then a frame", vec![&a[..1], &b], &[2], 1),
            ("a middle piece is lost", vec![&long[..60], &long[120..], &a, &b], &[1, 2], 153),
        ];
        for (name, pieces, expected, discarded) in table {
            let (out, dropped, _) = run(pieces);
            assert_eq!((&out[..], dropped), (*expected, *discarded), "{name}");
        }
    }

    #[test]
    fn a_frame_without_a_rival_is_handed_over_whatever_it_holds() {
        let odd = frame(3, 9, &[0xff; 12]);
        assert_eq!(run(&[&odd]).0, [9]);
        assert_eq!(run(&[&odd[..10], &odd[10..]]).0, [9]);
        assert_eq!(run(&[&frame(3, 7, &[])]).0, [7]);
    }

    #[test]
    fn half_a_frame_is_dropped_after_the_wait() {
        let (a, b) = (answer(1), answer(2));
        for (wait, expected, discarded) in [(HALF_FRAME_MS, &[1u8][..], 0), (HALF_FRAME_MS + 1, &[], 20)] {
            let mut reassembly = Reassembly::new(LIMIT);
            let mut out = Vec::new();
            let mut dropped = reassembly.feed(5, &a[..9], |frame| out.push(frame.header.sequence));
            dropped += reassembly.feed(5 + wait, &a[9..], |frame| out.push(frame.header.sequence));
            assert_eq!((&out[..], dropped), (expected, discarded), "{wait}");
            reassembly.feed(6 + wait, &b, |frame| out.push(frame.header.sequence));
            assert_eq!(out.last(), Some(&2));
        }
    }

    /// As `run`, with a fresh reassembly after every piece.
    fn run_in_lives(pieces: &[&[u8]]) -> (Vec<u8>, usize) {
        let mut reassembly = Reassembly::new(LIMIT);
        let (mut out, mut discarded) = (Vec::new(), 0);
        for (now, piece) in pieces.iter().enumerate() {
            // Every life has a clock of its own.
            let now = (now as u64 % 3) * 1_000_000_000;
            discarded += reassembly.feed(now, piece, |frame| out.push(frame.header.sequence));
            let mut saved = Vec::new();
            reassembly.save(&mut saved);
            let mut next = Reassembly::new(LIMIT);
            assert_eq!(next.load(&saved), !reassembly.is_empty());
            reassembly = next;
        }
        (out, discarded)
    }

    #[test]
    fn a_half_frame_goes_on_in_another_process() {
        let (a, b, long, next) = (answer(1), answer(2), long_answer(3), long_answer(4));
        let table: &[Vec<&[u8]>] = &[
            vec![&a],
            vec![&long[..1], &long[1..7], &long[7..8], &long[8..200], &long[200..], &a],
            vec![&long[..100], &a, &b],
            vec![&long[..200], &next[..100], &next[100..], &b],
            vec![&long[..100], &next[..90], &next[90..120], &next[120..]],
            vec![&long[..150], &long[..150], &long[150..], &long[150..]],
            vec![&a[..5], &b],
        ];
        for (row, pieces) in table.iter().enumerate() {
            let (out, discarded, _) = run(pieces);
            assert_eq!(run_in_lives(pieces), (out, discarded), "{row}");
        }
    }

    #[test]
    fn a_half_frame_of_another_process_waits_as_long_as_its_own() {
        let a = answer(1);
        let mut saved = vec![0; 4];
        saved.extend(&a[..9]);
        for (wait, expected) in [(HALF_FRAME_MS, &[1u8][..]), (HALF_FRAME_MS + 1, &[])] {
            let mut reassembly = Reassembly::new(LIMIT);
            assert!(reassembly.load(&saved));
            reassembly.adopt_clock(7_000_000);
            reassembly.adopt_clock(9_000_000);
            let mut out = Vec::new();
            reassembly.feed(7_000_000 + wait, &a[9..], |frame| out.push(frame.header.sequence));
            assert_eq!(out, expected, "{wait} ms");
        }
    }

    #[test]
    fn what_is_no_half_frame_is_not_taken() {
        let a = answer(1);
        let table: &[(&str, u8, &[u8])] = &[
            ("no bytes", 0, &[]),
            ("a whole frame", 0, &a),
            ("a request", 0, &[2, 0, 0, 9]),
            ("longer than the limit", 0, &[3, 0, 2, 0, 0, 1, 0, 1, 0xa0]),
            ("a new start behind the end", 9, &a[..9]),
        ];
        for (name, restart, bytes) in table {
            let mut reassembly = Reassembly::new(LIMIT);
            assert!(!reassembly.load(&[&[*restart, 0, 0, 0], *bytes].concat()), "{name}");
            assert!(reassembly.is_empty(), "{name}");
        }
        assert!(!Reassembly::new(LIMIT).load(&[0, 0, 0]));
    }

    #[test]
    fn clear_forgets_the_half_frame() {
        let a = answer(1);
        let mut reassembly = Reassembly::new(LIMIT);
        reassembly.feed(0, &a[..9], |_| ());
        assert!(!reassembly.is_empty());
        reassembly.clear();
        assert!(reassembly.is_empty());
        let mut out = 0;
        assert_eq!(reassembly.feed(1, &a, |_| out += 1), 0);
        assert_eq!(out, 1);
    }

    #[test]
    fn whole_frames_are_handed_over_in_place_without_memory() {
        let bytes = [answer(1), answer(2)].concat();
        let mut reassembly = Reassembly::new(LIMIT);
        let mut bodies = Vec::new();
        reassembly.feed(0, &bytes, |frame| bodies.push(frame.body.as_ptr() as usize));
        assert_eq!(bodies, [bytes[8..].as_ptr() as usize, bytes[28..].as_ptr() as usize]);
        assert!(reassembly.half.is_none());
    }

    fn good_frame() -> impl Strategy<Value = Vec<u8>> {
        (any::<bool>(), any::<u8>(), "[a-z]{0,60}").prop_map(|(write, sequence, text)| {
            let mut body = vec![0xbf, 0x61, b'r', 0x78, text.len() as u8];
            body.extend(text.bytes());
            body.push(0xff);
            frame(if write { 3 } else { 9 }, sequence, &body)
        })
    }

    proptest! {
        #[test]
        fn good_frames_come_out_whole_in_any_split(
            frames in prop::collection::vec(good_frame(), 1..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = frames.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut reassembly = Reassembly::new(LIMIT);
            let mut out = Vec::new();
            for (now, pair) in cuts.windows(2).enumerate() {
                let discarded = reassembly.feed(now as u64, &bytes[pair[0]..pair[1]], |frame| {
                    out.push([&frame.header.encode()[..], frame.body].concat());
                });
                prop_assert_eq!(discarded, 0);
            }
            prop_assert_eq!(out, frames);
            prop_assert!(reassembly.is_empty());
        }

        #[test]
        fn any_bytes_are_taken_and_none_is_lost_count_of(
            feeds in prop::collection::vec(
                (
                    any::<u16>(),
                    prop_oneof![
                        prop::collection::vec(any::<u8>(), 0..40),
                        prop::collection::vec(0u8..4, 0..40),
                        good_frame(),
                    ],
                ),
                0..20,
            ),
            limit in 0usize..80,
        ) {
            let mut reassembly = Reassembly::new(limit);
            let (mut now, mut fed, mut out, mut discarded) = (0u64, 0, 0, 0);
            for (wait, bytes) in feeds {
                now += u64::from(wait);
                fed += bytes.len();
                discarded += reassembly.feed(now, &bytes, |frame| {
                    assert!(frame.header.frame_len() <= limit);
                    assert_eq!(frame.body.len(), usize::from(frame.header.length));
                    out += frame.header.frame_len();
                });
                let half = reassembly.half.as_deref().map_or(&[][..], |half| &half.bytes);
                prop_assert_eq!(fed, out + discarded + half.len());
                let capacity = reassembly.half.as_ref().map_or(0, |half| half.bytes.capacity());
                prop_assert!(capacity <= limit + HEADER_LEN);
            }
        }
    }
}
