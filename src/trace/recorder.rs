//! The library's own recordings: text, one frame a line, which [`Trace`](super::Trace) reads.
//!
//! ```text
//! smpfota trace 1
//! 0.000 > 244 02000...ec +212     seconds, to the device, length, bytes in hexadecimal, bytes left out behind them
//! 0.121 < 20 0300000c00010001...  from the device
//! 4.000 ! link down               what else happened
//! # a remark
//! ```
//!
//! "Headers only" leaves out the data of image and file chunks, which is always the last of what a chunk holds here.

use crate::smp::group;
use std::fmt::Write as _;

/// The first line of every recording.
pub const FIRST_LINE: &str = super::text::RECORDING;

/// Writes the lines of a recording; where they go is the caller's business.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recorder {
    /// Whether the data of image and file chunks is left out.
    pub headers_only: bool,
}

impl Recorder {
    /// The line, with its end, of a frame that went to the device.
    pub fn sent(&self, now_ms: u64, frame: &[u8]) -> String {
        self.line(now_ms, '>', frame)
    }

    /// The line, with its end, of bytes that came from the device.
    pub fn received(&self, now_ms: u64, frame: &[u8]) -> String {
        self.line(now_ms, '<', frame)
    }

    /// The line, with its end, of something else: `link down`, `link up`, `max_write 20`.
    pub fn event(&self, now_ms: u64, what: &str) -> String {
        let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{} ! {what}\n", seconds(now_ms))
    }

    fn line(&self, now_ms: u64, arrow: char, frame: &[u8]) -> String {
        let shown = if self.headers_only { without_data(frame) } else { frame.len() };
        let mut line = format!("{} {arrow} {} ", seconds(now_ms), frame.len());
        line.reserve(2 * shown + 8);
        for byte in &frame[..shown] {
            write!(line, "{byte:02x}").unwrap_or_default();
        }
        if shown < frame.len() {
            write!(line, " +{}", frame.len() - shown).unwrap_or_default();
        }
        line.push('\n');
        line
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// How many bytes of a frame are no data of a chunk.
fn without_data(frame: &[u8]) -> usize {
    let [op, _, _, _, high, low, _, command, ..] = frame else { return frame.len() };
    let place = (u16::from_be_bytes([*high, *low]), *command);
    let chunk = op & 0x07 == 2 && place == (group::IMAGE, group::image::UPLOAD)
        || place == (group::FILE, group::file::FILE);
    if !chunk {
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

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &[u8] = b"\x02\0\0\x10\0\x01\x07\x01\xa2\x63off\x18\xa0\x64data\x43abc";

    #[test]
    fn lines_hold_what_was_sent() {
        let line = Recorder::default().sent(12_345, CHUNK);
        assert_eq!(
            line,
            "12.345 > 25 0200001000010701a2636f666618a0646461746143616263\n"
                .replace("25", &CHUNK.len().to_string())
        );
    }

    #[test]
    fn headers_only_leaves_out_the_data_of_chunks_alone() {
        let recorder = Recorder { headers_only: true };
        assert!(recorder.sent(0, CHUNK).ends_with("6461746143 +3\n"), "{}", recorder.sent(0, CHUNK));
        let echo = b"\x02\0\0\x08\0\0\x01\0\xa1\x61d\x64data";
        assert!(!recorder.sent(0, echo).contains('+'));
        assert_eq!(recorder.event(1, "link\ndown"), "0.001 ! link down\n");
    }
}
