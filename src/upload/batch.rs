//! Batches of chunks for a carrier that takes several writes in one call.
//!
//! A buffer of the device is taken while a chunk waits at the device, not while it travels. So where the gateway keeps a time
//! between two writes in which the device can work one off, a call may carry many more chunks than the device has buffers. The batch
//! starts with the window and doubles while calls come back clean; what was not taken is asked for again by the device's offset.
//!
//! A device that erases page by page takes nothing for the time of an erase. The chunks that go unanswered show where that is
//! (`pages`); where they show no pattern, the time between all writes grows until it is enough.

use super::behind::Behind;
use super::pages::Pages;
use super::{Stage, Upload};
use crate::conversation::Conversation;
use crate::snapshot::{Reader, Writer, damaged};

/// The most frames that one call carries.
pub(super) const MOST_FRAMES: u32 = crate::conversation::options::MAX_BATCH;
/// The most transmissions in the life of a late answer: half as many again would make a sequence number of 8 bits ambiguous.
pub(super) const MOST_DOUBTFUL: u32 = 192;
/// The least time between two chunks, in milliseconds: what a device takes for one that it writes to its flash.
const LEAST_GAP_MS: u32 = 4;
/// The most that a device may ever need, in milliseconds.
const MOST_GAP_MS: u32 = 250;
/// So many chunks that vanish from one batch were dropped for want of a buffer; fewer may have been lost on the way.
const OVERFLOW: u16 = 3;
/// After so many overflows without one larger batch that came through the gateway does not keep the time between the writes.
const OVERFLOWS_BEFORE_NARROW: u8 = 4;
/// So many chunks after which a gateway that did not keep the time is tried again.
const NARROW_FOR: u16 = 1_024;
/// The longest that a gateway shall listen behind the last write, in milliseconds.
const MOST_WAIT_MS: u32 = 2_000;

/// The batch in hand, and how large the next one may be.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// How many frames the next batch may hold.
    size: u16,
    /// The time between two writes, in milliseconds.
    gap: u16,
    pages: Pages,
    /// The time behind the last frame, in milliseconds.
    behind: u16,
    /// Answers that came in this call and the one before to batches that were given up: the gateway brings them late.
    late: u16,
    lag: u16,
    /// Frames in this batch, their bytes, and the time from the first to the last write in milliseconds.
    frames: u16,
    bytes: u32,
    duration: u32,
    opened_at: u64,
    /// Where it begins, and where the next chunk of it would.
    from: u32,
    next: u32,
    /// More may be added to it.
    open: bool,
    /// It asks what became of the one before, and holds one frame.
    asks: bool,
    /// Answers to it, and frames of it that others were answered behind.
    answered: u16,
    missing: u16,
    /// The batch before lost frames too.
    lossy: bool,
    /// Overflows since a batch larger than the window came through.
    overflows: u8,
    /// Chunks until a batch may be larger than the window again.
    narrow: u16,
    /// Nothing came of it and the caller says that nothing will.
    overdue: bool,
    /// Its times are those of this process.
    measured: bool,
    /// The first order of a batch of which nobody knows what became, and until when answers to it may come.
    doubtful: Option<(u32, u64)>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Clean,
    /// Chunks were lost on the way.
    Lossy,
    /// The device had no room for some.
    Overflow,
}

impl Batch {
    fn new(window: u32, gap_ms: u32) -> Batch {
        Batch {
            size: window as u16,
            gap: gap_ms.clamp(LEAST_GAP_MS, u32::from(u16::MAX)) as u16,
            pages: Pages::default(),
            behind: 0,
            late: 0,
            lag: 0,
            frames: 0,
            bytes: 0,
            duration: 0,
            opened_at: 0,
            from: 0,
            next: 0,
            open: false,
            asks: false,
            answered: 0,
            missing: 0,
            lossy: false,
            overflows: 0,
            narrow: 0,
            overdue: false,
            measured: true,
            doubtful: None,
        }
    }

    /// A new batch begins at this offset.
    pub fn begin(&mut self, now: u64, offset: u32) {
        self.lag = std::mem::take(&mut self.late);
        self.doubtful = self.doubtful.filter(|(_, until)| now < *until);
        self.frames = 0;
        self.bytes = 0;
        self.duration = 0;
        self.opened_at = now;
        self.from = offset;
        self.next = offset;
        self.open = true;
        self.answered = 0;
        self.missing = 0;
        self.overdue = false;
        self.measured = true;
    }

    /// A frame was added to it. Returns the time after the one before, in milliseconds.
    pub fn add(&mut self, offset: u32, end: u32, frame: usize, pieces: u32, own_gap_ms: u32) -> u16 {
        let delay = if self.frames == 0 { 0 } else { self.behind };
        self.behind = self.gap.max(self.pages.gap_behind(offset, end).unwrap_or(0));
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(frame as u32);
        self.next = end;
        // Between the pieces of a frame the gateway keeps its own time.
        self.duration =
            self.duration.saturating_add(u32::from(delay)).saturating_add((pieces - 1) * own_gap_ms);
        delay
    }

    /// An answer to one of its frames came; `passed` frames sent before that one were not answered.
    pub fn answer(&mut self, passed: u32) {
        self.open = false;
        self.answered = self.answered.saturating_add(1);
        self.missing = self.missing.saturating_add(passed as u16);
    }

    /// The device said that it had no buffer for one.
    pub fn refused(&mut self) {
        self.missing = self.missing.saturating_add(OVERFLOW);
    }

    /// An answer came to a frame of a batch that was given up.
    pub fn answered_late(&mut self) {
        self.late = self.late.saturating_add(1);
    }

    /// It is over; the device stands at `acknowledged` and has one buffer more than the window.
    fn end(&mut self, acknowledged: u32, window: u32) -> Verdict {
        self.open = false;
        let clean = acknowledged >= self.next;
        let verdict = match (clean, self.missing) {
            (true, _) => Verdict::Clean,
            (false, 0..OVERFLOW) if !self.lossy => Verdict::Lossy,
            _ => Verdict::Overflow,
        };
        let length = self.next.saturating_sub(self.from) / u32::from(self.frames.max(1));
        let explained = !clean && self.pages.lost_at(acknowledged, length.max(1), window + 1);
        let window = window as u16;
        match verdict {
            Verdict::Clean if self.asks => {}
            Verdict::Clean => {
                if self.frames > window {
                    self.overflows = 0;
                }
                self.size = self.size.saturating_mul(2);
            }
            Verdict::Lossy => self.size = (self.size - self.size / 4).max(window),
            Verdict::Overflow => {
                if !explained {
                    let grown = u32::from(self.gap) + u32::from(self.gap / 4).max(LEAST_GAP_MS);
                    self.gap = grown.min(MOST_GAP_MS.max(u32::from(self.gap))) as u16;
                }
                let taken = acknowledged.saturating_sub(self.from) / length.max(1);
                self.size = (taken.min(MOST_FRAMES) as u16).max(window);
                self.overflows = self.overflows.saturating_add(1);
                if self.overflows >= OVERFLOWS_BEFORE_NARROW {
                    self.overflows = OVERFLOWS_BEFORE_NARROW - 1;
                    self.narrow = NARROW_FOR;
                }
            }
        }
        self.size = self.size.min(MOST_FRAMES as u16);
        self.narrow = self.narrow.saturating_sub(self.frames);
        self.lossy = verdict == Verdict::Lossy;
        self.asks = false;
        verdict
    }

    /// Nobody knows what became of it: the next one asks, with one frame.
    fn unknown(&mut self, window: u32, first_order: u32, until: u64) {
        if !self.asks {
            self.size = (self.size / 2).max(window as u16);
        }
        self.asks = true;
        self.open = false;
        self.doubtful = Some(self.doubtful.map_or((first_order, until), |(order, _)| (order, until)));
    }

    /// After a link event.
    pub fn forget(&mut self) {
        self.open = false;
        self.asks = false;
    }

    pub fn adopt_clock(&mut self, now: u64) {
        self.opened_at = now;
    }

    pub fn save(&self, out: &mut Writer) {
        out.u8(self.size as u8);
        out.u16(self.gap);
        self.pages.save(out);
        out.u8(self.frames as u8);
        out.u16(self.duration.min(u32::from(u16::MAX)) as u16);
        out.u32(self.from);
        out.u32(self.next);
        out.u8(self.missing.min(255) as u8);
        // Bit 0 answered, bit 1 asks, bit 2 lossy; from bit 3 on the overflows.
        let flags = u8::from(self.answered > 0) | u8::from(self.asks) << 1 | u8::from(self.lossy) << 2;
        out.u8(flags | self.overflows << 3);
        out.u16(self.narrow);
    }

    pub fn load(from: &mut Reader<'_>) -> Result<Batch, crate::failure::Failure> {
        let mut batch = Batch::new(1, 0);
        batch.size = u16::from(from.u8()?);
        batch.gap = from.u16()?;
        batch.pages = Pages::load(from)?;
        batch.frames = u16::from(from.u8()?);
        batch.duration = u32::from(from.u16()?);
        batch.from = from.u32()?;
        batch.next = from.u32()?;
        batch.missing = u16::from(from.u8()?);
        let flags = from.u8()?;
        batch.answered = u16::from(flags & 1);
        batch.asks = flags & 2 != 0;
        batch.lossy = flags & 4 != 0;
        batch.overflows = flags >> 3;
        batch.narrow = from.u16()?;
        batch.measured = false;
        let sizes = [batch.size, batch.frames].iter().all(|frames| u32::from(*frames) <= MOST_FRAMES);
        if batch.size == 0 || !sizes || batch.from > batch.next || batch.overflows > OVERFLOWS_BEFORE_NARROW {
            return Err(damaged("its batch is none that was ever sent"));
        }
        Ok(batch)
    }
}

impl Upload {
    /// Starts with batches where the caller's carrier takes them and the device has told its buffers.
    pub(super) fn wants_batches(&self, talk: &Conversation) -> bool {
        // Of two buffers one is the response's, and how long a file takes to be written nobody knows.
        talk.options.batch_frames > 1 && !self.file && talk.limits.buffers().1 > 2
    }

    pub(super) fn start_batches(&mut self, talk: &Conversation) {
        if self.batch.is_none() && self.wants_batches(talk) {
            let gap = talk.options.batch_gap_ms.max(talk.options.write_interval_ms);
            self.batch = Some(Box::new(Batch::new(talk.limits.window(), gap)));
            self.flight.remember_batches();
        }
    }

    /// How many frames a batch may hold, but for what is in doubt.
    pub(super) fn batch_size(&self, talk: &Conversation, batch: &Batch) -> u32 {
        let window = talk.limits.window();
        let size = match (batch.asks, batch.narrow) {
            (true, _) => 1,
            (false, 0) => u32::from(batch.size),
            (false, _) => window,
        };
        size.min(talk.options.batch_frames)
    }

    /// The offset of the chunk that the batch takes next; the end of the image or `None` when it takes none now.
    pub(super) fn next_in_batch(&self, talk: &Conversation, batch: &Batch, now: u64) -> Option<u32> {
        let size = self.batch_size(talk, batch);
        let doubtful = batch.doubtful.filter(|(_, until)| now < *until);
        if doubtful.is_some_and(|(order, _)| self.flight.next_order() - order >= MOST_DOUBTFUL) {
            return None;
        }
        if self.flight.flying() == 0 {
            return Some(self.acknowledged);
        }
        let bytes = batch.bytes.saturating_add(talk.limits.frame());
        let fits = talk.options.batch_bytes == 0 || bytes <= talk.options.batch_bytes;
        (batch.open && u32::from(batch.frames) < size && fits).then_some(batch.next)
    }

    /// How long the gateway shall listen behind the last write, in milliseconds.
    pub(super) fn batch_wait(&self, talk: &Conversation) -> u32 {
        talk.rtt.timeout().clamp(talk.options.timeout_ms, MOST_WAIT_MS.max(talk.options.timeout_ms))
    }

    /// How many messages of the device a call that is made now shall wait for.
    pub fn expected_answers(&self) -> u32 {
        let lag = self.batch.as_ref().map_or(0, |batch| u32::from(batch.lag));
        self.flight.flying() + self.behind().map_or(0, Behind::open_echoes) + lag
    }

    /// The same, while a batch is in flight.
    pub fn wait_of_batch(&self, talk: &Conversation) -> Option<u32> {
        let batched = self.batch.is_some() && self.stage == Stage::Stream && self.flight.flying() > 0;
        batched.then(|| self.batch_wait(talk))
    }

    /// When the batch in flight counts as lost.
    pub(super) fn batch_deadline(&self, talk: &Conversation, batch: &Batch) -> u64 {
        if self.flight.flying() == 0 {
            // Too much is in doubt; or nothing was sent yet.
            return batch.doubtful.map_or(self.active_at, |(_, until)| until);
        }
        if batch.overdue {
            return batch.opened_at;
        }
        let travel = u64::from(talk.rtt.timeout().max(1_000)) << self.silent.min(4);
        batch.opened_at + u64::from(batch.duration) + u64::from(self.batch_wait(talk)) + travel
    }

    /// An answer settled the last frame of the batch, or the call came back without one to the last.
    pub(super) fn end_batch(&mut self, talk: &mut Conversation, now: u64) {
        let Some(batch) = &mut self.batch else { return };
        if batch.measured
            && batch.frames > 0
            && batch.answered > 0
            && talk.asleep.is_measured(batch.opened_at)
        {
            let took = now.saturating_sub(batch.opened_at).min(u64::from(u32::MAX)) as u32;
            talk.rtt.sample(took.saturating_sub(batch.duration));
        }
        let before = batch.size;
        batch.end(self.acknowledged, talk.limits.window());
        if batch.size < before {
            let size = u32::from(batch.size);
            talk.note(now, crate::conversation::EventKind::Window(size));
        }
    }

    /// The call that carried what is in flight came back: what is not answered by now will not be.
    pub fn call_returned(&mut self, talk: &mut Conversation, now: u64) {
        let flying = self.flight.flying();
        if self.stage != Stage::Stream || flying == 0 {
            return;
        }
        let Some(batch) = &mut self.batch else { return };
        batch.open = false;
        if batch.answered == 0 {
            batch.overdue = true;
            return;
        }
        batch.missing = batch.missing.saturating_add(flying as u16);
        self.flight.give_up_all();
        self.end_batch(talk, now);
    }

    /// Nobody knows what became of the batch. Returns the offset of the one chunk that asks.
    pub(super) fn doubt_batch(&mut self, talk: &Conversation, now: u64) -> u32 {
        let first = self.flight.next_order() - self.flight.flying();
        let life = u64::from(self.batch_wait(talk)) + u64::from(talk.rtt.timeout());
        let (silent, acknowledged, size) = (self.silent, self.acknowledged, self.size);
        let mut offset = acknowledged;
        if let Some(batch) = &mut self.batch {
            // If the call was executed, the device takes what follows it; if not, it says where it stands.
            if silent <= 2 && batch.next < size && batch.next > acknowledged {
                offset = batch.next;
            }
            batch.unknown(talk.limits.window(), first, now + life);
        }
        self.flight.give_up_all();
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(batch: &mut Batch, frames: u32) {
        batch.begin(0, 0);
        for n in 1..=frames {
            batch.add((n - 1) * 200, n * 200, 244, 1, 0);
        }
    }

    #[test]
    fn clean_calls_double_the_batch_up_to_the_most_that_a_call_carries() {
        let mut batch = Batch::new(3, 10);
        let mut sizes = Vec::new();
        for _ in 0..8 {
            let frames = u32::from(batch.size);
            sent(&mut batch, frames);
            assert_eq!(batch.end(frames * 200, 3), Verdict::Clean);
            sizes.push(batch.size);
        }
        assert_eq!(sizes, [6, 12, 24, 48, 96, 128, 128, 128]);
        assert_eq!(batch.gap, 10);
    }

    #[test]
    fn one_lost_frame_is_no_reason_to_write_more_slowly() {
        let mut batch = Batch::new(3, 10);
        batch.size = 64;
        sent(&mut batch, 64);
        batch.answer(1);
        assert_eq!(batch.end(30 * 200, 3), Verdict::Lossy);
        assert_eq!((batch.size, batch.gap), (48, 10));
        // Again and again it is not chance.
        sent(&mut batch, 48);
        batch.answer(1);
        assert_eq!(batch.end(30 * 200, 3), Verdict::Overflow);
        assert_eq!((batch.size, batch.gap), (30, 14));
    }

    #[test]
    fn a_gateway_that_writes_all_at_once_gets_what_the_device_can_hold() {
        let mut batch = Batch::new(3, 10);
        let mut overflows = 0;
        for _ in 0..60 {
            let frames = if batch.narrow > 0 { 3 } else { u32::from(batch.size) };
            sent(&mut batch, frames);
            let taken = frames.min(3);
            batch.answer(frames - taken);
            let verdict = batch.end(taken * 200, 3);
            overflows += u32::from(verdict != Verdict::Clean);
        }
        assert_eq!(overflows, 4, "then it keeps to the window");
    }
}
