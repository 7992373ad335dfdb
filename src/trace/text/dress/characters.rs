//! Strings whose characters are bytes: in quotation marks with escapes, or with percent signs.

use super::super::super::assembly::starts_frame;
use super::LEAST;

/// A string in quotation marks, of which at least one escape is no character that text has, or one with a `b` of Python or Rust in
/// front; also a run without marks that begins with `\xNN`. A string that a string of JSON holds has its marks escaped.
pub(super) fn quoted(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    match &text[at..] {
        [b'b' | b'B', quote @ (b'\'' | b'"'), ..] => {
            string(text, at + 2, Some(*quote)).map(|read| (read.bytes, read.end))
        }
        [quote @ (b'\'' | b'"' | b'`'), ..] => {
            let nested = at > 0 && text[at - 1] == b'\\';
            let read = if nested {
                nested_string(text, at + 1, *quote)?
            } else {
                string(text, at + 1, Some(*quote))?
            };
            let is_binary = read.binary
                && (starts_frame(&read.bytes)
                    || read.bytes.len() >= LEAST && 4 * read.escapes >= read.bytes.len());
            is_binary.then_some((read.bytes, read.end))
        }
        [b'\\', b'x', ..] => string(text, at, None).map(|read| (read.bytes, read.end)),
        _ => None,
    }
}

struct Read {
    bytes: Vec<u8>,
    end: usize,
    escapes: usize,
    /// One of the escapes is no character that text has.
    binary: bool,
    /// Escapes are characters of Unicode, so what stands there without one is a character too.
    unicode: bool,
}

impl Read {
    /// Characters up to U+00FF that stand there without an escape are bytes, where others have one of Unicode.
    fn with_characters_as_bytes(mut self) -> Read {
        if self.unicode
            && let Ok(text) = std::str::from_utf8(&self.bytes)
            && let Some(bytes) = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
        {
            self.bytes = bytes;
        }
        self
    }
}

/// A string up to its mark, or without one up to what cannot belong to it. One that the end of the line cuts counts as far as it goes.
fn string(text: &[u8], start: usize, quote: Option<u8>) -> Option<Read> {
    let mut read = Read { bytes: Vec::new(), end: start, escapes: 0, binary: false, unicode: false };
    loop {
        match &text[read.end..] {
            [b'\\', ..] => {
                let (character, length) = escape(&text[read.end..])?;
                read.unicode |= matches!(text[read.end + 1], b'u' | b'U');
                read.escapes += 1;
                read.binary |= match character {
                    0x7f.. => true,
                    control => control < 0x20 && !matches!(control, 9 | 10 | 13),
                };
                match u8::try_from(character) {
                    Ok(byte) => read.bytes.push(byte),
                    // Half of a pair is as good as a character that was replaced.
                    Err(_) => {
                        read.bytes.extend(char::from_u32(character).unwrap_or('\u{fffd}').to_string().bytes())
                    }
                }
                read.end += length;
            }
            [end, ..] if Some(*end) == quote => {
                read.end += 1;
                return Some(read.with_characters_as_bytes());
            }
            [b'"' | b'\'', ..] if quote.is_none() => return Some(read),
            [plain @ (b' '..=b'~' | 0x80..), ..] if quote.is_some() || *plain < 0x80 => {
                read.bytes.push(*plain);
                read.end += 1;
            }
            [] => return Some(read.with_characters_as_bytes()),
            _ => return quote.is_none().then_some(read),
        }
    }
}

/// One that stands in another string: each of its backslashes and its marks has another backslash in front.
fn nested_string(text: &[u8], start: usize, quote: u8) -> Option<Read> {
    let mut inner = Vec::new();
    let mut at = start;
    loop {
        match &text[at..] {
            [b'\\', b'\\', b'\\', mark, ..] if *mark == quote => {
                inner.extend([b'\\', quote]);
                at += 4;
            }
            [b'\\', b'\\', ..] => {
                inner.push(b'\\');
                at += 2;
            }
            [b'\\', mark, ..] if *mark == quote => {
                inner.push(quote);
                let read = string(&inner, 0, Some(quote))?;
                return Some(Read { end: at + 2, ..read });
            }
            [b'\\', b'/', ..] => at += 1,
            [b'"' | b'\\', ..] | [] => return None,
            [other, ..] => {
                inner.push(*other);
                at += 1;
            }
        }
    }
}

/// The character of an escape, and how long it is written: `\xNN`, `\uNNNN`, `\u{N}`, up to three octal digits, and the letters of C.
fn escape(text: &[u8]) -> Option<(u32, usize)> {
    let number = |digits: &[u8], radix| u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
    match text {
        [_, b'x', rest @ ..] => {
            let digits = rest.iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
            Some((number(&rest[..digits], 16)?, 2 + digits))
        }
        [_, b'u', b'{', rest @ ..] => {
            let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
            let closed = rest.get(digits) == Some(&b'}');
            Some((number(&rest[..digits], 16).filter(|_| closed)?, digits + 4))
        }
        [_, b'u' | b'U', digits @ ..] => Some((number(digits.get(..4)?, 16)?, 6)),
        [_, b'0'..=b'7', ..] => {
            let digits = text[1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            Some((number(&text[1..1 + digits], 8).filter(|byte| *byte < 256)?, 1 + digits))
        }
        [_, letter @ 0..=0x7f, ..] => {
            let character = match letter {
                b'a' => 7,
                b'b' => 8,
                b't' => 9,
                b'n' => 10,
                b'v' => 11,
                b'f' => 12,
                b'r' => 13,
                other => u32::from(*other),
            };
            Some((character, 2))
        }
        _ => None,
    }
}

/// `%02%00%00%09`, with letters and digits as they are.
pub(super) fn percent(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut end = at;
    loop {
        match &text[end..] {
            [b'%', high, low, ..] => {
                bytes.push(super::hex_pair(*high, *low)?);
                end += 3;
            }
            [plain, ..] if plain.is_ascii_alphanumeric() || b"-._~*!".contains(plain) => {
                bytes.push(*plain);
                end += 1;
            }
            [b'+', ..] => {
                bytes.push(b' ');
                end += 1;
            }
            _ => break,
        }
    }
    starts_frame(&bytes).then_some((bytes, end))
}
