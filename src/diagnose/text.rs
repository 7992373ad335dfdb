//! Recognising binary that was written as text: hexadecimal, base64, a list of numbers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// The bytes that hexadecimal text stands for; blanks, commas, colons, hyphens and `0x` may stand between.
pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut high = None;
    let mut position = 0;
    while position < text.len() {
        let byte = text[position];
        let next = text.get(position + 1);
        if high.is_none() && byte == b'0' && matches!(next, Some(b'x' | b'X')) {
            position += 2;
            continue;
        }
        position += 1;
        match (char::from(byte).to_digit(16), high) {
            (Some(digit), None) => high = Some(digit),
            (Some(digit), Some(first)) => {
                bytes.push((first << 4 | digit) as u8);
                high = None;
            }
            (None, None) if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'-') => {}
            _ => return None,
        }
    }
    (high.is_none() && !bytes.is_empty()).then_some(bytes)
}

/// The bytes that base64 text stands for; line ends may stand between.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

/// The bytes that a JSON list of numbers stands for.
pub(super) fn from_list(text: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(text).ok()?.trim();
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.split(',').map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_to_write_bytes_are_read() {
        let bytes = Some(vec![0x02, 0x00, 0xec]);
        for text in ["0200ec", "02 00 EC", "0x02, 0x00, 0xec", "02:00:ec\n", "02-00-EC"] {
            assert_eq!(from_hex(text.as_bytes()), bytes, "{text}");
        }
        assert_eq!(from_base64(b"AgDs"), bytes);
        assert_eq!(from_base64(b"AgA=\r\n"), Some(vec![2, 0]));
        assert_eq!(from_list(b"[2, 0,236]\n"), bytes);
        for text in ["", "0", "0x", "02 0", "xyz"] {
            assert_eq!(from_hex(text.as_bytes()), None, "{text}");
        }
        for text in ["[]", "[256]", "[1", "1,2"] {
            assert_eq!(from_list(text.as_bytes()), None, "{text}");
        }
    }
}
