//! Dumps: rows of bytes with their offset in front and their characters behind.

/// Rows hold 16 bytes nearly everywhere; none holds more than this.
const MOST_IN_ROW: usize = 64;
/// Behind so many bytes their characters may follow with one blank between.
const USUAL: usize = 16;
/// How many characters stand in front of a row at most.
const MOST_IN_FRONT: usize = 120;
/// Smaller numbers are no addresses.
const LEAST_ADDRESS: usize = 0x0100_0000;
/// The longest dump that is put together: what a 16-bit length can announce, and headers of a network.
const LONGEST: usize = 0x1_0100;

/// One row of a dump.
#[derive(Debug, PartialEq)]
pub(super) enum Row {
    Bytes {
        /// What the digits of its offset mean in each base that tools use: 16, 10 and 8.
        offsets: [Option<usize>; 3],
        bytes: Vec<u8>,
        /// Where the offset stands in the line.
        indent: usize,
        /// Something stands in front of the offset: it may be any number.
        prefixed: bool,
        /// It has `0x` in front.
        is_address: bool,
        /// The bytes stand in groups of two, and in which order shows the whole alone.
        pairs: bool,
    },
    /// `*`: rows like the one before are left out.
    Same,
}

/// What a line may be as a row, the likeliest first.
pub(super) fn rows(line: &str) -> impl Iterator<Item = Row> + '_ {
    let start = line.len() - line.trim_start().len();
    let same = (line.trim() == "*").then_some(Row::Same);
    // Behind a time, a program's name or the mark of a quotation.
    let front = move |(at, c): (usize, char)| {
        (matches!(c, ' ' | '\t' | '>' | ':' | ']') && at >= start).then_some(at + 1)
    };
    let prefixed = line.char_indices().take(MOST_IN_FRONT).filter_map(front);
    same.into_iter().chain(row_at(line, start, false)).chain(prefixed.filter_map(|at| row_at(line, at, true)))
}

/// Reads a row whose offset begins there.
fn row_at(line: &str, indent: usize, prefixed: bool) -> Option<Row> {
    let text = line.get(indent..)?;
    let (text, is_address) = text.strip_prefix("0x").map_or((text, false), |digits| (digits, true));
    let width = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if !(4..=16).contains(&width) {
        return None;
    }
    let (offset, rest) = text.split_at(width);
    let rest = match rest.strip_prefix(':') {
        Some(rest) => rest,
        None if rest.starts_with("  ")
            || rest.starts_with('\t')
            || rest.is_empty() && width >= 7 && !prefixed =>
        {
            rest
        }
        // One blank alone divides the offset from the bytes where it cannot be bytes itself, or they are single ones.
        None if rest.starts_with(' ') && (width == 7 || single(&rest[1..])) => rest,
        None => return None,
    };
    let (bytes, pairs) = bytes_of(rest)?;
    // An offset alone ends a dump.
    let is_row = !bytes.is_empty() || rest.trim().is_empty() && width >= 7 && !prefixed;
    let offsets = [16, 10, 8].map(|radix| usize::from_str_radix(offset, radix).ok());
    is_row.then_some(Row::Bytes { offsets, bytes, indent, prefixed, is_address, pairs })
}

/// Whether groups of two digits follow: more than one, or one alone before a gap.
fn single(rest: &str) -> bool {
    let is = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (first, behind) = rest.split_at_checked(2).unwrap_or((rest, ""));
    is(first)
        && (behind.is_empty()
            || behind.starts_with("  ")
            || behind.starts_with(' ') && behind.get(1..3).is_some_and(is))
}

/// The bytes of a row without what stands behind them, and whether they stand in groups of two.
fn bytes_of(rest: &str) -> Option<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut pairs = true;
    let mut blanks = 0;
    let mut at = 0;
    for part in rest.split(' ') {
        let left = rest.len() - at;
        at += part.len() + 1;
        if part.is_empty() {
            blanks += 1;
            continue;
        }
        let part = part.trim_end_matches('\t');
        // Behind the bytes stand their characters, after a bar or a wide gap, or all sixteen behind sixteen bytes.
        let wide = blanks >= 2 && (bytes.len() >= USUAL || blanks > 3 && !bytes.is_empty())
            || part.starts_with(['|', '>']);
        let characters = bytes.len() == USUAL && left <= USUAL + 1;
        let digits = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if wide || characters || part.len() % 2 == 1 || part.len() > 8 || !digits {
            break;
        }
        blanks = 0;
        pairs &= part.len() == 4;
        bytes.extend(
            (0..part.len()).step_by(2).filter_map(|at| u8::from_str_radix(&part[at..at + 2], 16).ok()),
        );
        if bytes.len() > MOST_IN_ROW {
            return None;
        }
    }
    pairs &= !bytes.is_empty();
    Some((bytes, pairs))
}

/// The bytes of a dump that is whole.
#[derive(Debug, PartialEq)]
pub(super) struct Dumped {
    pub(super) bytes: Vec<u8>,
    /// They stood in groups of two.
    pub(super) pairs: bool,
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
    pairs: bool,
    /// In which of the bases its offsets can be written.
    bases: [bool; 3],
}

impl Dump {
    /// Whether a row can belong to a dump: one with something in front of it begins at 0 or an address, or goes on with what is there.
    pub(super) fn fits(&self, row: &Row) -> bool {
        match row {
            Row::Bytes { offsets, prefixed: true, is_address, bytes, indent, .. } => {
                let goes_on = !self.bytes.is_empty()
                    && *indent == self.indent
                    && offsets.contains(&Some(self.base + self.bytes.len()));
                let begins = offsets[0] == Some(0) || *is_address && offsets[0] >= Some(LEAST_ADDRESS);
                goes_on || begins && bytes.len() >= 8
            }
            Row::Same => !self.bytes.is_empty(),
            Row::Bytes { .. } => true,
        }
    }

    /// Adds a row; gives back what was complete before it, if the row belongs to another dump.
    pub(super) fn add(&mut self, row: Row) -> Option<Dumped> {
        let (offsets, bytes, indent, pairs) = match row {
            Row::Same => {
                self.same = !self.bytes.is_empty();
                return None;
            }
            Row::Bytes { offsets, bytes, indent, pairs, .. } => (offsets, bytes, indent, pairs),
        };
        let expected = self.base + self.bytes.len();
        let possible = |at: usize| offsets[at].filter(|_| self.bases[at] && !self.bytes.is_empty());
        let offset =
            (0..3).filter_map(possible).find(|offset| *offset == expected || self.same && *offset > expected);
        if std::mem::take(&mut self.same)
            && let Some(offset) = offset.filter(|offset| offset - self.base <= LONGEST)
        {
            while self.base + self.bytes.len() < offset && !self.last.is_empty() {
                let missing = offset - self.base - self.bytes.len();
                let part = missing.min(self.last.len());
                self.bytes.extend_from_slice(&self.last[..part]);
            }
        }
        let reached = self.base + self.bytes.len();
        let goes_on =
            offset == Some(reached) && indent == self.indent && self.bytes.len() + bytes.len() <= LONGEST;
        let before = if goes_on { None } else { self.take() };
        if goes_on {
            (0..3).for_each(|at| self.bases[at] &= offsets[at] == Some(reached));
        } else {
            (self.base, self.indent, self.pairs) = (offsets[0].unwrap_or(0), indent, true);
            self.bases = offsets.map(|offset| offset == offsets[0]);
        }
        self.pairs &= pairs || bytes.is_empty();
        self.bytes.extend_from_slice(&bytes);
        self.last = bytes;
        before
    }

    /// What was put together so far.
    pub(super) fn take(&mut self) -> Option<Dumped> {
        self.same = false;
        self.last.clear();
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then_some(Dumped { bytes, pairs: self.pairs })
    }
}

impl Dumped {
    /// The bytes in the order of a machine that puts the low byte of a word first.
    pub(super) fn swapped(&self) -> Vec<u8> {
        self.bytes.chunks(2).flat_map(|pair| pair.iter().rev().copied()).collect()
    }
}

/// The SMP frame in a dump that begins with the headers of a network: the last bytes that are exactly one frame.
pub(super) fn within(bytes: &[u8]) -> Option<&[u8]> {
    /// Ethernet, IPv6 and UDP together.
    const FARTHEST: usize = 14 + 40 + 8 + 16;
    (1..bytes.len().min(FARTHEST))
        .map(|at| &bytes[at..])
        .find(|rest| super::super::assembly::is_one_frame(rest))
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
            match rows(line).next() {
                Some(Row::Bytes { offsets: [Some(0x10), ..], bytes: read, .. }) => {
                    assert_eq!(read, bytes, "{line}")
                }
                other => panic!("{line}: {other:?}"),
            }
        }
        for line in ["12345678 bytes", "02 00 00 ec", "deadbeef is a word", "0200 00ec 0001"] {
            assert_eq!(rows(line).find(|row| Dump::default().fits(row)), None, "{line}");
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
            assert_eq!(dump.add(rows(line).next().expect(line)), None);
        }
        let bytes = dump.take().expect("a dump").bytes;
        assert_eq!((bytes.len(), bytes[0x3f], bytes[0x40]), (0x41, 0xff, 0xaa));
    }
}
