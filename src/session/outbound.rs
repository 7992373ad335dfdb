//! A frame on its way out that does not fit one write.

use crate::conversation::Framing;
use crate::smp::console;
use crate::smp::header::HEADER_LEN;

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
    /// Whether the pieces of this frame are the shorter ones.
    shorter: bool,
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
        self.shorter = !self.shorter;
        self.length = length as u32;
        self.lines = framing == Framing::Serial;
        self.end = if self.lines { console::line_count(length) as u32 } else { self.length };
    }

    /// The next piece into `buffer`: a line of the console, or at most `max_write` bytes.
    ///
    /// The first piece of a frame and the others differ in length, and both change from frame to frame: `max_write` bytes and
    /// one less, or two and three less. A server that puts writes together (Zephyr `smp_reassembly.c`) checks nothing but the
    /// sum of their lengths: were all of a size, a piece of the next frame would just fill the place of a lost one, and the
    /// frame would count as whole with foreign bytes in its midst. So it overflows instead, and the server drops the
    /// damaged frame.
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
        let most = match (self.next, self.shorter) {
            (0, false) => max_write,
            // Also the echo that finds out whether the device puts writes together: it goes out as it would be cut off.
            (0, true) if rest.len() < max_write + HEADER_LEN => max_write,
            (0, true) => max_write - 2,
            (_, false) => max_write - 1,
            (_, true) => max_write - 3,
        };
        let length = rest.len().min(most);
        buffer.get_mut(..length)?.copy_from_slice(&rest[..length]);
        self.next += length as u32;
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(frame: usize, max_write: usize) -> Vec<usize> {
        let mut outbound = Outbound::default();
        outbound.room(frame).fill(7);
        outbound.load(frame, Framing::Raw);
        let mut buffer = vec![0; max_write];
        std::iter::from_fn(|| outbound.next_piece(max_write, &mut buffer)).collect()
    }

    #[test]
    fn a_frame_goes_out_in_the_fewest_writes() {
        assert_eq!(pieces(244, 244), [244]);
        assert_eq!(pieces(384, 244), [242, 142]);
        let large = pieces(2475, 244);
        assert_eq!((large.len(), large.iter().sum::<usize>()), (11, 2475));
        assert_eq!(pieces(24, 20), [20, 4]);
        assert_eq!(pieces(248, 244), [244, 4]);
    }

    /// What a server makes of the writes that reach it: every frame with a header of ours whose length came together.
    fn reassembled(writes: &[Vec<u8>], length: usize) -> Vec<Vec<u8>> {
        let (mut frames, mut open) = (Vec::new(), Vec::<u8>::new());
        for write in writes {
            if open.is_empty() && !write.starts_with(&[2, 0xaa]) {
                continue;
            }
            open.extend_from_slice(write);
            if open.len() >= length {
                if open.len() == length {
                    frames.push(std::mem::take(&mut open));
                }
                open.clear();
            }
        }
        frames
    }

    #[test]
    fn two_lost_pieces_make_no_frame_of_two() {
        for length in [252, 384, 480, 1024, 2475] {
            let mut outbound = Outbound::default();
            let (mut writes, mut frames) = (Vec::new(), Vec::new());
            for n in 0..4u8 {
                outbound.room(length).fill(n);
                outbound.room(length)[..2].copy_from_slice(&[2, 0xaa]);
                frames.push(outbound.room(length).to_vec());
                outbound.load(length, Framing::Raw);
                let mut buffer = vec![0; 244];
                while let Some(piece) = outbound.next_piece(244, &mut buffer) {
                    writes.push(buffer[..piece].to_vec());
                }
            }
            assert_eq!(reassembled(&writes, length), frames);
            for one in 0..writes.len() {
                for other in 0..=one {
                    let mut left = writes.clone();
                    left.remove(one);
                    if one != other {
                        left.remove(other);
                    }
                    let whole = reassembled(&left, length);
                    assert!(whole.iter().all(|frame| frames.contains(frame)), "{length}: {one} {other}");
                }
            }
        }
    }
}
