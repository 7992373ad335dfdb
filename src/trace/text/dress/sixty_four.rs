//! Base64, of both alphabets, with or without padding.

use super::skip;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest base64 that is looked at, in characters: an SMP header takes 11.
const LEAST_BASE64: usize = 11;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn base64(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut end = at;
    skip(text, &mut end, is_digit);
    let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    end += padding;
    // JSON may write a solidus as \/.
    if text.get(end) == Some(&b'\\') && text.get(end + 1) == Some(&b'/') {
        return escaped_base64(text, at);
    }
    if end - at < LEAST_BASE64 || at > 0 && is_digit(text[at - 1]) {
        return None;
    }
    decode(&text[at..end]).map(|bytes| (bytes, end))
}

fn escaped_base64(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let stop = text[at..].iter().position(|byte| matches!(byte, b'"' | b'\'')).unwrap_or(text.len() - at);
    let plain: Vec<u8> = text[at..at + stop].iter().copied().filter(|byte| *byte != b'\\').collect();
    decode(&plain).map(|bytes| (bytes, at + stop))
}

/// Whether it is a digit of either alphabet.
pub(in crate::trace::text) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
