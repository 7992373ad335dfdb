//! Recordings as text, one frame a line.

use super::{Direction, Entry};
use std::fmt::Write as _;

/// The first line of every recording.
pub const FIRST_LINE: &str = "smpfota trace 1";

/// The line of an entry, with its end.
pub(super) fn line(now_ms: u64, entry: Entry<'_>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_an_entry_holds() {
        let line = |direction, left_out| line(12_345, Entry::Bytes(direction, b"\x02\xab", left_out));
        assert_eq!(line(Direction::Sent, 0), "12.345 > 2 02ab\n");
        assert_eq!(line(Direction::Received, 23), "12.345 < 25 02ab +23\n");
        assert_eq!(super::line(1, Entry::Word("link down")), "0.001 ! link down\n");
    }
}
