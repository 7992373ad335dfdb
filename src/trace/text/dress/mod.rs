//! Bytes that are written down in a line of text, in any of their dresses.

mod characters;
mod hexadecimal;
mod list;
pub(super) mod sixty_four;

use super::super::assembly::announced;
use super::super::told::Dress;
use std::ops::Range;

/// Fewer bytes are no list of numbers, and no piece beside a frame.
pub(super) const LEAST: usize = 4;

/// How many bytes a row of a dump has.
const ROW: usize = 16;

const UUID_LEN: usize = 36;

/// Bytes found in a line.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    pub(super) dress: Dress,
    /// Where they stand in the line.
    pub(super) range: Range<usize>,
}

impl Found {
    /// How many more bytes there were, where the line shows the first ones alone and says so; `None` where it does not.
    pub(super) fn left_out(&self, line: &str) -> Option<usize> {
        let rest = line.get(self.range.end..)?;
        // Behind a gap stand characters, of which dots are those that have no other.
        let behind = rest.strip_prefix(',').unwrap_or(rest);
        let behind = behind.strip_prefix(' ').unwrap_or(behind).trim_start_matches(['[', '(', '<']);
        let behind = dots(behind)?.trim_start();
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let more = behind[digits..].trim_start().starts_with("more");
        if more {
            return behind[..digits].parse().ok();
        }
        announced(&self.bytes)?.checked_sub(self.bytes.len()).filter(|left| *left > 0)
    }
}

/// The bytes of a word that is base64.
pub(super) fn base64(word: &str) -> Option<Vec<u8>> {
    sixty_four::decode(word.as_bytes())
}

/// What stands behind the dots that stand for something left out.
pub(super) fn dots(text: &str) -> Option<&str> {
    text.strip_prefix("...")
        .or_else(|| text.strip_prefix('\u{2026}'))
        .map(|rest| rest.trim_start_matches(['.', ']', ')', '>']))
}

/// All bytes in a line, from left to right.
pub(super) fn find(line: &str) -> Vec<Found> {
    let text = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if !starts_token(text, at) {
            at += 1;
            continue;
        }
        if is_uuid(&text[at..]) {
            at += UUID_LEN;
            continue;
        }
        let hit = characters::quoted(text, at)
            .map(|(bytes, end)| (bytes, Dress::Escapes, end))
            .or_else(|| list::list(text, at).map(|(bytes, end)| (bytes, Dress::Numbers, end)))
            .or_else(|| {
                hexadecimal::hexadecimal(text, at).map(|(bytes, end)| (bytes, Dress::Hexadecimal, end))
            })
            .or_else(|| characters::percent(text, at).map(|(bytes, end)| (bytes, Dress::Escapes, end)))
            .or_else(|| sixty_four::base64(text, at).map(|(bytes, end)| (bytes, Dress::Base64, end)));
        match hit {
            Some((bytes, dress, end)) => {
                let behind =
                    if dress == Dress::Hexadecimal { characters_behind(text, end, bytes.len()) } else { 0 };
                found.push(Found { bytes, dress, range: at..end });
                at = end + behind;
            }
            // Past the rest of the word, so that no part of it is taken for bytes.
            None if is_word(text[at]) => at += word(&text[at..]),
            None => at += 1,
        }
    }
    found
}

/// How much of the line are the characters that a dump shows behind so many bytes: after a bar, or a gap.
fn characters_behind(text: &[u8], end: usize, bytes: usize) -> usize {
    let rest = &text[end..];
    let gap = rest.iter().take_while(|byte| **byte == b' ').count();
    let length = text.trim_ascii_end().len().saturating_sub(end + gap);
    let barred = rest.get(gap) == Some(&b'|') && (gap > 1 || bytes == ROW);
    let apart = gap > 2 || gap == 2 && bytes == ROW;
    if barred || apart && length <= bytes { rest.len() } else { 0 }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a word or a number ends here: an ellipsis goes on with none.
fn is_end(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|next| !is_word(*next)) || text[at..].starts_with("\u{2026}".as_bytes())
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`: no frame, whatever it looks like.
fn is_uuid(text: &[u8]) -> bool {
    let hyphens = [8, 13, 18, 23];
    text.get(..UUID_LEN).is_some_and(|uuid| {
        let fits = |(at, byte): (usize, &u8)| match hyphens.contains(&at) {
            true => *byte == b'-',
            false => byte.is_ascii_hexdigit(),
        };
        uuid.iter().enumerate().all(fits)
    })
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_word(**byte)).count().max(1)
}

fn starts_token(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\\' => text.get(at + 1) == Some(&b'x'),
        b'-' | b'+' | b'/' | b'%' | b'"' | b'\'' | b'`' => true,
        // Not the fraction of a number.
        byte => is_word(byte) && (at == 0 || !is_word(text[at - 1])) && !is_fraction(text, at),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

fn skip(text: &[u8], position: &mut usize, is: impl Fn(u8) -> bool) -> bool {
    let start = *position;
    while text.get(*position).is_some_and(|byte| is(*byte)) {
        *position += 1;
    }
    *position > start
}

fn is_fraction(text: &[u8], at: usize) -> bool {
    text[at].is_ascii_digit() && matches!(text[..at], [.., b'0'..=b'9', b'.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 14] = [9, 0, 0, 6, 0, 0, 0, 8, 0xbf, 0x62, 0x72, 0x63, 8, 0xff];

    #[test]
    fn a_frame_is_found_in_every_dress() {
        for (line, dress) in [
            ("<- 0x0900000600000008BF62726308FF", Dress::Hexadecimal),
            ("value: (0x) 09-00-00-06-00-00-00-08-BF-62-72-63-08-FF", Dress::Hexadecimal),
            ("Received 14 bytes: 09 00 00 06 00 00 00 08 bf 62 72 63 08 ff (14)", Dress::Hexadecimal),
            ("-> [Seq: 0] 0900 0006 0000 0008 bf62 7263 08ff (14 bytes)", Dress::Hexadecimal),
            ("<09000006 00000008 bf627263 08ff>", Dress::Hexadecimal),
            (
                "{ 0x09, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x08, 0xbf, 0x62, 0x72, 0x63, 0x08, 0xff };",
                Dress::Hexadecimal,
            ),
            ("characteristic changed: 9,0,0,6,0,0,0,8,-65,98,114,99,8,-1", Dress::Numbers),
            ("[9, 0, 0, 6, 0, 0, 0, 8, 191, 98, 114, 99, 8, 255]", Dress::Numbers),
            (r"got bytearray(b'\t\x00\x00\x06\x00\x00\x00\x08\xbfbrc\x08\xff')", Dress::Escapes),
            (r#""\x09\x00\x00\x06\x00\x00\x00\x08\xbf\x62\x72\x63\x08\xff""#, Dress::Escapes),
            (r#"{"frames": ["CQAABgAAAAi/YnJjCP8="]}"#, Dress::Base64),
            (r#"{\"frames\":[\"CQAABgAAAAi\/YnJjCP8=\"]}"#, Dress::Base64),
        ] {
            let found = find(line);
            let hit = found.iter().find(|found| found.bytes == FRAME);
            assert_eq!(hit.map(|found| found.dress), Some(dress), "{line}: {found:?}");
        }
    }

    #[test]
    fn no_character_is_cut() {
        for line in
            ["b'\\x02\\é 02 00'", "\\x02\\é 0200000c00010001bf", "é\\x02\\ü\"0x02", "b'\\\u{fffd}\\x00"]
        {
            let all = find(line);
            assert!(
                all.iter().all(|found| line.is_char_boundary(found.range.start)
                    && line.is_char_boundary(found.range.end)),
                "{line}: {all:?}"
            );
        }
    }

    #[test]
    fn ordinary_text_has_no_bytes_in_it() {
        for line in [
            "da2e7828-fbce-4e01-ae9e-261174997c48",
            "2 images, 3 slots, 409600 bytes",
            "connected to C5 in 15 ms",
            "the cafe added a facade",
        ] {
            assert!(find(line).iter().all(|found| found.bytes.len() < 4), "{line}");
        }
    }
}
