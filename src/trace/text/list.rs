//! Bytes over several lines: a number a line or rows of numbers between brackets, base64 that is broken into lines, and what a terminal
//! broke.

use super::super::assembly::starts_frame;
use super::super::told::Place;
use super::front::behind_common;
use super::{dress, wrapped};
use std::borrow::Cow;

/// More numbers than a frame has are no list of one.
const MOST_NUMBERS: usize = 70_000;
/// How wide lines of base64 are that go on in the next (RFC 2045, section 6.8; RFC 7468, section 2).
const WIDTHS: [usize; 2] = [76, 64];

/// Gathers the lines of one list.
#[derive(Debug, Default)]
pub(super) struct List {
    open: Option<Kind>,
    /// The line that it began in, and what stood in front of it there.
    opener: String,
    heading: String,
    place: Place,
    text: String,
    numbers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers,
    /// Base64 in lines of this width.
    Base64(usize),
    /// A line that a terminal of this width broke.
    Wrapped(usize),
}

/// A list that is whole, as one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) line: String,
    pub(super) place: Place,
}

/// What a line is to the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A part of it.
    Taken,
    /// Its end.
    Ended(Listed),
    /// None of it; what was there before it, if something was, is the list.
    Other(Option<Listed>),
}

impl List {
    /// Takes a line.
    pub(super) fn line(&mut self, line: &str) -> Step {
        let Some(kind) = self.open else { return Step::Other(None) };
        // A logger may write the time and the name of the program in front of each line.
        let rests = [line, behind_common(&self.opener, line)];
        let taken = match kind {
            Kind::Numbers => rests.into_iter().find_map(|rest| self.numbers(rest)),
            Kind::Base64(width) => rests.into_iter().find_map(|rest| self.base64(rest, width)),
            Kind::Wrapped(width) => self.wrapped(line, width),
        };
        match taken {
            None => Step::Other(self.take()),
            Some(false) => Step::Taken,
            Some(true) => self.take().map_or(Step::Other(None), Step::Ended),
        }
    }

    /// Takes a line of base64; whether it is the last one.
    fn base64(&mut self, line: &str, width: usize) -> Option<bool> {
        let plain = line.trim();
        let begins = || dress::find(plain).first().is_some_and(|found| starts_frame(&found.bytes));
        if !is_base64(plain) || plain.len() > width || begins() {
            return None;
        }
        self.text += plain;
        self.numbers += 1;
        Some(plain.len() < width || self.text.len() > MOST_NUMBERS * 4 / 3)
    }

    /// Takes what a terminal broke off; whether it is the end.
    fn wrapped(&mut self, line: &str, width: usize) -> Option<bool> {
        // A block of code is indented as a whole.
        let indent = |line: &str| line.len() - line.trim_start().len();
        let line = line.get(indent(&self.opener).min(indent(line))..)?;
        let (piece, last) = wrapped::goes_on(&self.text, line, width.saturating_sub(indent(&self.opener)))?;
        self.text += &piece;
        Some(last || self.text.len() > MOST_NUMBERS * 3)
    }

    /// Takes a line of numbers; whether it is the last one.
    fn numbers(&mut self, line: &str) -> Option<bool> {
        let plain = without_comments(line);
        let (numbers, end) = match plain.find([']', '}', ')']) {
            Some(end) => (plain[..end].trim(), true),
            None => (plain.trim(), false),
        };
        // A printer that shows the first hundred says how many it leaves out.
        if numbers.starts_with("...") || numbers.starts_with('\u{2026}') {
            self.text += " ";
            self.text += numbers;
        } else if !self.add(numbers) {
            return None;
        }
        Some(end || self.numbers > MOST_NUMBERS)
    }

    /// Looks at a line that is none of a list: one may begin behind it, or with its last word.
    /// `raw` is the same line with its time.
    pub(super) fn begin(&mut self, raw: &str, line: &str, place: Place) {
        let word = line.trim().rsplit(' ').next().unwrap_or_default();
        if let Some(width) = WIDTHS.into_iter().find(|width| word.len() == *width && is_base64(word))
            && !word.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            let heading = line.trim().strip_suffix(word).unwrap_or_default().to_owned();
            let (open, opener, text) = (Some(Kind::Base64(width)), raw.to_owned(), word.to_owned());
            *self = List { open, opener, heading, place, text, numbers: 1 };
            return;
        }
        let plain = without_comments(line);
        let plain = plain.trim();
        if plain.ends_with(['[', '{', '(']) {
            let heading = plain.trim_end_matches(['[', '{', '(']).to_owned();
            let (open, opener) = (Some(Kind::Numbers), raw.to_owned());
            *self = List { open, opener, heading, place, ..List::default() };
        } else if let Some((heading, text)) =
            wrapped::begins(line).and_then(|start| line.split_at_checked(start))
        {
            let (open, opener) = (Some(Kind::Wrapped(line.len())), raw.to_owned());
            let (heading, text) = (heading.to_owned(), text.to_owned());
            *self = List { open, opener, heading, place, text, numbers: 1 };
        }
    }

    /// No more lines come: what is there.
    pub(super) fn take(&mut self) -> Option<Listed> {
        let list = std::mem::take(self);
        let text = list.text.trim_start();
        let line = match list.open? {
            Kind::Numbers => format!("{} [{text}]", list.heading.trim_end()),
            Kind::Base64(_) | Kind::Wrapped(_) => format!("{}{text}", list.heading),
        };
        (list.numbers > 0).then_some(Listed { line, place: list.place })
    }

    /// Whether the first line waits for others, to be read with them.
    pub(super) fn waits(&self) -> bool {
        matches!(self.open, Some(Kind::Base64(_) | Kind::Wrapped(_)))
    }

    /// Adds numbers, if a line holds nothing else.
    fn add(&mut self, line: &str) -> bool {
        let parts = || line.split([',', ';', ' ', '\t']).filter(|part| !part.is_empty());
        if !parts().all(is_number) {
            return false;
        }
        for part in parts() {
            if self.numbers > 0 {
                self.text += ", ";
            }
            self.text += part;
            self.numbers += 1;
        }
        // An empty line, or a closing bracket alone.
        true
    }
}

fn is_number(part: &str) -> bool {
    let hexadecimal = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(digits) => (1..=2).contains(&digits.len()) && hexadecimal(digits),
        None => {
            let digits = part.strip_prefix('-').unwrap_or(part);
            let decimal =
                (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
            decimal || (1..=2).contains(&part.len()) && hexadecimal(part)
        }
    }
}

fn is_base64(line: &str) -> bool {
    let plain = line.trim_end_matches('=');
    line.len() - plain.len() <= 2 && !plain.is_empty() && plain.bytes().all(dress::sixty_four::is_digit)
}

fn without_comments(line: &str) -> Cow<'_, str> {
    if !line.contains("/*") && !line.contains("//") {
        return Cow::Borrowed(line);
    }
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("/*") {
        plain += &rest[..at];
        rest = rest[at..].find("*/").map_or("", |end| &rest[at + end + 2..]);
    }
    plain += rest;
    if let Some(at) = plain.find("//") {
        plain.truncate(at);
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(text: &str) -> Vec<String> {
        let mut list = List::default();
        let mut found = Vec::new();
        for line in text.lines() {
            match list.line(line) {
                Step::Taken => {}
                Step::Ended(listed) => found.push(listed.line),
                Step::Other(listed) => {
                    found.extend(listed.map(|listed| listed.line));
                    list.begin(line, line, Place::default());
                }
            }
        }
        found.extend(list.take().map(|listed| listed.line));
        found
    }

    #[test]
    fn numbers_over_lines_become_one_line() {
        for (text, line) in [
            ("write: [\n  2,\n  0,\n  -1\n]\n", "write: [2, 0, -1]"),
            ("Uint8Array(3) [\n    2,   0,\n  255\n]", "Uint8Array(3) [2, 0, 255]"),
            ("char a[] = { /* Packet 1 */\n0x02, 0x0, /* . */\n0xff };\n", "char a[] = [0x02, 0x0, 0xff]"),
            ("x [\n 2, 0,\n ... 4 more items\n]", "x [2, 0 ... 4 more items]"),
            ("x [\n 2,\n then nothing", "x [2]"),
        ] {
            assert_eq!(lists(text), [line], "{text}");
        }
    }

    #[test]
    fn base64_in_lines_becomes_one_line() {
        let first = "Ag/z".repeat(19);
        assert_eq!(lists(&format!("frame:\n{first}\nBBBB==\nBBBB")), [format!("{first}BBBB==")]);
        assert_eq!(lists(&format!("{first}\n\nother")), [first]);
    }

    #[test]
    fn other_text_is_no_list() {
        assert!(
            lists("{\n  \"a\": 1,\n  \"b\": [\n    \"x\"\n  ]\n}\nvoid f() {\n  add(2);\n}\n").is_empty()
        );
    }
}
