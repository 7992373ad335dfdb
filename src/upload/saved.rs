//! An upload in a snapshot.
//!
//! What is in flight is kept, so that a worker that handles one answer at a time can go on with it. If no answer to it
//! comes first, the restored session asks the device for its list before it sends anything else.

use super::batch::{Batch, MOST_DOUBTFUL};
use super::flight::{Flight, Sent};
use super::{Stage, Upload};
use crate::failure::Failure;
use crate::snapshot::{Reader, Writer, damaged};

/// The most transmissions in flight that are kept; the window is not larger.
const MOST_FLYING: usize = 16;
/// What each of them takes, in bytes.
const FLYING_LEN: usize = 7;
/// In place of their number: a batch is in flight, kept in runs.
const IN_RUNS: u8 = 255;
/// The most runs that are kept, and what each takes, in bytes.
const MOST_RUNS: usize = 8;
const RUN_LEN: usize = 8;

impl Upload {
    pub fn save(&self, out: &mut Writer) {
        out.bool(self.stage == Stage::First);
        out.u32(self.size);
        out.u32(self.acknowledged);
        out.u32(self.high);
        out.u8(self.restarts);
        out.bool(self.size_passed);
        out.bool(self.forget);
        out.bool(self.erased);
        if let Some(batch) = &self.batch {
            out.u8(IN_RUNS);
            batch.save(out);
            return self.save_runs(out);
        }
        let flying = self.flight.flying_entries();
        // With very many images there is room for the latest only; an answer to one of the others is then nobody's.
        let room = MOST_FLYING.min(out.room().saturating_sub(1) / FLYING_LEN);
        let skipped = flying.clone().count().saturating_sub(room);
        out.u8((flying.clone().count() - skipped) as u8);
        for sent in flying.skip(skipped) {
            out.u8(sent.sequence);
            out.u32(sent.offset);
            out.u16(sent.length);
        }
    }

    /// The upload as it was saved; `size` is the length of the image that the caller gives.
    pub fn load(from: &mut Reader<'_>, size: u32) -> Result<Upload, Failure> {
        let first = from.bool()?;
        let mut upload = Upload::new(0, from.u32()?, false);
        upload.stage = if first { Stage::First } else { Stage::Stream };
        upload.acknowledged = from.u32()?;
        upload.high = from.u32()?;
        upload.restarts = from.u8()?;
        upload.size_passed = from.bool()?;
        upload.forget = from.bool()?;
        upload.erased = from.bool()?;
        if upload.size != size || upload.acknowledged > upload.high || upload.high > size {
            return Err(damaged("its offsets do not fit the image"));
        }
        let count = from.u8()?;
        if count == IN_RUNS {
            upload.batch = Some(Box::new(Batch::load(from)?));
            upload.flight = load_runs(from, size)?;
            upload.unmeasured = upload.flight.next_order();
            return Ok(upload);
        }
        if usize::from(count) > MOST_FLYING {
            return Err(damaged("it has more in flight than a window holds"));
        }
        let mut flight = Flight::new();
        for _ in 0..count {
            let (sequence, offset, length) = (from.u8()?, from.u32()?, from.u16()?);
            if offset.checked_add(u32::from(length)).is_none_or(|end| end > size) {
                return Err(damaged("its offsets do not fit the image"));
            }
            flight.push(0, sequence, offset, length);
        }
        upload.unmeasured = flight.next_order();
        upload.flight = flight;
        Ok(upload)
    }

    /// What is in flight, as runs of chunks that follow each other in offset and sequence number and are equally long.
    fn save_runs(&self, out: &mut Writer) {
        let mut runs: [Run; MOST_RUNS] = Default::default();
        let mut count = 0;
        for sent in self.flight.flying_entries() {
            match runs[..count].last_mut() {
                Some(run) if run.continues(sent) => run.count += 1,
                _ => {
                    if count == MOST_RUNS {
                        // An answer to the oldest is then nobody's.
                        runs.rotate_left(1);
                        count -= 1;
                    }
                    runs[count] =
                        Run { sequence: sent.sequence, offset: sent.offset, length: sent.length, count: 1 };
                    count += 1;
                }
            }
        }
        let room = out.room().saturating_sub(1) / RUN_LEN;
        let kept = &runs[count.saturating_sub(room)..count];
        out.u8(kept.len() as u8);
        for run in kept {
            out.u8(run.sequence);
            out.u32(run.offset);
            out.u16(run.length);
            out.u8(run.count);
        }
    }

    /// Whether frames of this size are under way and none of them was ever answered.
    pub fn is_unanswered(&self) -> bool {
        self.flight.flying() > 0 && !self.size_passed
    }

    /// Whether an upload frame was sent, so that the device may have begun.
    pub fn has_begun(&self) -> bool {
        self.high > 0
    }

    /// Goes on from `now` on: times of another process mean nothing here.
    pub fn adopt_clock(&mut self, now: u64) {
        self.active_at = now;
        self.progress_at = now;
        if let Some(batch) = &mut self.batch {
            batch.adopt_clock(now);
        }
    }
}

/// Chunks in flight that follow each other.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    sequence: u8,
    offset: u32,
    length: u16,
    count: u8,
}

impl Run {
    fn continues(&self, sent: &Sent) -> bool {
        self.length == sent.length
            && self.count < u8::MAX
            && self.sequence.wrapping_add(self.count) == sent.sequence
            && self.offset + u32::from(self.count) * u32::from(self.length) == sent.offset
    }
}

fn load_runs(from: &mut Reader<'_>, size: u32) -> Result<Flight, Failure> {
    let mut flight = Flight::new();
    flight.remember_batches();
    let runs = from.u8()?;
    if usize::from(runs) > MOST_RUNS {
        return Err(damaged("it has more in flight than calls carry"));
    }
    for _ in 0..runs {
        let (sequence, offset, length, count) = (from.u8()?, from.u32()?, from.u16()?, from.u8()?);
        let end = u64::from(offset) + u64::from(length) * u64::from(count);
        if end > u64::from(size) || flight.next_order() + u32::from(count) > MOST_DOUBTFUL {
            return Err(damaged("its offsets do not fit the image"));
        }
        for n in 0..count {
            let at = offset + u32::from(n) * u32::from(length);
            flight.push(0, sequence.wrapping_add(n), at, length);
        }
    }
    Ok(flight)
}
