//! Dumps: rows of bytes with their offset in front and their characters behind.

/// Rows hold 16 bytes nearly everywhere; none holds more than this.
const MOST_IN_ROW: usize = 64;
/// The longest dump that is put together: what a 16-bit length can announce, and headers of a network.
const LONGEST: usize = 0x1_0100;

/// One row of a dump.
#[derive(Debug, PartialEq)]
pub(super) enum Row {
    Bytes {
        offset: usize,
        bytes: Vec<u8>,
        indent: usize,
    },
    /// `*`: rows like the one before are left out.
    Same,
}

/// Reads a row; `None` for any other line.
pub(super) fn row(line: &str) -> Option<Row> {
    let text = line.trim();
    if text == "*" {
        return Some(Row::Same);
    }
    let indent = line.len() - line.trim_start().len();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if !(4..=8).contains(&digits) {
        return None;
    }
    let offset = usize::from_str_radix(&text[..digits], 16).ok()?;
    let rest = &text[digits..];
    let rest = match rest.strip_prefix(':') {
        Some(rest) => rest,
        None if rest.starts_with("  ") || rest.starts_with('\t') || rest.is_empty() && digits >= 7 => rest,
        None => return None,
    };
    let mut bytes = Vec::new();
    let mut blanks = 0;
    for part in rest.split(' ') {
        if part.is_empty() {
            blanks += 1;
            continue;
        }
        let part = part.trim_end_matches('\t');
        // Behind the bytes stand their characters, after a bar or a wide gap.
        let wide = blanks >= 2 && bytes.len() >= 16 || part.starts_with('|');
        if wide || part.len() % 2 == 1 || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            break;
        }
        blanks = 0;
        bytes.extend(
            (0..part.len()).step_by(2).filter_map(|at| u8::from_str_radix(&part[at..at + 2], 16).ok()),
        );
        if bytes.len() > MOST_IN_ROW {
            return None;
        }
    }
    (!bytes.is_empty() || rest.trim().is_empty() && digits >= 7).then_some(Row::Bytes {
        offset,
        bytes,
        indent,
    })
}

/// A dump under way.
#[derive(Debug, Default)]
pub(super) struct Dump {
    bytes: Vec<u8>,
    /// The offset of the first row.
    base: usize,
    indent: usize,
    last: Vec<u8>,
    same: bool,
}

impl Dump {
    /// Adds a row; gives back what was complete before it, if the row belongs to another dump.
    pub(super) fn add(&mut self, row: Row) -> Option<Vec<u8>> {
        let (offset, bytes, indent) = match row {
            Row::Same => {
                self.same = !self.bytes.is_empty();
                return None;
            }
            Row::Bytes { offset, bytes, indent } => (offset, bytes, indent),
        };
        let expected = self.base + self.bytes.len();
        if std::mem::take(&mut self.same) && offset > expected && offset - self.base <= LONGEST {
            while self.base + self.bytes.len() < offset && !self.last.is_empty() {
                let missing = offset - self.base - self.bytes.len();
                let part = missing.min(self.last.len());
                self.bytes.extend_from_slice(&self.last[..part]);
            }
        }
        let goes_on = offset == self.base + self.bytes.len()
            && indent == self.indent
            && !self.bytes.is_empty()
            && self.bytes.len() + bytes.len() <= LONGEST;
        let before = if goes_on { None } else { self.take() };
        if !goes_on {
            (self.base, self.indent) = (offset, indent);
        }
        self.bytes.extend_from_slice(&bytes);
        self.last = bytes;
        before
    }

    /// What was put together so far.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.same = false;
        self.last.clear();
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// The SMP frame in a dump that begins with the headers of a network: the last bytes that are exactly one frame.
pub(super) fn within(bytes: &[u8]) -> Option<&[u8]> {
    /// Ethernet, IPv6 and UDP together.
    const FARTHEST: usize = 14 + 40 + 8 + 16;
    (1..bytes.len().min(FARTHEST)).map(|at| &bytes[at..]).find(|rest| {
        super::super::assembly::starts_frame(rest)
            && rest.len() == 8 + usize::from(u16::from_be_bytes([rest[2], rest[3]]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_tool_are_read() {
        let bytes: Vec<u8> = vec![2, 0, 0, 0xec, 0, 1, 0, 1, 0xa6, 0x65, 0x69, 0x6d, 0x61, 0x67, 0x65, 1];
        for line in [
            "00000010  02 00 00 ec 00 01 00 01  a6 65 69 6d 61 67 65 01  |.........image.|",
            "00000010: 0200 00ec 0001 0001 a665 696d 6167 6501  .........image.",
            "0010   02 00 00 ec 00 01 00 01 a6 65 69 6d 61 67 65 01   .........image.",
            "\t0x0010:  0200 00ec 0001 0001 a665 696d 6167 6501",
        ] {
            match row(line) {
                Some(Row::Bytes { offset: 0x10, bytes: read, .. }) => assert_eq!(read, bytes, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
        for line in ["12345678 bytes", "02 00 00 ec", "deadbeef is a word", "0200 00ec 0001"] {
            assert_eq!(row(line), None, "{line}");
        }
    }

    #[test]
    fn a_star_stands_for_rows_like_the_one_before() {
        let mut dump = Dump::default();
        for line in [
            "00000000  01 02 03 04 05 06 07 08  09 0a 0b 0c 0d 0e 0f 10  |................|",
            "00000010  ff ff ff ff ff ff ff ff  ff ff ff ff ff ff ff ff  |................|",
            "*",
            "00000040  aa                                                |.|",
        ] {
            assert_eq!(dump.add(row(line).expect(line)), None);
        }
        let bytes = dump.take().expect("a dump");
        assert_eq!((bytes.len(), bytes[0x3f], bytes[0x40]), (0x41, 0xff, 0xaa));
    }
}
