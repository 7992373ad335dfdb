//! The last entries of a recording, in a room of fixed size.

use super::content::{behind_data, is_chunk, length, without_data};
use super::{Direction, Entry, Form};

/// In front of each entry: what it is, its time, how many bytes stand behind it, how many were left out.
const HEAD: usize = 1 + 8 + 4 + 4;
const SENT: u8 = 0;
const RECEIVED: u8 = 1;
const WORD: u8 = 2;

/// A ring of bytes. It allocates its room once; when that is full the oldest entries give way.
#[derive(Debug)]
pub struct Ring {
    room: Box<[u8]>,
    /// Where the oldest entry begins, and how many bytes all entries take.
    start: usize,
    used: usize,
    headers_only: bool,
    /// What stands behind the data of the chunk that goes out next.
    behind: Vec<u8>,
    /// The chunk under way goes on in the next pieces, to the device and from it: so many bytes.
    in_chunk: [usize; 2],
    dropped: u64,
    /// Whether something was taken out, so that the start of a file was written.
    begun: bool,
}

/// What stands in front of an entry.
#[inline(always)]
fn write_head(head: &mut [u8; HEAD], now_ms: u64, kind: u8, shown: usize, left_out: usize) {
    head[0] = kind;
    head[1..9].copy_from_slice(&now_ms.to_le_bytes());
    head[9..13].copy_from_slice(&(shown as u32).to_le_bytes());
    head[13..].copy_from_slice(&(left_out as u32).to_le_bytes());
}

/// An entry that was taken out or looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The caller's time in milliseconds.
    pub at_ms: u64,
    kind: u8,
    bytes: Vec<u8>,
    left_out: usize,
}

impl Recorded {
    /// What it is.
    pub fn entry(&self) -> Entry<'_> {
        match self.kind {
            WORD => Entry::Word(std::str::from_utf8(&self.bytes).unwrap_or_default()),
            kind => {
                let direction = if kind == SENT { Direction::Sent } else { Direction::Received };
                Entry::Bytes(direction, &self.bytes, self.left_out)
            }
        }
    }
}

impl Ring {
    /// A ring of `capacity` bytes; an entry takes 17 more than its bytes.
    pub fn new(capacity: usize, headers_only: bool) -> Ring {
        Ring {
            room: vec![0; capacity.max(2 * HEAD)].into_boxed_slice(),
            start: 0,
            used: 0,
            headers_only,
            behind: Vec::new(),
            in_chunk: [0; 2],
            dropped: 0,
            begun: false,
        }
    }

    /// This frame goes out next, in several writes. Of one whose data is left out, what stands behind it is told in front of it.
    pub fn begins(&mut self, frame: &[u8]) {
        if self.headers_only {
            self.behind = behind_data(frame).to_vec();
        }
    }

    /// These bytes went to the device in one write.
    #[inline]
    pub fn sent(&mut self, now_ms: u64, bytes: &[u8]) {
        if !self.behind.is_empty() && bytes.len() > 9 {
            return self.sent_first(now_ms, bytes);
        }
        let shown = self.shown(SENT, bytes);
        self.put(now_ms, SENT, &bytes[..shown], bytes.len() - shown);
    }

    /// The first write of a frame with something behind its data.
    #[cold]
    fn sent_first(&mut self, now_ms: u64, bytes: &[u8]) {
        let behind = std::mem::take(&mut self.behind);
        self.in_chunk[usize::from(SENT)] = 0;
        let shown = self.shown(SENT, bytes);
        // Behind the header and the head of the map.
        let told = [&bytes[..9], &behind, &bytes[9.min(shown)..shown]].concat();
        // Something is always left out: the data.
        self.put(now_ms, SENT, &told, bytes.len().saturating_sub(told.len()).max(1));
    }

    /// These bytes came from the device.
    #[inline]
    pub fn received(&mut self, now_ms: u64, bytes: &[u8]) {
        let shown = self.shown(RECEIVED, bytes);
        self.put(now_ms, RECEIVED, &bytes[..shown], bytes.len() - shown);
    }

    /// Something else happened.
    pub fn word(&mut self, now_ms: u64, word: &str) {
        let plain = word.len().min(200);
        let plain = (0..=plain).rev().find(|end| word.is_char_boundary(*end)).unwrap_or(0);
        self.put(now_ms, WORD, &word.as_bytes()[..plain], 0);
    }

    /// How many bytes of a piece are shown: all, or those that are no data of a chunk, which may go on in further pieces.
    fn shown(&mut self, kind: u8, bytes: &[u8]) -> usize {
        if !self.headers_only {
            return bytes.len();
        }
        let rest = &mut self.in_chunk[usize::from(kind)];
        // A whole frame begins anew, whatever got lost of the one before it.
        if *rest > 0 && (bytes.len() <= 8 || bytes.len() != length(bytes) || bytes[1] != 0) {
            *rest = rest.saturating_sub(bytes.len());
            return 0;
        }
        *rest = if is_chunk(bytes) { length(bytes).saturating_sub(bytes.len()) } else { 0 };
        without_data(bytes)
    }

    #[inline(always)]
    fn put(&mut self, now_ms: u64, kind: u8, bytes: &[u8], left_out: usize) {
        // What does not fit into the whole room is cut.
        let shown = bytes.len().min(self.room.len() - HEAD);
        let left_out = left_out + bytes.len() - shown;
        while self.room.len() - self.used < HEAD + shown {
            self.drop_oldest();
        }
        let at = self.place(self.used);
        // A head that is put together elsewhere and then copied costs as much as all the rest.
        if let Some((head, entry)) =
            self.room.get_mut(at..at + HEAD + shown).and_then(|entry| entry.split_first_chunk_mut())
        {
            write_head(head, now_ms, kind, shown, left_out);
            entry.copy_from_slice(&bytes[..shown]);
            self.used += HEAD + shown;
        } else {
            self.put_around(now_ms, kind, &bytes[..shown], left_out);
        }
    }

    /// An entry that goes on at the start of the room.
    #[cold]
    fn put_around(&mut self, now_ms: u64, kind: u8, bytes: &[u8], left_out: usize) {
        let mut head = [0; HEAD];
        write_head(&mut head, now_ms, kind, bytes.len(), left_out);
        self.write(&head);
        self.write(bytes);
    }

    /// Where a byte of all entries stands in the room. Both numbers are at most the length of the room; a division would cost as much
    /// as all the copying.
    #[inline]
    fn place(&self, from: usize) -> usize {
        let at = self.start + from;
        if at >= self.room.len() { at - self.room.len() } else { at }
    }

    #[cold]
    fn write(&mut self, bytes: &[u8]) {
        let at = self.place(self.used);
        let first = bytes.len().min(self.room.len() - at);
        self.room[at..at + first].copy_from_slice(&bytes[..first]);
        self.room[..bytes.len() - first].copy_from_slice(&bytes[first..]);
        self.used += bytes.len();
    }

    fn read(&self, from: usize, out: &mut [u8]) {
        let at = self.place(from);
        let first = out.len().min(self.room.len() - at);
        let (a, b) = out.split_at_mut(first);
        a.copy_from_slice(&self.room[at..at + first]);
        b.copy_from_slice(&self.room[..b.len()]);
    }

    fn head(&self, from: usize) -> (u8, u64, usize, usize) {
        let mut head = [0; HEAD];
        self.read(from, &mut head);
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let time = u64::from(number(1)) | u64::from(number(5)) << 32;
        (head[0], time, number(9) as usize, number(13) as usize)
    }

    #[inline]
    fn drop_oldest(&mut self) {
        let length = match self.room.get(self.start + 9..self.start + 13) {
            Some(field) => u32::from_le_bytes([field[0], field[1], field[2], field[3]]) as usize,
            None => self.head(0).2,
        };
        self.start = self.place(HEAD + length);
        self.used -= HEAD + length;
        self.dropped += 1;
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// How many entries gave way to later ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The entries from the oldest on; they stay.
    pub fn entries(&self) -> impl Iterator<Item = Recorded> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            if from >= self.used {
                return None;
            }
            let (kind, at_ms, length, left_out) = self.head(from);
            let mut bytes = vec![0; length];
            self.read(from + HEAD, &mut bytes);
            from += HEAD + length;
            Some(Recorded { at_ms, kind, bytes, left_out })
        })
    }

    /// Everything in it as a file.
    pub fn file(&self, form: Form) -> Vec<u8> {
        let mut file = form.start();
        self.entries().for_each(|recorded| file.extend(form.entry(recorded.at_ms, recorded.entry())));
        file
    }

    /// Takes out as many whole entries as fit into `room` bytes, oldest first; the first time with what stands in front of a file.
    /// Nothing when not even one fits: then [`Ring::need`] says what it takes.
    pub fn drain(&mut self, form: Form, room: usize) -> Vec<u8> {
        let mut out = if self.begun { Vec::new() } else { form.start() };
        if out.len() > room {
            return Vec::new();
        }
        let mut taken = 0;
        for recorded in self.entries() {
            let entry = form.entry(recorded.at_ms, recorded.entry());
            if out.len() + entry.len() > room {
                break;
            }
            out.extend(entry);
            taken += 1;
        }
        if taken == 0 {
            return Vec::new();
        }
        self.begun = true;
        for _ in 0..taken {
            self.take();
        }
        out
    }

    /// How many bytes [`Ring::drain`] needs at least; 0 when there is nothing to take.
    pub fn need(&self, form: Form) -> usize {
        let start = if self.begun { 0 } else { form.start().len() };
        self.entries().next().map_or(0, |recorded| start + form.entry(recorded.at_ms, recorded.entry()).len())
    }

    /// Takes the oldest entry out.
    pub fn take(&mut self) -> Option<Recorded> {
        let oldest = self.entries().next()?;
        self.drop_oldest();
        self.dropped -= 1;
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ring: &Ring) -> Vec<String> {
        let word = |recorded: Recorded| match recorded.entry() {
            Entry::Word(word) => word.to_owned(),
            Entry::Bytes(direction, bytes, left_out) => format!("{direction:?} {bytes:?} +{left_out}"),
        };
        ring.entries().map(word).collect()
    }

    #[test]
    fn the_oldest_gives_way_and_the_room_stays_as_it_is() {
        for capacity in [60, 64, 100, 101, 103] {
            let mut ring = Ring::new(capacity, false);
            for n in 0..50u64 {
                ring.word(n, &format!("word {n}"));
            }
            let told = words(&ring);
            assert_eq!(told.last().map(String::as_str), Some("word 49"));
            assert_eq!(told.len(), capacity / (HEAD + 7), "{capacity}");
            assert_eq!(ring.dropped() as usize + told.len(), 50);
            assert_eq!(ring.take().map(|taken| taken.at_ms), Some(50 - told.len() as u64));
            assert_eq!(ring.dropped() as usize, 50 - told.len());
        }
    }

    #[test]
    fn what_is_longer_than_the_room_is_cut() {
        let mut ring = Ring::new(50, false);
        ring.sent(1, &[7; 100]);
        assert_eq!(words(&ring), [format!("Sent {:?} +67", [7; 33])]);
        ring.received(2, &[1]);
        assert_eq!(words(&ring), ["Received [1] +0"]);
    }

    #[test]
    fn headers_only_leaves_out_data_that_goes_on_in_the_next_write() {
        let mut ring = Ring::new(1_000, true);
        let mut chunk = b"\x02\0\0\x1d\0\x01\x07\x01\xa2\x63off\x18\xa0\x64data\x50".to_vec();
        chunk.extend([0x55; 16]);
        chunk[3] = (chunk.len() - 8) as u8;
        let head = chunk.len() - 16;
        ring.sent(0, &chunk[..30]);
        ring.sent(0, &chunk[30..]);
        ring.sent(0, &[2, 0, 0, 1, 0, 0, 0, 0, 0xa0]);
        let told = words(&ring);
        assert!(told[0].ends_with(&format!("+{}", 30 - head)), "{told:?}");
        assert_eq!(told[1], format!("Sent [] +{}", chunk.len() - 30));
        assert!(told[2].ends_with("+0"));
    }
}
