//! Reading a CBOR body for display: everything well-formed is understood, and what is not is told with its place.
//!
//! The wire's own reader ([`crate::smp::cbor`]) passes over what no server uses. Here the unusual is what matters: floats,
//! strings in pieces, numbers longer than needed, and the readable part of a body that was cut.

use crate::smp::cbor::{MAX_DEPTH, head_len};
use ciborium_ll::{Decoder, Header, simple};

/// How many items of one body are kept; further ones are read and not kept.
const MAX_ITEMS: usize = 512;

/// One item of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item<'a> {
    Unsigned(u64),
    /// The negative integer `-1 - n`.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// A text string that is not UTF-8.
    BadText(&'a [u8]),
    Bool(bool),
    Null,
    Undefined,
    Simple(u8),
    Float(f64),
    Tag(u64, Box<Item<'a>>),
    Array(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    /// A string of indefinite length, with the sum of its pieces.
    Pieces {
        text: bool,
        length: usize,
    },
    /// The place where reading ended.
    Missing,
}

impl<'a> Item<'a> {
    /// The value of a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Item<'a>> {
        match self {
            Item::Map(entries) => entries.iter().find(|(k, _)| *k == Item::Text(key)).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn unsigned(&self) -> Option<u64> {
        match self {
            Item::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match self {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn bool(&self) -> Option<bool> {
        match self {
            Item::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(Item<'a>, Item<'a>)] {
        match self {
            Item::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of an array; none of anything else.
    pub(super) fn elements(&self) -> &[Item<'a>] {
        match self {
            Item::Array(elements) => elements,
            _ => &[],
        }
    }

    /// What it is, in a word with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Item::Unsigned(_) => "an unsigned integer",
            Item::Negative(_) => "a negative integer",
            Item::Bytes(_) | Item::Pieces { text: false, .. } => "a byte string",
            Item::Text(_) | Item::BadText(_) | Item::Pieces { text: true, .. } => "text",
            Item::Bool(_) => "a boolean",
            Item::Null | Item::Undefined => "null",
            Item::Simple(_) => "a simple value",
            Item::Float(_) => "a float",
            Item::Tag(..) => "a tagged item",
            Item::Array(_) => "an array",
            Item::Map(_) => "a map",
            Item::Missing => "missing",
        }
    }
}

/// Why reading ended before the end of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// The bytes end inside an item.
    Cut,
    /// A byte starts no item, or a break stands where none may.
    Malformed,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// A body as far as it could be read.
#[derive(Debug, Clone)]
pub(super) struct Body<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) item: Item<'a>,
    /// How many bytes the item takes, or were read before the problem.
    pub(super) used: usize,
    pub(super) problem: Option<Problem>,
    /// Whether a map or an array has indefinite length.
    pub(super) indefinite: bool,
    /// Whether a number or a length takes more bytes than it needs.
    pub(super) wasteful: bool,
    /// Whether a string is in pieces.
    pub(super) pieces: bool,
}

impl<'a> Body<'a> {
    /// Reads the first item of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Body<'a> {
        let body = Body {
            bytes,
            item: Item::Missing,
            used: 0,
            problem: None,
            indefinite: false,
            wasteful: false,
            pieces: false,
        };
        let mut reader = Reader { body, kept: 0 };
        reader.body.item = match reader.header() {
            Some(header) => reader.item(header, MAX_DEPTH),
            None => Item::Missing,
        };
        reader.body
    }

    /// The value of a key of the body.
    pub(super) fn get(&self, key: &str) -> Option<&Item<'a>> {
        self.item.get(key)
    }

    /// Whether the whole item could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.problem.is_none()
    }

    /// Whether it is a map that ends with the body.
    pub(super) fn is_exact_map(&self) -> bool {
        self.is_whole() && self.used == self.bytes.len() && matches!(self.item, Item::Map(_))
    }
}

struct Reader<'a> {
    body: Body<'a>,
    kept: usize,
}

impl<'a> Reader<'a> {
    fn fail(&mut self, problem: Problem) {
        self.body.problem.get_or_insert(problem);
    }

    fn rest(&self) -> &'a [u8] {
        &self.body.bytes[self.body.used..]
    }

    fn header(&mut self) -> Option<Header> {
        let mut decoder = Decoder::from(self.rest());
        match decoder.pull() {
            Ok(header) => {
                let length = decoder.offset();
                let shortest = match header {
                    Header::Positive(n) | Header::Negative(n) | Header::Tag(n) => head_len(n),
                    Header::Bytes(Some(n)) | Header::Text(Some(n)) => head_len(n as u64),
                    Header::Array(Some(n)) | Header::Map(Some(n)) => head_len(n as u64),
                    _ => length,
                };
                self.body.wasteful |= length > shortest;
                self.body.used += length;
                Some(header)
            }
            Err(ciborium_ll::Error::Io(_)) => {
                self.fail(Problem::Cut);
                None
            }
            Err(ciborium_ll::Error::Syntax(_)) => {
                self.fail(Problem::Malformed);
                None
            }
        }
    }

    /// The next `length` bytes, or those that are there.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let rest = self.rest();
        if length > rest.len() {
            self.fail(Problem::Cut);
        }
        let taken = &rest[..length.min(rest.len())];
        self.body.used += taken.len();
        taken
    }

    fn item(&mut self, header: Header, depth: usize) -> Item<'a> {
        match header {
            Header::Positive(n) => Item::Unsigned(n),
            Header::Negative(n) => Item::Negative(n),
            Header::Bytes(Some(length)) => Item::Bytes(self.take(length)),
            Header::Text(Some(length)) => {
                let bytes = self.take(length);
                core::str::from_utf8(bytes).map_or(Item::BadText(bytes), Item::Text)
            }
            Header::Bytes(None) => self.pieces(false),
            Header::Text(None) => self.pieces(true),
            Header::Simple(simple::FALSE) => Item::Bool(false),
            Header::Simple(simple::TRUE) => Item::Bool(true),
            Header::Simple(simple::NULL) => Item::Null,
            Header::Simple(simple::UNDEFINED) => Item::Undefined,
            Header::Simple(number) => Item::Simple(number),
            Header::Float(number) => Item::Float(number),
            Header::Break => {
                self.body.used -= 1;
                self.fail(Problem::Malformed);
                Item::Missing
            }
            Header::Tag(number) => match self.next_below(depth) {
                Some((header, depth)) => Item::Tag(number, Box::new(self.item(header, depth))),
                None => Item::Missing,
            },
            Header::Array(count) => {
                let mut elements = Vec::new();
                self.container(count, depth, |reader, header, depth| {
                    let element = reader.item(header, depth);
                    if reader.keeps() {
                        elements.push(element);
                    }
                });
                Item::Array(elements)
            }
            Header::Map(count) => {
                let mut entries = Vec::new();
                self.container(count, depth, |reader, header, depth| {
                    let key = reader.item(header, depth);
                    let value = match reader.body.problem {
                        None => match reader.header() {
                            Some(header) => reader.item(header, depth),
                            None => Item::Missing,
                        },
                        Some(_) => Item::Missing,
                    };
                    if reader.keeps() {
                        entries.push((key, value));
                    }
                });
                Item::Map(entries)
            }
        }
    }

    fn keeps(&mut self) -> bool {
        self.kept += 1;
        self.kept <= MAX_ITEMS
    }

    fn next_below(&mut self, depth: usize) -> Option<(Header, usize)> {
        let Some(depth) = depth.checked_sub(1) else {
            self.fail(Problem::TooDeep);
            return None;
        };
        Some((self.header()?, depth))
    }

    fn container(
        &mut self,
        count: Option<usize>,
        depth: usize,
        mut entry: impl FnMut(&mut Reader<'a>, Header, usize),
    ) {
        self.body.indefinite |= count.is_none();
        let mut left = count;
        while left != Some(0) && self.body.problem.is_none() {
            let Some((header, depth)) = self.next_below(depth) else { return };
            if header == Header::Break && left.is_none() {
                return;
            }
            entry(self, header, depth);
            left = left.map(|n| n - 1);
        }
    }

    fn pieces(&mut self, text: bool) -> Item<'a> {
        self.body.pieces = true;
        let mut length = 0;
        while self.body.problem.is_none() {
            match (self.header(), text) {
                (Some(Header::Break), _) => break,
                (Some(Header::Bytes(Some(n))), false) | (Some(Header::Text(Some(n))), true) => {
                    length += self.take(n).len();
                }
                (Some(_), _) => self.fail(Problem::Malformed),
                (None, _) => {}
            }
        }
        Item::Pieces { text, length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readable_part_of_a_cut_body_is_kept() {
        let body = Body::read(b"\xa2\x63off\x18\xa0\x64data\x58\xdeabc");
        assert_eq!(body.problem, Some(Problem::Cut));
        assert_eq!(body.get("off"), Some(&Item::Unsigned(160)));
        assert_eq!(body.get("data"), Some(&Item::Bytes(b"abc")));
        assert!(!body.is_exact_map());
    }

    #[test]
    fn what_servers_never_send_is_read_and_noted() {
        let body = Body::read(
            b"\xbf\x61a\xfb\x3f\xf8\0\0\0\0\0\0\x61b\x18\x05\x61c\x5f\x41x\x41y\xff\x61d\xc1\x00\xff",
        );
        assert_eq!((body.problem, body.used), (None, body.bytes.len()));
        assert!(body.indefinite && body.wasteful && body.pieces);
        assert_eq!(body.get("a"), Some(&Item::Float(1.5)));
        assert_eq!(body.get("b"), Some(&Item::Unsigned(5)));
        assert_eq!(body.get("c"), Some(&Item::Pieces { text: false, length: 2 }));
        assert_eq!(body.get("d"), Some(&Item::Tag(1, Box::new(Item::Unsigned(0)))));
    }

    #[test]
    fn hostile_bodies_end_with_a_problem_at_their_place() {
        let deep = [0x81; 40];
        for (bytes, problem, used) in [
            (&deep[..], Problem::TooDeep, MAX_DEPTH + 1),
            (&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Problem::Cut, 9),
            (&[0xa1, 0xff], Problem::Malformed, 1),
            (&[0x1c], Problem::Malformed, 0),
            (&[], Problem::Cut, 0),
        ] {
            let body = Body::read(bytes);
            assert_eq!((body.problem, body.used), (Some(problem), used), "{bytes:02x?}");
        }
    }

    #[test]
    fn no_more_items_are_kept_than_the_limit() {
        let mut bytes = vec![0x9a, 0, 0, 0x27, 0x10];
        bytes.extend([0; 10_000]);
        let body = Body::read(&bytes);
        assert_eq!((body.item.elements().len(), body.used), (MAX_ITEMS, bytes.len()));
    }
}
