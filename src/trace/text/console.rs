//! Console lines: base64 of a length, a frame and a checksum behind a mark, out of a capture, a pager or a copy that lost the marks.

use super::super::assembly::starts_frame;
use super::super::told::Way;
use super::{dress, words};
use crate::smp::console::{Decoder, MAX_FRAME};
use std::borrow::Cow;

/// The marks of the first line of a frame and of those that follow.
const BEGINS: [u8; 2] = [0x06, 0x09];
const GOES_ON: [u8; 2] = [0x04, 0x14];
/// Fewer characters are no length, header and checksum.
const LEAST: usize = 16;

/// Puts frames together, of each direction by itself, since lines of both may alternate.
#[derive(Debug)]
pub(super) struct Console {
    decoders: [Decoder; 2],
    /// So many bytes are under way whose lines lost their marks.
    copied_rest: usize,
}

impl Default for Console {
    fn default() -> Console {
        Console { decoders: [Decoder::new(MAX_FRAME), Decoder::new(MAX_FRAME)], copied_rest: 0 }
    }
}

/// Whether these bytes begin like a console line.
pub(super) fn is_marked(bytes: &[u8]) -> bool {
    bytes.len() > 2 && (bytes.starts_with(&BEGINS) || bytes.starts_with(&GOES_ON))
}

impl Console {
    /// The frames that end in a line with a mark; `None` for any other line.
    pub(super) fn marked(&mut self, raw: &[u8], way: Option<Way>) -> Option<Vec<Vec<u8>>> {
        let begins = raw.windows(2).position(|two| *two == BEGINS || *two == GOES_ON)?;
        let decoder = &mut self.decoders[usize::from(way == Some(Way::FromDevice))];
        let mut frames = Vec::new();
        decoder.feed(&raw[begins..], |frame| frames.push(frame.to_vec()));
        decoder.feed(b"\n", |frame| frames.push(frame.to_vec()));
        Some(frames)
    }

    /// The frames that end in a word whose mark was lost when it was copied; `None` for any other word. `front` stands before it.
    pub(super) fn copied(&mut self, word: &str, front: &str) -> Option<Vec<Vec<u8>>> {
        // The length of a frame is below 2,048.
        if self.copied_rest == 0 && !(word.starts_with(['A', 'B']) && word.len() >= LEAST) {
            return None;
        }
        let bytes = dress::base64(word)?;
        let two = |at: usize| {
            bytes.get(at..at + 2).map_or(0, |two| usize::from(u16::from_be_bytes([two[0], two[1]])))
        };
        // The length counts the frame and two bytes of checksum.
        let begins = two(0) == two(4) + 10 && bytes.get(2..two(0).min(bytes.len())).is_some_and(starts_frame);
        if !begins && self.copied_rest == 0 {
            return None;
        }
        let rest = if begins { two(0) + 2 } else { self.copied_rest };
        self.copied_rest = rest.saturating_sub(bytes.len());
        let mark = if begins { BEGINS } else { GOES_ON };
        self.marked(&[&mark, word.as_bytes()].concat(), words::way(front))
    }

    /// How many lines were damaged.
    pub(super) fn damaged(&self) -> u64 {
        let of = |decoder: &Decoder| {
            let rejected = decoder.rejected();
            u64::from(rejected.bad_base64) + u64::from(rejected.bad_crc) + u64::from(rejected.bad_length)
        };
        self.decoders.iter().map(of).sum()
    }
}

/// The line with its mark where a pager shows that in carets.
pub(super) fn without_carets(raw: &[u8]) -> Cow<'_, [u8]> {
    const SHOWN: [(&[u8], [u8; 2]); 3] = [(b"^F^I", BEGINS), (b"^F\t", BEGINS), (b"^D^T", GOES_ON)];
    let place = |shown: &[u8]| raw.windows(shown.len()).position(|part| part == shown);
    let found = if raw.contains(&b'^') {
        SHOWN.iter().find_map(|(shown, mark)| Some((place(shown)?, shown.len(), mark)))
    } else {
        None
    };
    match found {
        Some((at, length, mark)) => Cow::Owned([&raw[..at], mark, &raw[at + length..]].concat()),
        None => Cow::Borrowed(raw),
    }
}
