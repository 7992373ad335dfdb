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

/// How many bytes of a frame are no data of a chunk.
pub(super) fn without_data(frame: &[u8]) -> usize {
    if !is_chunk(frame) {
        return frame.len();
    }
    let key = b"\x64data";
    let Some(at) = frame.windows(key.len()).position(|window| window == key) else { return frame.len() };
    // Behind the key stand one byte and the length that it announces.
    let head = at + key.len();
    let width = match frame.get(head) {
        Some(0x40..=0x57) => 1,
        Some(0x58) => 2,
        Some(0x59) => 3,
        Some(0x5a) => 5,
        _ => return frame.len(),
    };
    (head + width).min(frame.len())
}
