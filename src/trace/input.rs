//! From the bytes of a file to lines or records: encoding, line ends, and what kind of file it is.

use super::assembly::starts_frame;
use super::capture::Format;

/// Longer lines are taken in parts of at most this many bytes.
const LONGEST_PART: usize = 32 * 1024;
/// How many bytes decide what the file is.
const LOOK_AT: usize = 64;
/// What is no text is handed on in parts of this size, so that few lines come of each.
const PART: usize = 2 * 1024;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Utf16 {
        big_endian: bool,
    },
    /// SMP frames one after the other.
    Frames,
    /// Packets of a link or a network.
    Capture(Format),
    /// Compressed or archived, with the word for it.
    Packed(&'static str),
}

/// What comes out of the bytes.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Line(&'a [u8]),
    /// Part of a line that goes on.
    Stretch(&'a [u8]),
    Bytes(&'a [u8]),
    Packets(Format, &'a [u8]),
}

/// Takes a file in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Input {
    kind: Option<Kind>,
    head: Vec<u8>,
    line: Vec<u8>,
    /// The first byte of a pair.
    half: Option<u8>,
    pub(super) bytes: u64,
}

impl Input {
    pub(super) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Takes bytes as long as `wants_more` says so after each part; how many were taken.
    pub(super) fn feed(&mut self, bytes: &[u8], part: &mut dyn FnMut(Part<'_>) -> bool) -> usize {
        let mut taken = 0;
        if self.kind.is_none() {
            let more = (LOOK_AT - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..more]);
            taken = more;
            self.bytes += more as u64;
            if self.head.len() < LOOK_AT {
                return taken;
            }
            self.decide(part);
        }
        while taken < bytes.len() {
            let (used, goes_on) = self.some(&bytes[taken..], part);
            taken += used;
            self.bytes += used as u64;
            if !goes_on {
                break;
            }
        }
        taken
    }

    /// No more bytes come.
    pub(super) fn end(&mut self, part: &mut dyn FnMut(Part<'_>) -> bool) {
        if self.kind.is_none() {
            self.decide(part);
        }
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            part(Part::Line(&line));
        }
    }

    fn decide(&mut self, part: &mut dyn FnMut(Part<'_>) -> bool) {
        let head = std::mem::take(&mut self.head);
        let (kind, skip) = recognise(&head);
        self.kind = Some(kind);
        let mut rest = &head[skip..];
        while !rest.is_empty() {
            let (used, _) = self.some(rest, part);
            rest = &rest[used..];
        }
    }

    /// Takes some bytes: up to the end of a line, or all of them. How many, and whether to go on.
    fn some(&mut self, bytes: &[u8], part: &mut dyn FnMut(Part<'_>) -> bool) -> (usize, bool) {
        match self.kind {
            Some(Kind::Text) | None => self.text(bytes, part),
            Some(Kind::Utf16 { big_endian }) => self.utf16(bytes, big_endian, part),
            Some(Kind::Frames) => {
                let bytes = &bytes[..bytes.len().min(PART)];
                (bytes.len(), part(Part::Bytes(bytes)))
            }
            Some(Kind::Capture(format)) => {
                let bytes = &bytes[..bytes.len().min(PART)];
                (bytes.len(), part(Part::Packets(format, bytes)))
            }
            Some(Kind::Packed(_)) => (bytes.len(), true),
        }
    }

    fn text(&mut self, bytes: &[u8], part: &mut dyn FnMut(Part<'_>) -> bool) -> (usize, bool) {
        let room = LONGEST_PART - self.line.len();
        let end = bytes.iter().take(room).position(|byte| matches!(byte, b'\n' | b'\r'));
        match end {
            Some(end) => {
                self.line.extend_from_slice(&bytes[..end]);
                (end + 1, self.end_line(part))
            }
            None => {
                let used = room.min(bytes.len());
                self.line.extend_from_slice(&bytes[..used]);
                let goes_on = self.line.len() < LONGEST_PART || self.cut_line(part);
                (used, goes_on)
            }
        }
    }

    fn utf16(
        &mut self,
        bytes: &[u8],
        big_endian: bool,
        part: &mut dyn FnMut(Part<'_>) -> bool,
    ) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let unit = if big_endian {
                u16::from_be_bytes([first, *byte])
            } else {
                u16::from_le_bytes([first, *byte])
            };
            match unit {
                0x0a | 0x0d => return (at + 1, self.end_line(part)),
                0xfeff => {}
                // No byte of a frame is written with anything else than ASCII.
                unit => self.line.push(u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?')),
            }
            if self.line.len() == LONGEST_PART {
                return (at + 1, self.cut_line(part));
            }
        }
        (bytes.len(), true)
    }

    fn end_line(&mut self, part: &mut dyn FnMut(Part<'_>) -> bool) -> bool {
        let goes_on = self.line.is_empty() || part(Part::Line(&self.line));
        self.line.clear();
        goes_on
    }

    /// Hands on as much of a long line as ends with a whole word.
    fn cut_line(&mut self, part: &mut dyn FnMut(Part<'_>) -> bool) -> bool {
        let last = |ends: &[u8]| self.line.iter().rposition(|byte| ends.contains(byte)).map(|at| at + 1);
        let end = last(b"]})")
            .filter(|end| *end > LONGEST_PART / 2)
            .or_else(|| last(b"\"'|"))
            .or_else(|| last(b" ,;\t"));
        let end = end.unwrap_or(self.line.len());
        let goes_on = part(Part::Stretch(&self.line[..end]));
        self.line.drain(..end);
        goes_on
    }
}

/// What the file is, and how many bytes of its start are a mark for that.
fn recognise(head: &[u8]) -> (Kind, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return (Kind::Text, 3),
        [0xff, 0xfe, ..] => return (Kind::Utf16 { big_endian: false }, 2),
        [0xfe, 0xff, ..] => return (Kind::Utf16 { big_endian: true }, 2),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => return (Kind::Packed("a zip archive"), 0),
        [0x1f, 0x8b, ..] => return (Kind::Packed("compressed with gzip"), 0),
        _ => {}
    }
    if let Some(format) = Format::of(head) {
        return (Kind::Capture(format), 0);
    }
    let pairs = head.chunks_exact(2);
    let count = pairs.len().max(1);
    let zeros =
        |at: usize| head.chunks_exact(2).filter(|pair| pair[at] == 0 && pair[1 - at] >= b'\t').count();
    if head.len() >= 8 && zeros(1) * 10 >= count * 9 {
        return (Kind::Utf16 { big_endian: false }, 0);
    }
    if head.len() >= 8 && zeros(0) * 10 >= count * 9 {
        return (Kind::Utf16 { big_endian: true }, 0);
    }
    if starts_frame(head) && head[..8].contains(&0) {
        return (Kind::Frames, 0);
    }
    (Kind::Text, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], piece: usize) -> Vec<String> {
        let mut input = Input::default();
        let mut out = Vec::new();
        let mut take = |part: Part<'_>| {
            if let Part::Line(line) | Part::Stretch(line) = part {
                out.push(String::from_utf8_lossy(line).into_owned());
            }
            true
        };
        for piece in bytes.chunks(piece) {
            assert_eq!(input.feed(piece, &mut take), piece.len());
        }
        input.end(&mut take);
        out
    }

    #[test]
    fn any_encoding_and_line_end_gives_the_same_lines() {
        let text = "first line of a log\r\nsecond one\rthird\n\nlast";
        let expected = vec!["first line of a log", "second one", "third", "last"];
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [&[0xff, 0xfe][..], &little].concat();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in
            [text.as_bytes().to_vec(), [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(), little, marked, big]
        {
            for piece in [1, 7, 1000] {
                assert_eq!(lines(&bytes, piece), expected);
            }
        }
    }

    #[test]
    fn a_long_line_comes_in_parts_and_no_word_is_cut() {
        let text = "\"AgAA7AABAAGm\", ".repeat(20_000);
        let parts = lines(text.as_bytes(), 777);
        assert!(parts.len() > 5 && parts.iter().all(|part| part.len() <= LONGEST_PART));
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|part| part.matches("AgAA7AABAAGm").count() * 12 + part.len() / 16 > 12));
    }
}
