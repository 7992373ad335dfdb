//! An upload in a snapshot.
//!
//! What is in flight is kept, so that a worker that handles one answer at a time can go on with it. If no answer to it
//! comes first, the restored session asks the device for its list before it sends anything else.

use super::flight::Flight;
use super::{Stage, Upload};
use crate::failure::Failure;
use crate::snapshot::{Reader, Writer, damaged};

/// The most transmissions in flight that are kept; the window is not larger.
const MOST_FLYING: usize = 16;
/// What each of them takes, in bytes.
const FLYING_LEN: usize = 7;

impl Upload {
    pub fn save(&self, out: &mut Writer) {
        out.bool(self.stage == Stage::First);
        out.u32(self.size);
        out.u32(self.acknowledged);
        out.u32(self.high);
        out.u8(self.restarts.min(255) as u8);
        out.bool(self.size_passed);
        out.bool(self.forget);
        out.bool(self.erased);
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
        upload.restarts = u16::from(from.u8()?);
        upload.size_passed = from.bool()?;
        upload.forget = from.bool()?;
        upload.erased = from.bool()?;
        if upload.size != size || upload.acknowledged > upload.high || upload.high > size {
            return Err(damaged("its offsets do not fit the image"));
        }
        let count = from.u8()?;
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
    }
}
