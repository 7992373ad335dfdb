//! Reading and writing the CBOR of SMP bodies (RFC 8949) without allocating.
//!
//! Servers answer with indefinite-length maps and arrays, because zcbor is not canonical by default; both forms are read.
//! Reading is by ciborium, which knows every form; of writing there is one form, and a chunk is written often.

use ciborium_ll::{Decoder, Header, simple};

/// How deeply maps and arrays may nest before a body is refused.
pub const MAX_DEPTH: usize = 8;

/// The bytes are not the CBOR that an SMP body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end inside an item.
    #[error("the CBOR ends inside an item")]
    Truncated,
    /// A byte does not start any item, or a break stands where none may.
    #[error("the bytes are not well-formed CBOR")]
    Malformed,
    /// Maps or arrays nest deeper than [`MAX_DEPTH`].
    #[error("the CBOR nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The body is not a map.
    #[error("the body is not a CBOR map")]
    NotAMap,
}

/// One item of a body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// An unsigned integer.
    Unsigned(u64),
    /// The negative integer `-1 - n`.
    Negative(u64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text string.
    Text(&'a str),
    /// True or false.
    Bool(bool),
    /// A map.
    Map(Items<'a>),
    /// An array.
    Array(Items<'a>),
    /// Null, undefined, a float, a tagged item, a string in pieces: nothing that SMP servers use.
    Other,
}

impl<'a> Value<'a> {
    /// The number, if it is an unsigned integer that fits 32 bits.
    pub fn as_u32(&self) -> Option<u32> {
        match self {
            Value::Unsigned(n) => u32::try_from(*n).ok(),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The undecoded content of a map or an array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Items<'a> {
    bytes: &'a [u8],
    /// How many entries there are; `None` up to a break.
    count: Option<usize>,
}

impl<'a> Items<'a> {
    /// The map that `body` holds. Bytes after it are ignored, as servers ignore them.
    pub fn of_map(body: &'a [u8]) -> Result<Items<'a>, CborError> {
        let mut reader = Reader { rest: body };
        match reader.header()? {
            Header::Map(count) => Ok(Items { bytes: reader.rest, count }),
            _ => Err(CborError::NotAMap),
        }
    }

    /// Calls `visit` for each entry of a map whose key is text; other keys are passed over.
    pub fn entries(&self, mut visit: impl FnMut(&'a str, Value<'a>)) -> Result<(), CborError> {
        self.walk(|reader, first, depth| {
            let key = reader.value_after(first, depth)?;
            let header = reader.header()?;
            let value = reader.value_after(header, depth)?;
            if let Value::Text(key) = key {
                visit(key, value);
            }
            Ok(())
        })
        .map(|_| ())
    }

    /// Calls `visit` for each element of an array.
    pub fn elements(&self, mut visit: impl FnMut(Value<'a>)) -> Result<(), CborError> {
        self.walk(|reader, first, depth| {
            visit(reader.value_after(first, depth)?);
            Ok(())
        })
        .map(|_| ())
    }

    fn walk(
        &self,
        mut entry: impl FnMut(&mut Reader<'a>, Header, usize) -> Result<(), CborError>,
    ) -> Result<&'a [u8], CborError> {
        let mut reader = Reader { rest: self.bytes };
        let mut left = self.count;
        while left != Some(0) {
            let first = reader.header()?;
            if first == Header::Break {
                return if left.is_none() { Ok(reader.rest) } else { Err(CborError::Malformed) };
            }
            entry(&mut reader, first, MAX_DEPTH)?;
            left = left.map(|n| n - 1);
        }
        Ok(reader.rest)
    }
}

/// Calls `visit` for each entry of the map in `body`; see [`Items::entries`].
#[inline]
pub fn entries<'a>(body: &'a [u8], visit: impl FnMut(&'a str, Value<'a>)) -> Result<(), CborError> {
    Items::of_map(body)?.entries(visit)
}

/// Whether `body` is one map with text keys alone and ends where the map ends, as every body of a server does.
pub fn is_exact_map(body: &[u8]) -> bool {
    let mut text_keys = true;
    let rest = Items::of_map(body).and_then(|items| {
        items.walk(|reader, first, depth| {
            text_keys &= matches!(reader.value_after(first, depth)?, Value::Text(_));
            let header = reader.header()?;
            reader.value_after(header, depth)?;
            Ok(())
        })
    });
    text_keys && rest.is_ok_and(<[u8]>::is_empty)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    fn header(&mut self) -> Result<Header, CborError> {
        let mut decoder = Decoder::from(self.rest);
        match decoder.pull() {
            Ok(header) => {
                let used = decoder.offset();
                self.rest = &self.rest[used..];
                Ok(header)
            }
            Err(ciborium_ll::Error::Io(_)) => Err(CborError::Truncated),
            Err(ciborium_ll::Error::Syntax(_)) => Err(CborError::Malformed),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CborError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn value_after(&mut self, header: Header, depth: usize) -> Result<Value<'a>, CborError> {
        Ok(match header {
            Header::Positive(n) => Value::Unsigned(n),
            Header::Negative(n) => Value::Negative(n),
            Header::Simple(simple::TRUE) => Value::Bool(true),
            Header::Simple(simple::FALSE) => Value::Bool(false),
            Header::Bytes(Some(length)) => Value::Bytes(self.take(length)?),
            Header::Text(Some(length)) => {
                Value::Text(core::str::from_utf8(self.take(length)?).map_err(|_| CborError::Malformed)?)
            }
            Header::Map(count) => {
                let items = Items { bytes: self.rest, count };
                self.skip_items(count, 2, depth)?;
                Value::Map(items)
            }
            Header::Array(count) => {
                let items = Items { bytes: self.rest, count };
                self.skip_items(count, 1, depth)?;
                Value::Array(items)
            }
            Header::Bytes(None) | Header::Text(None) => loop {
                match self.header()? {
                    Header::Break => break Value::Other,
                    Header::Bytes(Some(length)) | Header::Text(Some(length)) => {
                        self.take(length)?;
                    }
                    _ => return Err(CborError::Malformed),
                }
            },
            Header::Tag(_) => {
                let depth = depth.checked_sub(1).ok_or(CborError::TooDeep)?;
                let header = self.header()?;
                self.value_after(header, depth)?;
                Value::Other
            }
            Header::Simple(_) | Header::Float(_) => Value::Other,
            Header::Break => return Err(CborError::Malformed),
        })
    }

    fn skip_items(&mut self, count: Option<usize>, per_entry: usize, depth: usize) -> Result<(), CborError> {
        let depth = depth.checked_sub(1).ok_or(CborError::TooDeep)?;
        let mut left = count;
        while left != Some(0) {
            let mut header = self.header()?;
            if header == Header::Break {
                return if left.is_none() { Ok(()) } else { Err(CborError::Malformed) };
            }
            self.value_after(header, depth)?;
            for _ in 1..per_entry {
                header = self.header()?;
                self.value_after(header, depth)?;
            }
            left = left.map(|n| n - 1);
        }
        Ok(())
    }
}

/// Writes definite-length CBOR into a caller's buffer.
///
/// Running over the end is remembered and told by [`Writer::finish`], so that a body is written without a check per item.
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

/// The major types that are written, as they stand in the first byte of a head (RFC 8949 section 3.1).
mod major {
    pub const UNSIGNED: u8 = 0 << 5;
    pub const BYTES: u8 = 2 << 5;
    pub const TEXT: u8 = 3 << 5;
    pub const ARRAY: u8 = 4 << 5;
    pub const MAP: u8 = 5 << 5;
    pub const SIMPLE: u8 = 7 << 5;
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `buffer`.
    #[inline]
    pub fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, length: 0 }
    }

    #[inline]
    fn raw(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(target) = self.buffer.get_mut(self.length..end) {
            target.copy_from_slice(bytes);
        }
        self.length = end;
    }

    /// A head in its shortest form (RFC 8949 section 4.1).
    #[inline]
    fn head(&mut self, major: u8, number: u64) {
        let [a, b, c, d] = (number as u32).to_be_bytes();
        match head_len(number) {
            1 => self.raw(&[major | d]),
            2 => self.raw(&[major | 24, d]),
            3 => self.raw(&[major | 25, c, d]),
            5 => self.raw(&[major | 26, a, b, c, d]),
            _ => {
                self.raw(&[major | 27]);
                self.raw(&number.to_be_bytes());
            }
        }
    }

    /// Opens a map of `entries` entries.
    #[inline]
    pub fn map(&mut self, entries: usize) -> &mut Self {
        self.head(major::MAP, entries as u64);
        self
    }

    /// Opens an array of `elements` elements.
    pub fn array(&mut self, elements: usize) -> &mut Self {
        self.head(major::ARRAY, elements as u64);
        self
    }

    /// A text string.
    #[inline]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(major::TEXT, text.len() as u64);
        self.raw(text.as_bytes());
        self
    }

    /// A byte string.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(major::BYTES, bytes.len() as u64);
        self.raw(bytes);
        self
    }

    /// An unsigned integer.
    #[inline]
    pub fn unsigned(&mut self, number: u64) -> &mut Self {
        self.head(major::UNSIGNED, number);
        self
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[major::SIMPLE | if value { simple::TRUE } else { simple::FALSE }]);
        self
    }

    /// The number of bytes written; `Err` with the number needed when the buffer was too short.
    pub fn finish(self) -> Result<usize, usize> {
        if self.length <= self.buffer.len() { Ok(self.length) } else { Err(self.length) }
    }
}

/// Writes a body of any length.
pub(crate) fn encode(write: impl Fn(&mut Writer<'_>)) -> Vec<u8> {
    let mut body = vec![0; 128];
    loop {
        let mut writer = Writer::new(&mut body);
        write(&mut writer);
        match writer.finish() {
            Ok(length) => {
                body.truncate(length);
                return body;
            }
            Err(needed) => body.resize(needed, 0),
        }
    }
}

/// The length in bytes of the head of an unsigned integer, a string's length or a map's count.
pub const fn head_len(number: u64) -> usize {
    match number {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_value(body: &[u8]) -> Result<Option<(String, bool)>, CborError> {
        let mut seen = None;
        entries(body, |key, value| seen = Some((key.to_owned(), value != Value::Other)))?;
        Ok(seen)
    }

    #[test]
    fn the_answer_of_the_field_reads_in_both_forms() {
        for body in [
            &[0xbf, 0x62, b'r', b'c', 0x00, 0x63, b'o', b'f', b'f', 0x18, 0xa0, 0xff][..],
            &[0xa2, 0x62, b'r', b'c', 0x00, 0x63, b'o', b'f', b'f', 0x18, 0xa0][..],
            &[0xa2, 0x63, b'o', b'f', b'f', 0x18, 0xa0, 0x62, b'r', b'c', 0x00][..],
        ] {
            let mut off = None;
            entries(body, |key, value| {
                if key == "off" {
                    off = value.as_u32();
                }
            })
            .expect("well-formed");
            assert_eq!(off, Some(160));
        }
    }

    #[test]
    fn nesting_counts_and_lengths_from_outside_are_bounded() {
        let mut deep = vec![0xa1, 0x61, b'a'];
        deep.extend([0x81; 40]);
        deep.push(0);
        assert_eq!(first_value(&deep), Err(CborError::TooDeep));
        let mut tags = vec![0xa1, 0x61, b'a'];
        tags.extend([0xc1; 40]);
        tags.push(0);
        assert_eq!(first_value(&tags), Err(CborError::TooDeep));
        assert_eq!(
            first_value(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Err(CborError::Truncated)
        );
        assert_eq!(first_value(&[0xa1, 0x61, b'a', 0x5a, 0xff, 0xff, 0xff, 0xff]), Err(CborError::Truncated));
        assert_eq!(first_value(&[0xa1, 0x61, b'a', 0xff]), Err(CborError::Malformed));
        assert_eq!(first_value(&[0x01]), Err(CborError::NotAMap));
        assert_eq!(first_value(&[]), Err(CborError::Truncated));
    }

    #[test]
    fn an_exact_map_ends_with_the_body_and_has_text_keys() {
        for (body, exact) in [
            (&[0xa0][..], true),
            (&[0xbf, 0xff], true),
            (&[0xa1, 0x61, b'a', 0x01], true),
            (&[0xa1, 0x61, b'a', 0x01, 0x00], false),
            (&[0xbf, 0x61, b'a', 0x01, 0xff, 0xff], false),
            (&[0xa1, 0x01, 0x61, b'a'], false),
            (&[0xbf, 0x61, b'a', 0x01], false),
            (&[0x80], false),
            (&[], false),
        ] {
            assert_eq!(is_exact_map(body), exact, "{body:02x?}");
        }
    }

    #[test]
    fn a_string_in_pieces_is_passed_over() {
        let body = [0xa2, 0x61, b'x', 0x5f, 0x41, 7, 0x42, 8, 9, 0xff, 0x61, b'a', 0x01];
        let mut seen = Vec::new();
        entries(&body, |key, value| seen.push((key.to_owned(), value))).expect("well-formed");
        assert_eq!(seen, [("x".to_owned(), Value::Other), ("a".to_owned(), Value::Unsigned(1))]);
    }

    #[test]
    fn heads_are_in_the_shortest_form_and_read_as_they_were_written() {
        for number in [0, 23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
            let mut buffer = [0; 16];
            let mut writer = Writer::new(&mut buffer);
            writer.unsigned(number);
            assert_eq!(writer.finish(), Ok(head_len(number)), "{number}");
            let read = Decoder::from(&buffer[..]).pull();
            assert!(matches!(read, Ok(Header::Positive(n)) if n == number), "{number}: {read:?}");
        }
    }

    #[test]
    fn every_kind_of_item_is_what_ciborium_writes() {
        let (text, bytes) = ("x".repeat(300), vec![7; 70_000]);
        let body = encode(|w| {
            w.map(2).text("a").array(3).bool(true).bool(false).unsigned(0x1_0000_0000);
            w.text(&text).bytes(&bytes);
        });
        let value = ciborium::Value::Map(vec![
            ("a".into(), ciborium::Value::Array(vec![true.into(), false.into(), 0x1_0000_0000u64.into()])),
            (text.as_str().into(), ciborium::Value::Bytes(bytes.clone())),
        ]);
        let mut expected = Vec::new();
        ciborium::into_writer(&value, &mut expected).expect("a Vec takes everything");
        assert_eq!(body, expected);
    }

    #[test]
    fn a_short_buffer_is_told_with_the_needed_length() {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        writer.map(1).text("data").bytes(&[1, 2, 3]);
        assert_eq!(writer.finish(), Err(10));
    }
}
