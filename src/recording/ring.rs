//! The last entries of a recording, in a room of fixed size.

use std::collections::VecDeque;

use super::content::{behind_data, is_chunk, length, without_data};
use super::{Direction, Entry, Form};

/// In front of each entry stands one number: its time, what it is, and how many bytes stand behind it, in 44, 2 and 18 bits.
const HEAD: usize = 8;
const KIND_AT: u32 = 44;
const LENGTH_AT: u32 = 46;
const LONGEST: usize = (1 << (64 - LENGTH_AT)) - 1;

const SENT: u8 = 0;
const RECEIVED: u8 = 1;
const WORD: u8 = 2;
/// Something is left out, or the time takes more than 44 bits, 557 years: in front of its bytes, and counted with them, stands
/// what it is, its time, and how many bytes are left out.
const LONG: u8 = 3;
const LONG_HEAD: usize = 1 + 8 + 4;

/// When the room is full, about this part of it is freed at once.
const PARTS: usize = 8;

/// A ring of bytes. It allocates its room once; when that is full the oldest entries give way, about an eighth of the room at once.
#[derive(Debug)]
pub struct Ring {
    room: Box<[u8]>,
    /// Where the oldest entry begins.
    start: usize,
    /// How many bytes were ever written, and how many of them are gone.
    written: u64,
    gone: u64,
    /// How many entries were ever written, how many of them are gone, and how many of those gave way.
    entries: u64,
    gone_entries: u64,
    dropped: u64,
    /// Entries from which on the room can be kept when what is older gives way: to walk there from entry to entry costs more than
    /// to write one.
    marks: VecDeque<Mark>,
    /// Up to so many written bytes nothing has to be done in front of an entry.
    free_until: u64,
    headers_only: bool,
    /// What stands behind the data of the chunk that goes out next.
    behind: Vec<u8>,
    /// The chunk under way goes on in the next pieces, to the device and from it: so many bytes.
    in_chunk: [usize; 2],
    /// Whether something was taken out, so that the start of a file was written.
    begun: bool,
}

/// The beginning of an entry: how many bytes and entries were written before it.
#[derive(Debug)]
struct Mark {
    bytes: u64,
    entries: u64,
}

/// The number in front of an entry of at most [`LONGEST`] bytes.
#[inline(always)]
fn head(now_ms: u64, kind: u8, length: usize) -> [u8; HEAD] {
    (now_ms | u64::from(kind) << KIND_AT | (length as u64) << LENGTH_AT).to_le_bytes()
}

/// How many bytes stand behind that number.
#[inline]
fn length_of(head: [u8; HEAD]) -> usize {
    (u64::from_le_bytes(head) >> LENGTH_AT) as usize
}

/// Copies between slices of one length. Most answers have 16 to 32 bytes: for so few a call costs more than the copying.
#[inline(always)]
fn copy(from: &[u8], to: &mut [u8]) {
    if from.len() <= 32
        && let (Some(first), Some(last)) = (from.first_chunk::<16>(), from.last_chunk::<16>())
    {
        if let Some(place) = to.first_chunk_mut() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut() {
            *place = *last;
        }
    } else {
        to.copy_from_slice(from);
    }
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
    /// A ring of `capacity` bytes; an entry takes 8 more than its bytes, or 21 where data is left out.
    pub fn new(capacity: usize, headers_only: bool) -> Ring {
        Ring {
            room: vec![0; capacity.max(2 * (HEAD + LONG_HEAD))].into_boxed_slice(),
            start: 0,
            written: 0,
            gone: 0,
            entries: 0,
            gone_entries: 0,
            dropped: 0,
            marks: VecDeque::with_capacity(PARTS + 2),
            free_until: 0,
            headers_only,
            behind: Vec::new(),
            in_chunk: [0; 2],
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
        if !self.headers_only {
            self.put(now_ms, SENT, bytes);
        } else if !self.behind.is_empty() && bytes.len() > 9 {
            self.sent_first(now_ms, bytes);
        } else {
            self.put_shown(now_ms, SENT, bytes);
        }
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
        self.put_long(now_ms, SENT, &told, bytes.len().saturating_sub(told.len()).max(1));
    }

    /// These bytes came from the device.
    #[inline]
    pub fn received(&mut self, now_ms: u64, bytes: &[u8]) {
        if self.headers_only {
            self.put_shown(now_ms, RECEIVED, bytes)
        } else {
            self.put(now_ms, RECEIVED, bytes)
        }
    }

    /// Something else happened.
    pub fn word(&mut self, now_ms: u64, word: &str) {
        let plain = word.len().min(200);
        let plain = (0..=plain).rev().find(|end| word.is_char_boundary(*end)).unwrap_or(0);
        self.put(now_ms, WORD, &word.as_bytes()[..plain]);
    }

    /// A piece without what of it is data of a chunk.
    fn put_shown(&mut self, now_ms: u64, kind: u8, bytes: &[u8]) {
        match self.shown(kind, bytes) {
            all if all == bytes.len() => self.put(now_ms, kind, bytes),
            shown => self.put_long(now_ms, kind, &bytes[..shown], bytes.len() - shown),
        }
    }

    /// How many bytes of a piece are no data of a chunk, which may go on in further pieces.
    fn shown(&mut self, kind: u8, bytes: &[u8]) -> usize {
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
    fn put(&mut self, now_ms: u64, kind: u8, bytes: &[u8]) {
        let length = HEAD + bytes.len();
        if now_ms >> KIND_AT != 0 || bytes.len() > LONGEST || length > self.room.len() {
            return self.put_long(now_ms, kind, bytes, 0);
        }
        self.begin(length);
        self.append(head(now_ms, kind, bytes.len()), bytes);
    }

    /// What stands in front of an entry, and its bytes, behind all others: there is room.
    #[inline(always)]
    fn append<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        let at = self.place(self.used());
        if let Some((place, behind)) =
            self.room.get_mut(at..at + N + bytes.len()).and_then(|entry| entry.split_first_chunk_mut())
        {
            *place = head;
            copy(bytes, behind);
            self.written += (N + bytes.len()) as u64;
        } else {
            self.write(&head);
            self.write(bytes);
        }
    }

    /// An entry of which so many bytes are left out, or that fits no other kind; what does not fit into the whole room is cut.
    #[cold]
    fn put_long(&mut self, now_ms: u64, kind: u8, bytes: &[u8], left_out: usize) {
        let most = LONGEST.min(self.room.len() - HEAD) - LONG_HEAD;
        let shown = &bytes[..bytes.len().min(most)];
        let left_out = left_out + bytes.len() - shown.len();
        let length = LONG_HEAD + shown.len();
        self.begin(HEAD + length);
        let mut whole = [0; HEAD + LONG_HEAD];
        whole[..HEAD].copy_from_slice(&head(0, LONG, length));
        whole[HEAD] = kind;
        whole[HEAD + 1..][..8].copy_from_slice(&now_ms.to_le_bytes());
        whole[HEAD + 9..].copy_from_slice(&(left_out as u32).to_le_bytes());
        self.append(whole, shown);
    }

    /// Makes room for an entry of `length` bytes that is written next.
    #[inline(always)]
    fn begin(&mut self, length: usize) {
        if self.written + length as u64 > self.free_until {
            self.make_room(length);
        }
        self.entries += 1;
    }

    /// An entry of `length` bytes is written next, and becomes a mark if it begins another part of the room: then the next part is
    /// free as well, where the room is large enough, and this is not called before it is full.
    #[cold]
    fn make_room(&mut self, length: usize) {
        let part = self.room.len() / PARTS;
        let begins_part = self.marks.back().is_none_or(|mark| self.written - mark.bytes >= part as u64);
        let needed = if begins_part { (length + part).min(self.room.len()) } else { length };
        while self.room.len() - self.used() < needed {
            let (bytes, entries) = match self.marks.pop_front() {
                Some(mark) => {
                    (mark.bytes.saturating_sub(self.gone), mark.entries.saturating_sub(self.gone_entries))
                }
                None => (self.oldest_length() as u64, 1),
            };
            self.remove(bytes as usize, entries);
            self.dropped += entries;
        }
        if begins_part {
            while self.marks.front().is_some_and(|mark| mark.bytes <= self.gone) {
                self.marks.pop_front();
            }
            self.marks.push_back(Mark { bytes: self.written, entries: self.entries });
        }
        let full = self.gone + self.room.len() as u64;
        self.free_until = full.min(self.written + (length + part) as u64);
    }

    /// How many bytes all entries take.
    #[inline(always)]
    fn used(&self) -> usize {
        (self.written - self.gone) as usize
    }

    /// The oldest entries, which take so many bytes, are gone.
    fn remove(&mut self, bytes: usize, entries: u64) {
        self.start = self.place(bytes);
        self.gone += bytes as u64;
        self.gone_entries += entries;
    }

    /// How many bytes the oldest entry takes.
    fn oldest_length(&self) -> usize {
        let mut head = [0; HEAD];
        self.read(0, &mut head);
        HEAD + length_of(head)
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
        let at = self.place(self.used());
        let first = bytes.len().min(self.room.len() - at);
        self.room[at..at + first].copy_from_slice(&bytes[..first]);
        self.room[..bytes.len() - first].copy_from_slice(&bytes[first..]);
        self.written += bytes.len() as u64;
    }

    fn read(&self, from: usize, out: &mut [u8]) {
        let at = self.place(from);
        let first = out.len().min(self.room.len() - at);
        let (a, b) = out.split_at_mut(first);
        a.copy_from_slice(&self.room[at..at + first]);
        b.copy_from_slice(&self.room[..b.len()]);
    }

    /// The entry that begins there, and how many bytes of the room it takes.
    fn entry_at(&self, from: usize) -> (Recorded, usize) {
        let mut head = [0; HEAD];
        self.read(from, &mut head);
        let number = u64::from_le_bytes(head);
        let mut bytes = vec![0; length_of(head)];
        self.read(from + HEAD, &mut bytes);
        let taken = HEAD + bytes.len();
        let (at_ms, kind) = (number & ((1 << KIND_AT) - 1), (number >> KIND_AT) as u8 & 3);
        let Some((long, shown)) = bytes.split_first_chunk::<LONG_HEAD>().filter(|_| kind == LONG) else {
            return (Recorded { at_ms, kind, bytes, left_out: 0 }, taken);
        };
        let [kind, t0, t1, t2, t3, t4, t5, t6, t7, left_out @ ..] = *long;
        let at_ms = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let left_out = u32::from_le_bytes(left_out) as usize;
        (Recorded { at_ms, kind, bytes: shown.to_vec(), left_out }, taken)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.written == self.gone
    }

    /// How many entries gave way to later ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The entries from the oldest on; they stay.
    pub fn entries(&self) -> impl Iterator<Item = Recorded> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            if from >= self.used() {
                return None;
            }
            let (recorded, taken) = self.entry_at(from);
            from += taken;
            Some(recorded)
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
        self.remove(self.oldest_length(), 1);
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
        for capacity in [60, 64, 100, 101, 103, 1_024, 5_000] {
            let entry = HEAD + 7;
            let mut ring = Ring::new(capacity, false);
            let most = capacity / entry;
            let mut taken = 0;
            for n in 0..1_000u64 {
                ring.word(n, &format!("word{n:03}"));
                let told = words(&ring);
                let all: Vec<String> = (0..=n).map(|n| format!("word{n:03}")).collect();
                assert!(all.ends_with(&told), "{capacity}: {told:?}");
                // Never fewer than fit into all but two parts, and one entry that begins in the second of them.
                let least = ((capacity - 2 * capacity.div_ceil(PARTS)) / entry).saturating_sub(2);
                assert!(
                    told.len() <= most && (told.len() >= least || told.len() + taken == all.len()),
                    "{capacity}: {told:?}"
                );
                assert_eq!(ring.dropped() as usize + taken + told.len(), all.len());
                if n % 7 == 0 && ring.take().is_some() {
                    taken += 1;
                }
                assert!(ring.marks.len() <= PARTS + 2);
            }
        }
    }

    #[test]
    fn an_emptied_ring_keeps_no_marks() {
        let mut ring = Ring::new(100, false);
        for n in 0..1_000 {
            ring.sent(n, &[7; 40]);
            assert_eq!(ring.take().map(|taken| taken.at_ms), Some(n));
        }
        assert_eq!((ring.dropped(), ring.marks.len()), (0, 1));
    }

    #[test]
    fn what_is_longer_than_the_room_is_cut() {
        let mut ring = Ring::new(50, false);
        ring.sent(1, &[7; 100]);
        assert_eq!(words(&ring), [format!("Sent {:?} +71", [7; 29])]);
        ring.received(2, &[1]);
        assert_eq!(words(&ring), ["Received [1] +0"]);
    }

    #[test]
    fn a_time_of_more_than_centuries_stays_whole() {
        let mut ring = Ring::new(200, false);
        for now in [(1 << 44) - 1, 1 << 44, u64::MAX] {
            ring.sent(now, &[1, 2]);
            assert_eq!(ring.take().map(|taken| (taken.at_ms, taken.bytes)), Some((now, vec![1, 2])));
        }
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
