//! Bytes that are written down in a line of text, in any of their dresses.

use super::super::told::Dress;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// Fewer bytes are no list of numbers.
const LEAST: usize = 4;
/// The shortest base64 that is looked at, in characters: an SMP header takes 11.
const LEAST_BASE64: usize = 11;

const UUID_LEN: usize = 36;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Bytes found in a line.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    pub(super) dress: Dress,
    /// Where they stand in the line.
    pub(super) range: Range<usize>,
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
        let hit = escapes(text, at)
            .map(|(bytes, end)| (bytes, Dress::Escapes, end))
            .or_else(|| numbers(text, at).map(|(bytes, end)| (bytes, Dress::Numbers, end)))
            .or_else(|| hexadecimal(text, at).map(|(bytes, end)| (bytes, Dress::Hexadecimal, end)))
            .or_else(|| base64(text, at).map(|(bytes, end)| (bytes, Dress::Base64, end)));
        match hit {
            Some((bytes, dress, end)) => {
                found.push(Found { bytes, dress, range: at..end });
                at = end;
            }
            // Past the rest of the word, so that no part of it is taken for bytes.
            None if is_word(text[at]) => at += word(&text[at..]),
            None => at += 1,
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
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
        b'-' | b'+' | b'/' => true,
        byte => is_word(byte) && (at == 0 || !is_word(text[at - 1])),
    }
}

/// `b'..'` of Python, or a run that begins with `\xNN`.
fn escapes(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let (mut position, quote) = match &text[at..] {
        [b'b' | b'B', quote @ (b'\'' | b'"'), ..] => (at + 2, Some(*quote)),
        [b'\\', b'x', ..] => (at, None),
        _ => return None,
    };
    let mut bytes = Vec::new();
    loop {
        match &text[position..] {
            [b'\\', b'x', high, low, ..] => {
                bytes.push(hex_pair(*high, *low)?);
                position += 4;
            }
            [b'\\', escaped @ 0..=0x7f, ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'0' => 0,
                    other => *other,
                });
                position += 2;
            }
            [end, ..] if Some(*end) == quote => return Some((bytes, position + 1)),
            [b'"' | b'\'', ..] if quote.is_none() => return Some((bytes, position)),
            [plain @ b' '..=b'~', ..] => {
                bytes.push(*plain);
                position += 1;
            }
            _ => return quote.is_none().then_some((bytes, position)),
        }
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// Decimal numbers with commas, signed or not, as lists of bytes are printed.
fn numbers(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut position = at;
    let mut end = at;
    let mut decimal = false;
    loop {
        let negative = text.get(position) == Some(&b'-');
        let start = position + usize::from(negative);
        let digits = text[start.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let stop = start + digits;
        let closed = text.get(stop).is_none_or(|next| !is_word(*next));
        if !(1..=3).contains(&digits) || !closed {
            break;
        }
        let number =
            text[start..stop].iter().fold(0u16, |number, digit| number * 10 + u16::from(digit - b'0'));
        if number > if negative { 128 } else { 255 } {
            break;
        }
        // A list of two-digit numbers that all have a zero in front is hexadecimal.
        decimal |= digits != 2 || negative;
        bytes.push(if negative { (number as u8).wrapping_neg() } else { number as u8 });
        end = stop;
        position = stop;
        let comma = skip(text, &mut position, |byte| matches!(byte, b',' | b';'));
        skip(text, &mut position, |byte| matches!(byte, b' ' | b'\t' | b'\n'));
        if !comma {
            break;
        }
    }
    (decimal && bytes.len() >= LEAST).then_some((bytes, end))
}

fn skip(text: &[u8], position: &mut usize, is: impl Fn(u8) -> bool) -> bool {
    let start = *position;
    while text.get(*position).is_some_and(|byte| is(*byte)) {
        *position += 1;
    }
    *position > start
}

/// Groups of hexadecimal digits, each of whole bytes, with or without `0x`, blanks, commas, colons and hyphens between them.
fn hexadecimal(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut position = at;
    let mut end = at;
    loop {
        if let [b'0', b'x' | b'X', digit, ..] = &text[position..]
            && digit.is_ascii_hexdigit()
        {
            position += 2;
        }
        let digits = text[position..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let stop = position + digits;
        if digits == 0 || digits % 2 == 1 || text.get(stop).is_some_and(|next| is_word(*next)) {
            break;
        }
        bytes.extend(text[position..stop].chunks_exact(2).filter_map(|pair| hex_pair(pair[0], pair[1])));
        end = stop;
        position = stop;
        let one = skip(text, &mut position, |byte| matches!(byte, b' ' | b',' | b':' | b'-' | b'\t'));
        if !one || position - stop > 2 {
            break;
        }
    }
    (!bytes.is_empty()).then_some((bytes, end))
}

fn base64(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let mut end = at;
    skip(text, &mut end, is);
    let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    end += padding;
    // JSON may write a solidus as \/.
    if text.get(end) == Some(&b'\\') && text.get(end + 1) == Some(&b'/') {
        return escaped_base64(text, at);
    }
    if end - at < LEAST_BASE64 || at > 0 && is(text[at - 1]) {
        return None;
    }
    decode(&text[at..end]).map(|bytes| (bytes, end))
}

fn escaped_base64(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let stop = text[at..].iter().position(|byte| matches!(byte, b'"' | b'\'')).unwrap_or(text.len() - at);
    let plain: Vec<u8> = text[at..at + stop].iter().copied().filter(|byte| *byte != b'\\').collect();
    decode(&plain).map(|bytes| (bytes, at + stop))
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
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
