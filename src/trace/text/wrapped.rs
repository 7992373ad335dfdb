//! Lines that a terminal broke at its width, and that were copied so.

use super::super::assembly::{announced, starts_frame};
use super::super::told::Dress;
use super::dress;

/// Narrower lines are rows of a dump, and wider ones are no terminal's.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=250;

/// Where the bytes of a frame begin that reach the end of this line, and lack some.
pub(super) fn begins(line: &str) -> Option<usize> {
    let fits =
        WIDTHS.contains(&line.len()) && line.bytes().next_back().is_some_and(|last| last.is_ascii_hexdigit());
    if !fits {
        return None;
    }
    let lacks = |bytes: &[u8]| starts_frame(bytes) && announced(bytes) > Some(bytes.len());
    // A string of digits that ends with half a byte.
    let word = line.rsplit(' ').next().unwrap_or_default();
    if word.len() % 2 == 1 && word.len() > 16 && word.is_ascii() {
        let whole = dress::find(&word[..word.len() - 1]);
        return whole.first().filter(|found| lacks(&found.bytes)).map(|_| line.len() - word.len());
    }
    let last = dress::find(line).pop()?;
    let behind = line.get(last.range.end..)?.trim();
    let reaches = behind.is_empty() || behind.len() == 1;
    let fits = reaches && matches!(last.dress, Dress::Hexadecimal | Dress::Numbers) && lacks(&last.bytes);
    fits.then_some(last.range.start)
}

/// What a line adds to the text before it, and whether it is the last one; `None` for a line of its own.
pub(super) fn goes_on(text: &str, line: &str, width: usize) -> Option<(String, bool)> {
    let is = |c: char| c.is_ascii_hexdigit() || matches!(c, ' ' | '-' | ':' | ',');
    if line.is_empty() || line.len() > width || line.starts_with("  ") || !line.chars().all(is) {
        return None;
    }
    let last_group = text.rsplit(' ').next().unwrap_or_default();
    let blanks = text.contains(' ');
    // The blank between two bytes was at the end of a line, and copying left it out.
    let blank = blanks && !text.ends_with(' ') && !line.starts_with(' ') && last_group.len() == 2;
    let piece = format!("{}{line}", if blank { " " } else { "" });
    Some((piece, line.len() + 3 < width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_ends_within_a_frame_goes_on_in_the_next() {
        let front = "[12:00:00.020] a program of somebody: sent: ";
        let start = front.len();
        for (text, next, piece) in [
            ("020000ea00010001a4636c656e194e2", "0636f6666", "0636f6666"),
            ("02 00 00 ea 00 01 00 01 a4 63 6c 6", "5 6e", "5 6e"),
            ("02 00 00 ea 00 01 00 01 a4 63 6c 65", "6e 19", " 6e 19"),
            ("02 00 00 ea 00 01 00 01 a4 63 6c 65", " 6e 19", " 6e 19"),
        ] {
            let line = format!("{front}{text}");
            assert_eq!(begins(&line), Some(start), "{text}");
            assert_eq!(goes_on(text, next, line.len()), Some((piece.to_owned(), true)), "{text}");
        }
        assert_eq!(begins(&format!("{front}02 00 00 01 00 00 00 05 a0")), None);
        assert_eq!(goes_on("02 00", "sent: 02 00", 80), None);
    }
}
