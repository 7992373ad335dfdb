//! Writing the fields of a snapshot.

use super::{CRC, CRC_LEN, MAGIC, MAX_LEN, VERSION};

/// Writes into a buffer of [`MAX_LEN`] bytes; running over is told at the end.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8; MAX_LEN],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Starts with magic and version.
    pub fn new(buffer: &'a mut [u8; MAX_LEN]) -> Writer<'a> {
        let mut writer = Writer { buffer, length: 0 };
        writer.bytes(&MAGIC);
        writer.u8(VERSION);
        writer
    }

    /// Bytes of a length that the reader knows.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if let Some(target) = self.buffer.get_mut(self.length..self.length + bytes.len()) {
            target.copy_from_slice(bytes);
        }
        self.length += bytes.len();
    }

    /// At most 255 bytes behind their length.
    pub fn short_bytes(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(255)];
        self.u8(bytes.len() as u8);
        self.bytes(bytes);
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// How many more bytes there is room for.
    pub fn room(&self) -> usize {
        MAX_LEN.saturating_sub(self.length + CRC_LEN)
    }

    /// Appends the checksum. The length of the snapshot, or `None` when it did not fit.
    pub fn finish(mut self) -> Option<usize> {
        let checksum = CRC.checksum(self.buffer.get(..self.length)?);
        self.u32(checksum);
        (self.length <= MAX_LEN).then_some(self.length)
    }
}
