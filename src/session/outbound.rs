//! A frame on its way out that does not fit one write.

use crate::conversation::Framing;
use crate::smp::console;

/// The longest line of the console framing, newline included (Zephyr `MCUMGR_SERIAL_MAX_FRAME`).
pub(crate) const LONGEST_LINE: usize = 128;

/// The rest of a frame that goes out in pieces.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    bytes: Vec<u8>,
    /// How many of the bytes are the frame.
    length: u32,
    /// The next byte or line to go out, and the first behind the frame.
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
        self.length = length as u32;
        self.lines = framing == Framing::Serial;
        self.end = if self.lines { console::line_count(length) as u32 } else { self.length };
    }

    /// The next piece into `buffer`: a line of the console, or at most `max_write` bytes.
    pub fn next_piece(&mut self, max_write: usize, buffer: &mut [u8]) -> Option<usize> {
        if !self.is_pending() {
            return None;
        }
        let frame = &self.bytes[..self.length as usize];
        if self.lines {
            let line = console::line(frame, self.next as usize)?;
            buffer.get_mut(..line.as_bytes().len())?.copy_from_slice(line.as_bytes());
            self.next += 1;
            return Some(line.as_bytes().len());
        }
        let rest = &frame[self.next as usize..];
        let length = rest.len().min(max_write);
        buffer.get_mut(..length)?.copy_from_slice(&rest[..length]);
        self.next += length as u32;
        Some(length)
    }
}
