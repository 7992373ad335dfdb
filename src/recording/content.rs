//! What of a frame is image or file data, and may be left out.

use crate::smp::group;

/// Whether a frame, of which the header is there, is a chunk of an image or of a file.
pub(super) fn is_chunk(frame: &[u8]) -> bool {
    let [op, _, _, _, high, low, _, command, ..] = frame else { return false };
    let place = (u16::from_be_bytes([*high, *low]), *command);
    let upload = op & 0x07 == 2 && place == (group::IMAGE, group::image::UPLOAD);
    upload || place == (group::FILE, group::file::FILE)
}

/// How long the frame is by its header.
pub(super) fn length(frame: &[u8]) -> usize {
    match frame {
        [_, _, high, low, _, _, _, _, ..] => 8 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}

/// Where the data of a chunk begins, and how long it is.
fn data(frame: &[u8]) -> Option<(usize, usize)> {
    let key = b"\x64data";
    let at = frame.windows(key.len()).position(|window| window == key)?;
    // Behind the key stand one byte and the length that it announces.
    let head = at + key.len();
    let first = *frame.get(head)?;
    let width = match first {
        0x40..=0x57 => return Some((head + 1, usize::from(first & 0x1f))),
        0x58 => 1,
        0x59 => 2,
        0x5a => 4,
        _ => return None,
    };
    let bytes = frame.iter().skip(head + 1).take(width);
    Some((head + 1 + width, bytes.fold(0, |length, byte| length << 8 | usize::from(*byte))))
}

/// How many bytes of a frame, or of its beginning, stand in front of the data of a chunk; all where there is none.
pub(super) fn without_data(frame: &[u8]) -> usize {
    let data = if is_chunk(frame) { data(frame) } else { None };
    data.map_or(frame.len(), |(from, _)| from.min(frame.len()))
}

/// What stands behind the data of a chunk.
pub(super) fn behind_data(frame: &[u8]) -> &[u8] {
    let data = if is_chunk(frame) { data(frame) } else { None };
    data.and_then(|(from, length)| frame.get(from.saturating_add(length)..)).unwrap_or_default()
}
