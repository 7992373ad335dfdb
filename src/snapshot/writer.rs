//! Writing the fields of a snapshot.

use super::{CRC, CRC_LEN, MAGIC, MAX_LEN_WITHOUT_MESSAGE, MESSAGE_HEAD_LEN, VERSION};

/// Collects fields; whether they fit is told before what is without a limit of its own.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts with magic and version.
    pub fn new() -> Writer {
        let mut writer = Writer { bytes: Vec::with_capacity(MAX_LEN_WITHOUT_MESSAGE) };
        writer.bytes(&MAGIC);
        writer.u8(VERSION);
        writer
    }

    /// Bytes of a length that the reader knows.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// At most 255 bytes behind their length.
    pub fn short_bytes(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(255)];
        self.u8(bytes.len() as u8);
        self.bytes(bytes);
    }

    /// Eight flags, the first one in the lowest bit.
    pub fn flags(&mut self, flags: [bool; 8]) {
        self.u8(flags.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag)));
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

    /// How many more bytes there is room for, before the half-received message and the checksum.
    pub fn room(&self) -> usize {
        MAX_LEN_WITHOUT_MESSAGE.saturating_sub(self.bytes.len() + MESSAGE_HEAD_LEN + CRC_LEN)
    }

    /// Appends the half-received message, 0 bytes for none, and the checksum. The snapshot, or `None` when the fields did
    /// not fit.
    pub fn finish(mut self, message: &[u8]) -> Option<Vec<u8>> {
        if self.bytes.len() + MESSAGE_HEAD_LEN + CRC_LEN > MAX_LEN_WITHOUT_MESSAGE {
            return None;
        }
        self.u32(message.len() as u32);
        self.bytes(message);
        let checksum = CRC.checksum(&self.bytes);
        self.u32(checksum);
        Some(self.bytes)
    }
}
