//! The framing of SMP over a console or UART (Zephyr `subsys/mgmt/mcumgr/transport/src/serial_util.c`; MCUboot's serial
//! recovery speaks the same).
//!
//! A packet is `be16(length of frame + 2) | frame | be16(CRC-16/XMODEM of frame)`. It travels in lines of at most 127 bytes:
//! a marker of two bytes (06 09 for the first line, 04 14 for the others), up to 124 characters of base64 (93 bytes of the
//! packet), a newline. Every line is base64 of its own. Log text may stand between the lines.

use super::crc16;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The longest line in bytes, newline included (`MCUMGR_SERIAL_MAX_FRAME`).
pub const MAX_LINE: usize = 127;

/// The longest frame in bytes that the 16-bit length can announce.
pub const MAX_FRAME: usize = u16::MAX as usize - CRC_LEN;

const FIRST: [u8; 2] = [0x06, 0x09];
const NEXT: [u8; 2] = [0x04, 0x14];
const LENGTH_LEN: usize = 2;
const CRC_LEN: usize = 2;
/// The capacity in bytes that an emptied packet keeps, so that the answers of an upload do not allocate again and an idle
/// session stays small.
const KEEP: usize = 128;
/// Bytes of the packet in a full line: `(127 - marker - newline) / 4 * 3`.
const RAW_PER_LINE: usize = (MAX_LINE - 3) / 4 * 3;

/// Zephyr pads; a peer that does not is understood all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One line, ready to be written: marker, base64, newline.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    bytes: [u8; MAX_LINE],
    length: usize,
}

impl Line {
    /// The bytes to write, at most [`MAX_LINE`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// How many lines a frame of this length takes; 0 when it is longer than [`MAX_FRAME`].
pub const fn line_count(frame_len: usize) -> usize {
    if frame_len > MAX_FRAME { 0 } else { (frame_len + LENGTH_LEN + CRC_LEN).div_ceil(RAW_PER_LINE) }
}

/// How many bytes all lines of a frame of this length have together; 0 when it is longer than [`MAX_FRAME`].
pub const fn encoded_len(frame_len: usize) -> usize {
    if frame_len > MAX_FRAME {
        return 0;
    }
    let raw = frame_len + LENGTH_LEN + CRC_LEN;
    let last = match raw % RAW_PER_LINE {
        0 => 0,
        rest => rest.div_ceil(3) * 4 + 3,
    };
    raw / RAW_PER_LINE * MAX_LINE + last
}

/// The line with this index, from 0; `None` behind the last one. Allocates nothing.
pub fn line(frame: &[u8], index: usize) -> Option<Line> {
    if index >= line_count(frame.len()) {
        return None;
    }
    let total = frame.len() + LENGTH_LEN + CRC_LEN;
    let start = index * RAW_PER_LINE;
    let end = total.min(start + RAW_PER_LINE);
    let length = ((frame.len() + CRC_LEN) as u16).to_be_bytes();
    let frame_end = LENGTH_LEN + frame.len();
    let crc = if end > frame_end { crc16::checksum(frame).to_be_bytes() } else { [0; CRC_LEN] };

    // The three parts of the packet, each as far as it lies in this line.
    let mut raw = [0; RAW_PER_LINE];
    let mut filled = 0;
    for (part, from) in [(&length[..], 0), (frame, LENGTH_LEN), (&crc[..], frame_end)] {
        let first = start.max(from).min(from + part.len()) - from;
        let last = end.max(from).min(from + part.len()) - from;
        let piece = &part[first..last];
        raw[filled..][..piece.len()].copy_from_slice(piece);
        filled += piece.len();
    }

    let mut line = Line { bytes: [0; MAX_LINE], length: 0 };
    line.bytes[..2].copy_from_slice(if index == 0 { &FIRST } else { &NEXT });
    // 93 bytes become 124 characters, so this fits.
    let characters = BASE64.encode_slice(&raw[..filled], &mut line.bytes[2..]).unwrap_or(0);
    line.bytes[2 + characters] = b'\n';
    line.length = characters + 3;
    Some(line)
}

/// The lines of a frame, one after the other, without allocating.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    frame: &'a [u8],
    next: usize,
}

impl<'a> Lines<'a> {
    /// The lines of `frame`; none when it is longer than [`MAX_FRAME`].
    pub const fn new(frame: &'a [u8]) -> Lines<'a> {
        Lines { frame, next: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let line = line(self.frame, self.next)?;
        self.next += 1;
        Some(line)
    }
}

/// Appends all lines of `frame` to `out`; nothing when it is longer than [`MAX_FRAME`].
pub fn encode(frame: &[u8], out: &mut Vec<u8>) {
    out.reserve(encoded_len(frame.len()));
    for line in Lines::new(frame) {
        out.extend_from_slice(line.as_bytes());
    }
}

/// What a [`Decoder`] threw away, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// Lines that are not base64, mixed with log text for one.
    pub bad_base64: u32,
    /// Packets whose checksum does not fit.
    pub bad_crc: u32,
    /// Packets whose length is below 2 or over the limit, or that hold more than it says.
    pub bad_length: u32,
    /// Packets given up because another one began before their end.
    pub unfinished: u32,
    /// Continuation lines of no packet.
    pub stray: u32,
}

/// Places and flags of a saved packet.
const OUTSIDE: u8 = 0;
const INSIDE: u8 = 1;
const OPEN: u8 = 1;
const PADDED: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Between lines, maybe in log text.
    #[default]
    Outside,
    /// Behind the first byte of a marker.
    Marker(u8),
    /// In the base64 of a line.
    Inside,
}

/// Takes the bytes of a console and gives out the frames among them.
///
/// Lines may come in any pieces and end with LF, CR LF or nothing; text around them is passed over. Owns at most
/// `limit + 2` bytes, and none before the first line.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    limit: usize,
    place: Place,
    /// The group of base64 characters that is being filled.
    quad: [u8; 4],
    quad_len: usize,
    /// Whether the line's base64 has ended with padding.
    padded: bool,
    /// Whether a packet is under way: its first line came.
    open: bool,
    length: [u8; LENGTH_LEN],
    length_len: usize,
    /// Frame and checksum as far as they came.
    packet: Vec<u8>,
    rejected: Rejected,
}

impl Decoder {
    /// Accepts frames of up to `limit` bytes. Allocates nothing.
    pub fn new(limit: usize) -> Decoder {
        Decoder { limit, ..Decoder::default() }
    }

    /// Takes bytes and calls `on_frame` with each frame whose checksum fits. Any bytes are accepted.
    pub fn feed(&mut self, bytes: &[u8], mut on_frame: impl FnMut(&[u8])) {
        for &byte in bytes {
            match (self.place, byte) {
                (Place::Marker(first), _) if [first, byte] == FIRST => self.first_line(),
                (Place::Marker(first), _) if [first, byte] == NEXT => self.next_line(),
                (Place::Inside, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=') => {
                    self.quad[self.quad_len] = byte;
                    self.quad_len += 1;
                    if self.quad_len == self.quad.len() {
                        self.end_of_quad(&mut on_frame);
                    }
                }
                (Place::Inside, b'\r' | b'\n') => {
                    self.place = Place::Outside;
                    self.end_of_quad(&mut on_frame);
                }
                (place, _) if byte == FIRST[0] || byte == NEXT[0] => {
                    // A marker ends the line too, should its newline be lost.
                    if place == Place::Inside {
                        self.end_of_quad(&mut on_frame);
                    }
                    self.place = Place::Marker(byte);
                }
                (Place::Inside, _) => {
                    self.rejected.bad_base64 = self.rejected.bad_base64.saturating_add(1);
                    self.close();
                }
                _ => self.place = Place::Outside,
            }
        }
    }

    /// Forgets the packet under way; the counters stay.
    pub fn clear(&mut self) {
        self.close();
    }

    /// What was thrown away since the decoder was made.
    pub fn rejected(&self) -> Rejected {
        self.rejected
    }

    /// Whether nothing of a packet has come, not even half a marker.
    pub fn is_empty(&self) -> bool {
        !self.open && !matches!(self.place, Place::Marker(_))
    }

    /// Appends the packet under way, for another process to [`Decoder::load`]: the place in the line (0 outside, 1 in the
    /// base64, else the first byte of a marker), flags (1 a packet is under way, 2 its line ended with padding), the number of
    /// characters of an unfinished base64 group and three bytes for them, then what came of the packet, its length first.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.push(match self.place {
            Place::Outside => OUTSIDE,
            Place::Inside => INSIDE,
            Place::Marker(first) => first,
        });
        out.push(if self.open { OPEN } else { 0 } | if self.padded { PADDED } else { 0 });
        out.push(self.quad_len as u8);
        out.extend((0..3).map(|place| if place < self.quad_len { self.quad[place] } else { 0 }));
        out.extend_from_slice(&self.length[..self.length_len]);
        out.extend_from_slice(&self.packet);
    }

    /// Goes on with a packet that [`Decoder::save`] wrote. False, and nothing changes, when these bytes are none.
    pub fn load(&mut self, saved: &[u8]) -> bool {
        let &[place, flags, quad_len, a, b, c, ref came @ ..] = saved else { return false };
        let place = match place {
            OUTSIDE => Place::Outside,
            INSIDE => Place::Inside,
            first if first == FIRST[0] || first == NEXT[0] => Place::Marker(first),
            _ => return false,
        };
        let open = flags & OPEN != 0;
        if flags > OPEN | PADDED || quad_len > 3 || (!open && (!came.is_empty() || place == Place::Inside)) {
            return false;
        }
        let mut decoder = Decoder { place, quad_len: quad_len.into(), open, ..Decoder::new(self.limit) };
        decoder.padded = flags & PADDED != 0;
        decoder.quad = [a, b, c, 0];
        for &byte in came {
            if !decoder.take(byte) {
                return false;
            }
        }
        if decoder.is_empty()
            || (decoder.length_len == LENGTH_LEN && decoder.packet.len() == decoder.announced())
        {
            return false;
        }
        decoder.rejected = self.rejected;
        *self = decoder;
        true
    }

    fn first_line(&mut self) {
        if self.open {
            self.rejected.unfinished = self.rejected.unfinished.saturating_add(1);
            self.close();
        }
        self.open = true;
        self.begin_line();
    }

    fn next_line(&mut self) {
        if self.open {
            self.begin_line();
        } else {
            self.rejected.stray = self.rejected.stray.saturating_add(1);
            self.place = Place::Outside;
        }
    }

    fn begin_line(&mut self) {
        self.place = Place::Inside;
        self.quad_len = 0;
        self.padded = false;
    }

    fn close(&mut self) {
        self.place = Place::Outside;
        self.open = false;
        self.length_len = 0;
        self.quad_len = 0;
        if self.packet.capacity() > KEEP {
            self.packet = Vec::new();
        } else {
            self.packet.clear();
        }
    }

    fn end_of_quad(&mut self, on_frame: &mut impl FnMut(&[u8])) {
        if self.quad_len == 0 {
            return;
        }
        let mut raw = [0; 3];
        let decoded = BASE64.decode_slice(&self.quad[..self.quad_len], &mut raw);
        let (Ok(count), false) = (decoded, self.padded) else {
            self.rejected.bad_base64 = self.rejected.bad_base64.saturating_add(1);
            return self.close();
        };
        self.padded = count < raw.len();
        self.quad_len = 0;
        for &byte in &raw[..count] {
            if !self.take(byte) {
                self.rejected.bad_length = self.rejected.bad_length.saturating_add(1);
                return self.close();
            }
        }
        if self.length_len == LENGTH_LEN && self.packet.len() == self.announced() {
            if crc16::checksum(&self.packet) == 0 {
                on_frame(&self.packet[..self.packet.len() - CRC_LEN]);
            } else {
                self.rejected.bad_crc = self.rejected.bad_crc.saturating_add(1);
            }
            self.close();
        }
    }

    /// Adds a byte of the packet; false when there is no room for it.
    fn take(&mut self, byte: u8) -> bool {
        if self.length_len < LENGTH_LEN {
            self.length[self.length_len] = byte;
            self.length_len += 1;
            let whole = self.length_len == LENGTH_LEN;
            return !whole || (CRC_LEN..=self.limit.saturating_add(CRC_LEN)).contains(&self.announced());
        }
        let room = self.announced() - self.packet.len();
        if room > 0 {
            // Doubling, but never beyond the packet: a length that is only claimed allocates nothing.
            if self.packet.len() == self.packet.capacity() {
                let more = room.min(self.packet.len().max(KEEP));
                let least = if self.packet.is_empty() { KEEP.min(self.limit) } else { 0 };
                self.packet.reserve_exact(more.max(least));
            }
            self.packet.push(byte);
        }
        room > 0
    }

    /// The length of frame and checksum.
    fn announced(&self) -> usize {
        usize::from(u16::from_be_bytes(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(limit: usize, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Rejected) {
        let mut decoder = Decoder::new(limit);
        let mut out = Vec::new();
        for piece in pieces {
            decoder.feed(piece, |frame| out.push(frame.to_vec()));
        }
        (out, decoder.rejected())
    }

    fn encoded(frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(frame, &mut out);
        out
    }

    #[test]
    fn an_echo_request_is_the_line_that_other_tools_send() {
        // Computed with another implementation of base64 and of the CRC.
        let frame = b"\x02\x00\x00\x0a\x00\x00\x01\x00\xbf\x61d\x65hello\xff";
        assert_eq!(encoded(frame), b"\x06\x09ABQCAAAKAAABAL9hZGVoZWxsb/9IBQ==\n");
    }

    #[test]
    fn every_length_has_lines_as_long_as_said_and_comes_back() {
        for length in 0..600 {
            let frame: Vec<u8> = (0..length).map(|n| (n * 7) as u8).collect();
            let bytes = encoded(&frame);
            assert_eq!(bytes.len(), encoded_len(length), "{length}");
            let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            assert_eq!(lines.len(), line_count(length));
            for (index, line) in lines.iter().enumerate() {
                assert!(line.len() <= MAX_LINE);
                assert_eq!(line[..2], if index == 0 { FIRST } else { NEXT });
            }
            assert_eq!(run(length, &[&bytes]), (vec![frame], Rejected::default()), "{length}");
        }
    }

    #[test]
    fn the_longest_frame_passes_and_a_longer_one_has_no_lines() {
        let frame = vec![0x5a; MAX_FRAME];
        assert_eq!(run(MAX_FRAME, &[&encoded(&frame)]).0, [frame]);
        assert!(encoded(&vec![0; MAX_FRAME + 1]).is_empty());
        assert_eq!((encoded_len(MAX_FRAME + 1), line_count(MAX_FRAME + 1)), (0, 0));
    }

    /// What is shown, the pieces fed, the frames that come out, what is counted.
    type Row<'a> = (&'a str, Vec<&'a [u8]>, Vec<&'a [u8]>, Rejected);

    #[test]
    fn a_console_is_never_clean() {
        let (short, long) = (vec![1; 20], (0..200).collect::<Vec<u8>>());
        let (a, b) = (encoded(&short), encoded(&long));
        let with_cr = String::from_utf8(b.clone()).expect("ascii").replace('\n', "\r\n").into_bytes();
        let without_padding: Vec<u8> = a.iter().copied().filter(|byte| *byte != b'=').collect();
        let second_line = b.iter().position(|byte| *byte == b'\n').expect("two lines") + 1;
        let log = b"[00:00:01.000,000] <inf> app: alive \x04\x06 \r\n";
        let mut damaged = a.clone();
        damaged[6] = if damaged[6] == b'A' { b'B' } else { b'A' };
        let rejected = Rejected::default();
        let table: &[Row<'_>] = &[
            ("two packets", vec![&a, &b], vec![&short, &long], rejected),
            (
                "log text between lines",
                vec![log, &b[..second_line], log, &b[second_line..], log],
                vec![&long],
                rejected,
            ),
            ("a prompt before the marker", vec![b"uart:~$ ", &a], vec![&short], rejected),
            ("CR LF", vec![&with_cr, &a], vec![&long, &short], rejected),
            ("no newline at the end", vec![&a[..a.len() - 1], &b], vec![&short, &long], rejected),
            ("no padding", vec![&without_padding], vec![&short], rejected),
            ("a marker in two feeds", vec![&a[..1], &a[1..]], vec![&short], rejected),
            ("the first marker byte twice", vec![&a[..1], &a], vec![&short], rejected),
            (
                "a first line in the middle",
                vec![&b[..second_line], &a],
                vec![&short],
                Rejected { unfinished: 1, ..rejected },
            ),
            (
                "a continuation of nothing",
                vec![&b[second_line..], &a],
                vec![&short],
                Rejected { stray: (line_count(200) - 1) as u32, ..rejected },
            ),
            ("a newline lost inside", vec![&b[..second_line - 1], &b[second_line..]], vec![&long], rejected),
            (
                "log text inside a line",
                vec![&a[..9], b"<inf> hi\n", &a[9..], &a],
                vec![&short],
                Rejected { bad_base64: 1, ..rejected },
            ),
            ("a bit flipped", vec![&damaged, &a], vec![&short], Rejected { bad_crc: 1, ..rejected }),
            (
                "padding inside a line",
                vec![b"\x06\x09AA==AAAA\n"],
                vec![],
                Rejected { bad_base64: 1, ..rejected },
            ),
            ("one character alone", vec![b"\x06\x09AAAAA\n"], vec![], Rejected { bad_length: 1, ..rejected }),
            (
                "a length below the checksum",
                vec![b"\x06\x09AAEA\n"],
                vec![],
                Rejected { bad_length: 1, ..rejected },
            ),
            (
                "more than announced",
                vec![b"\x06\x09AAIAAAAA\n"],
                vec![],
                Rejected { bad_length: 1, ..rejected },
            ),
        ];
        for (name, pieces, frames, rejected) in table {
            let (out, counted) = run(300, pieces);
            assert_eq!(
                (&out[..], counted),
                (&frames.iter().map(|f| f.to_vec()).collect::<Vec<_>>()[..], *rejected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_takes_memory() {
        let bytes = encoded(&[0; 101]);
        let mut decoder = Decoder::new(100);
        decoder.feed(&bytes[..20], |_| panic!("no frame"));
        assert_eq!((decoder.rejected().bad_length, decoder.packet.capacity()), (1, 0));
    }

    #[test]
    fn a_packet_goes_on_in_another_decoder_from_every_byte() {
        let frame: Vec<u8> = (0..200).map(|n| n as u8 ^ 0x5a).collect();
        let mut bytes = b"boot\r\n".to_vec();
        bytes.extend(encoded(&frame));
        bytes.extend(b"log\n");
        bytes.extend(encoded(&frame[..7]));
        let (mut decoder, mut out, mut longest) = (Decoder::new(512), Vec::new(), 0);
        for (place, byte) in bytes.iter().enumerate() {
            decoder.feed(&[*byte], |frame| out.push(frame.to_vec()));
            let mut saved = Vec::new();
            decoder.save(&mut saved);
            longest = longest.max(saved.len());
            let mut next = Decoder::new(512);
            assert_eq!(next.load(&saved), !decoder.is_empty(), "{place}");
            for length in 0..6 {
                assert!(!Decoder::new(512).load(&saved[..length]), "{place}: {length} bytes");
            }
            decoder = next;
        }
        assert_eq!(out, [frame.clone(), frame[..7].to_vec()]);
        assert_eq!(decoder.rejected(), Rejected::default());
        assert!((200..212).contains(&longest), "{longest}");
    }

    #[test]
    fn what_is_no_packet_under_way_is_not_taken() {
        let table: &[(&str, &[u8])] = &[
            ("an unknown place", &[9, 1, 0, 0, 0, 0]),
            ("an unknown flag", &[1, 4, 0, 0, 0, 0]),
            ("a whole group", &[1, 1, 4, 65, 65, 65]),
            ("nothing under way", &[0, 0, 0, 0, 0, 0]),
            ("in a line of no packet", &[1, 0, 0, 0, 0, 0]),
            ("bytes of no packet", &[6, 0, 0, 0, 0, 0, 1]),
            ("a length below that of the checksum", &[1, 1, 0, 0, 0, 0, 0, 1]),
            ("a length over the limit", &[1, 1, 0, 0, 0, 0, 0xff, 0xff]),
            ("a whole packet", &[1, 1, 0, 0, 0, 0, 0, 2, 1, 2]),
            ("more than a packet", &[1, 1, 0, 0, 0, 0, 0, 2, 1, 2, 3]),
        ];
        for (name, saved) in table {
            let mut decoder = Decoder::new(512);
            assert!(!decoder.load(saved), "{name}");
            assert!(decoder.is_empty(), "{name}");
        }
    }

    #[test]
    fn clear_gives_up_the_packet_under_way() {
        let bytes = encoded(&[7; 200]);
        let mut decoder = Decoder::new(300);
        decoder.feed(&bytes[..150], |_| panic!("no frame"));
        decoder.clear();
        let mut out = 0;
        decoder.feed(&bytes, |_| out += 1);
        assert_eq!((out, decoder.rejected()), (1, Rejected::default()));
    }

    proptest! {
        #[test]
        fn frames_and_log_text_in_any_pieces(
            parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), "[ -~\r\n]{0,20}"), 1..5),
            piece in 1usize..200,
        ) {
            let mut bytes = Vec::new();
            for (frame, log) in &parts {
                bytes.extend(log.as_bytes());
                encode(frame, &mut bytes);
            }
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            let frames: Vec<Vec<u8>> = parts.into_iter().map(|(frame, _)| frame).collect();
            prop_assert_eq!(run(300, &pieces), (frames, Rejected::default()));
        }

        #[test]
        fn any_bytes_are_taken_within_the_limit(
            feeds in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..60),
                    prop::collection::vec(
                        prop::sample::select(&b"\x06\x09\x04\x14AABCD=\r\n"[..]), 0..120),
                    prop::collection::vec(any::<u8>(), 0..60).prop_map(|frame| encoded(&frame)),
                ],
                0..20,
            ),
            limit in 0usize..80,
        ) {
            let mut decoder = Decoder::new(limit);
            for bytes in feeds {
                decoder.feed(&bytes, |frame| assert!(frame.len() <= limit));
                prop_assert!(decoder.packet.capacity() <= limit + CRC_LEN);
            }
        }
    }
}
