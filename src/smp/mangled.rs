//! Frames that passed through a text encoding.

use super::{Op, group};

/// The bytes of a frame before they passed through a text encoding: Latin-1 taken for UTF-8, or marks for what was no UTF-8, of which
/// the value cannot be known. `None` for anything else, a frame as it should be included; the second value says whether marks stood in it.
pub(crate) fn undone(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    // Bytes below 80 pass as they are: only what holds others can have been changed.
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_ascii())?;
    let replaced = text.contains('\u{fffd}');
    let before: Option<Vec<u8>> = text
        .chars()
        .map(|c| match c {
            // What it was cannot be known; a byte that may stand anywhere.
            '\u{fffd}' => Some(0xbf),
            c => u8::try_from(u32::from(c)).ok(),
        })
        .collect();
    let before = before.filter(|before| before.len() >= 8)?;
    let [first, flags, _, _, high, low, ..] = before[..] else { return None };
    let known = group::name(u16::from_be_bytes([high, low])).is_some();
    let op = first & 0xe0 == 0 && Op::from_number(first & 0x07).is_some() && flags == 0;
    (op && known).then_some((before, replaced))
}
