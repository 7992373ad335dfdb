//! The device's own CBOR: a small writer in the way of zcbor (containers of indefinite length, keys in the order
//! of the C source), and arguments decoded with ciborium. Nothing here is shared with the client's codec.

use ciborium::Value;

/// Appends CBOR to a byte vector.
#[derive(Debug)]
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    fn head(&mut self, major: u8, value: u64) {
        let major = major << 5;
        match value {
            0..=23 => self.0.push(major | value as u8),
            24..=0xff => self.0.extend_from_slice(&[major | 24, value as u8]),
            0x100..=0xffff => {
                self.0.push(major | 25);
                self.0.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(major | 26);
                self.0.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    pub(super) fn map(&mut self) {
        self.0.push(0xbf);
    }

    pub(super) fn list(&mut self) {
        self.0.push(0x9f);
    }

    pub(super) fn end(&mut self) {
        self.0.push(0xff);
    }

    pub(super) fn uint(&mut self, value: u64) {
        self.head(0, value);
    }

    pub(super) fn int(&mut self, value: i64) {
        if value < 0 { self.head(1, (-1 - value) as u64) } else { self.head(0, value as u64) }
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.0.push(0xf4 | u8::from(value));
    }

    pub(super) fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(super) fn uint_at(&mut self, key: &str, value: u64) {
        self.text(key);
        self.uint(value);
    }

    pub(super) fn text_at(&mut self, key: &str, value: &str) {
        self.text(key);
        self.text(value);
    }

    pub(super) fn flag_at(&mut self, key: &str, value: bool, frugal: bool) {
        if value || !frugal {
            self.text(key);
            self.boolean(value);
        }
    }
}

/// The arguments of a request: a map of text keys. What zcbor would not decode is an error.
#[derive(Debug)]
pub(super) struct Args(Vec<(Value, Value)>);

/// The body is not a map, or a known key has a value of another type. The server answers rc 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Args {
    /// Decodes the first data item of the body; what follows it is ignored, as zcbor does.
    pub(super) fn parse(body: &[u8]) -> Result<Args, Malformed> {
        match ciborium::de::from_reader_with_recursion_limit(body, 8) {
            Ok(Value::Map(entries)) => Ok(Args(entries)),
            _ => Err(Malformed),
        }
    }

    fn find(&self, key: &str) -> Result<Option<&Value>, Malformed> {
        let mut found = self.0.iter().filter(|(k, _)| k.as_text() == Some(key));
        match (found.next(), found.next()) {
            (entry, None) => Ok(entry.map(|(_, value)| value)),
            _ => Err(Malformed),
        }
    }

    /// An unsigned number that fits the device's 32-bit size_t.
    pub(super) fn uint(&self, key: &str) -> Result<Option<u32>, Malformed> {
        self.find(key)?
            .map(|v| v.as_integer().and_then(|i| u32::try_from(i).ok()).ok_or(Malformed))
            .transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Malformed> {
        self.find(key)?.map(|v| v.as_text().ok_or(Malformed)).transpose()
    }

    pub(super) fn bytes(&self, key: &str) -> Result<Option<&[u8]>, Malformed> {
        self.find(key)?.map(|v| v.as_bytes().map(Vec::as_slice).ok_or(Malformed)).transpose()
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Malformed> {
        self.find(key)?.map(|v| v.as_bool().ok_or(Malformed)).transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&str>>, Malformed> {
        let Some(value) = self.find(key)? else { return Ok(None) };
        let list = value.as_array().ok_or(Malformed)?;
        list.iter().map(|v| v.as_text().ok_or(Malformed)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn uints(&self, key: &str) -> Result<Option<Vec<u32>>, Malformed> {
        let Some(value) = self.find(key)? else { return Ok(None) };
        let list = value.as_array().ok_or(Malformed)?;
        let number = |v: &Value| v.as_integer().and_then(|i| u32::try_from(i).ok()).ok_or(Malformed);
        list.iter().map(number).collect::<Result<_, _>>().map(Some)
    }
}
