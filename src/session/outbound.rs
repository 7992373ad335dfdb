//! A frame on its way out that does not fit one write.

use crate::conversation::Framing;
use crate::smp::console;

/// The longest line of the console framing, newline included (Zephyr `MCUMGR_SERIAL_MAX_FRAME`).
pub(crate) const LONGEST_LINE: usize = 128;

/// The rest of a frame that goes out in pieces.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    bytes: Vec<u8>,
    /// The next byte to go out, and the end of what is loaded.
    next: u32,
    end: u32,
    lines: bool,
}

impl Outbound {
    pub fn is_pending(&self) -> bool {
        self.next < self.end
    }

    /// Forgets what was not sent yet.
    pub fn clear(&mut self) {
        self.next = 0;
        self.end = 0;
    }

    /// Room to encode a frame of at most `limit` bytes.
    pub fn room(&mut self, limit: usize) -> &mut [u8] {
        if self.bytes.len() < limit {
            self.bytes.resize(limit, 0);
        }
        &mut self.bytes[..limit]
    }

    /// Takes the frame of `length` bytes that was encoded into the room.
    pub fn load(&mut self, length: usize, framing: Framing) {
        self.next = 0;
        self.lines = framing == Framing::Serial;
        if self.lines {
            let mut lines = Vec::with_capacity(console::encoded_len(length));
            console::encode(&self.bytes[..length], &mut lines);
            self.end = lines.len() as u32;
            self.bytes = lines;
        } else {
            self.end = length as u32;
        }
    }

    /// The next piece into `buffer`: a line of the console, or at most `max_write` bytes.
    pub fn next_piece(&mut self, max_write: usize, buffer: &mut [u8]) -> Option<usize> {
        if !self.is_pending() {
            return None;
        }
        let rest = &self.bytes[self.next as usize..self.end as usize];
        let length = if self.lines {
            rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 1)
        } else {
            rest.len().min(max_write)
        };
        buffer.get_mut(..length)?.copy_from_slice(&rest[..length]);
        self.next += length as u32;
        Some(length)
    }
}
