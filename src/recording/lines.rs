//! Recordings as text, one frame a line.

use super::content::without_data;
use super::{Direction, Entry};
use std::fmt::Write as _;

/// The first line of every recording.
pub const FIRST_LINE: &str = "smpfota trace 1";

/// Writes the lines of a recording; where they go is the caller's business.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    /// Whether the data of image and file chunks is left out.
    pub headers_only: bool,
}

impl Lines {
    /// The line, with its end, of a frame that went to the device.
    pub fn sent(&self, now_ms: u64, frame: &[u8]) -> String {
        self.frame(now_ms, Direction::Sent, frame)
    }

    /// The line, with its end, of bytes that came from the device.
    pub fn received(&self, now_ms: u64, frame: &[u8]) -> String {
        self.frame(now_ms, Direction::Received, frame)
    }

    /// The line, with its end, of something else: `link down`, `link up`, `max_write 20`.
    pub fn event(&self, now_ms: u64, what: &str) -> String {
        let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Lines::entry(now_ms, Entry::Word(&what))
    }

    /// The line, with its end, of an entry as it is.
    pub fn entry(now_ms: u64, entry: Entry<'_>) -> String {
        let mut line = format!("{}.{:03} ", now_ms / 1000, now_ms % 1000);
        match entry {
            Entry::Word(word) => {
                line += "! ";
                line += word;
            }
            Entry::Bytes(direction, bytes, left_out) => {
                let arrow = if direction == Direction::Sent { '>' } else { '<' };
                write!(line, "{arrow} {} ", bytes.len() + left_out).unwrap_or_default();
                line.reserve(2 * bytes.len() + 8);
                for byte in bytes {
                    for digit in [byte >> 4, byte & 15] {
                        line.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
                    }
                }
                if left_out > 0 {
                    write!(line, " +{left_out}").unwrap_or_default();
                }
            }
        }
        line.push('\n');
        line
    }

    fn frame(&self, now_ms: u64, direction: Direction, frame: &[u8]) -> String {
        let shown = if self.headers_only { without_data(frame) } else { frame.len() };
        Lines::entry(now_ms, Entry::Bytes(direction, &frame[..shown], frame.len() - shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &[u8] = b"\x02\0\0\x10\0\x01\x07\x01\xa2\x63off\x18\xa0\x64data\x43abc";

    #[test]
    fn lines_hold_what_was_sent() {
        let line = Lines::default().sent(12_345, CHUNK);
        assert_eq!(
            line,
            "12.345 > 25 0200001000010701a2636f666618a0646461746143616263\n"
                .replace("25", &CHUNK.len().to_string())
        );
    }

    #[test]
    fn headers_only_leaves_out_the_data_of_chunks_alone() {
        let recorder = Lines { headers_only: true };
        assert!(recorder.sent(0, CHUNK).ends_with("6461746143 +3\n"), "{}", recorder.sent(0, CHUNK));
        let echo = b"\x02\0\0\x08\0\0\x01\0\xa1\x61d\x64data";
        assert!(!recorder.sent(0, echo).contains('+'));
        assert_eq!(recorder.event(1, "link\ndown"), "0.001 ! link down\n");
    }
}
