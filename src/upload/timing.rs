//! When an upload has to be looked at again: how long silence is ordinary, and when it ends everything.

use super::{Stage, Upload};
use crate::conversation::Conversation;

/// So often the last chunk is sent again after the time that any chunk may take.
const LAST_CHUNKS_IN_TIME: u16 = 2;
/// How long the device may take at least to open and empty a file, and to close it, in milliseconds.
const FILE_FLOOR_MS: u32 = 2_000;
/// The longest pause between two chunks that go unanswered, in milliseconds.
const LONGEST_SILENCE: u64 = 20_000;

impl Upload {
    /// When [`Upload::poll`] has to be called again.
    pub fn deadline(&self, talk: &Conversation, now: u64) -> u64 {
        if self.outcome().is_some() {
            return 0;
        }
        if talk.link_down {
            return self.stall_end(talk);
        }
        if let Some(probe) = self.probe() {
            return probe.deadline().min(self.stall_end(talk));
        }
        if self.has_errand() {
            return 0;
        }
        if let Some(aside) = self.aside() {
            return aside.deadline().min(self.stall_end(talk));
        }
        let next = if self.next_offset(talk, now).is_some() {
            self.hold_until
        } else if self.growth.is_due() && self.flight.flying() == 0 {
            0
        } else {
            self.silence_at(talk)
        };
        let next = next.max(talk.paced_until());
        let behind = self.behind_due(talk).unwrap_or(u64::MAX).max(talk.paced_until());
        next.min(behind).min(self.stall_end(talk))
    }

    /// When silence is no longer ordinary.
    pub(super) fn silence_at(&self, talk: &Conversation) -> u64 {
        match &self.batch {
            Some(batch) if self.stage == Stage::Stream => self.batch_deadline(talk, batch),
            _ => self.active_at.saturating_add(self.patience(talk)),
        }
    }

    pub(super) fn stall_end(&self, talk: &Conversation) -> u64 {
        let options = &talk.options;
        let floor = match self.stage {
            // Each of the retries gets the whole time that a slot erase may take.
            Stage::First => options.first_timeout_ms.saturating_mul(options.retries.max(2)),
            _ => options.last_timeout_ms.saturating_mul(2),
        };
        let end = self.progress_at.saturating_add(u64::from(options.stall_timeout_ms.max(floor)));
        // Nothing better comes where every answer is cut.
        talk.evidence.hopeless_at(self.progress_at).map_or(end, |hopeless| hopeless.min(end))
    }

    /// How long silence is ordinary now, in milliseconds.
    pub fn patience(&self, talk: &Conversation) -> u64 {
        let options = &talk.options;
        let floor = match self.stage {
            _ if self.file && (self.stage == Stage::First || self.last_alone()) => {
                FILE_FLOOR_MS.max(options.timeout_ms)
            }
            Stage::First => options.first_timeout_ms,
            // The last chunk again takes nothing back, so a silence that is too long for a chunk like any other is answered with
            // it; but a device that is busy with the whole image is not asked more often than that.
            _ if self.last_alone() && self.silent >= LAST_CHUNKS_IN_TIME => options.last_timeout_ms,
            _ if self.last_alone() => talk.rtt.timeout().max(options.timeout_ms) << self.silent,
            _ => options.timeout_ms,
        };
        let ordinary = u64::from(self.expected_gap(talk).max(floor));
        // Each further silence makes the next one longer, but slowly: on a link that is down for a while the time until
        // the next try is what the outage costs, and one chunk per try costs the link little.
        let grown = ordinary + ordinary * u64::from(self.silent.saturating_sub(1).min(16)) / 4;
        grown.min(LONGEST_SILENCE.max(ordinary))
    }

    /// After which time without an answer one is missing, in milliseconds, counted from the last sign of life.
    ///
    /// This is not the retransmission timeout of RFC 6298 but the probe timeout of RFC 8985 (section 7): what is sent
    /// after it is a probe that costs one frame, mostly of new data, and settles what was lost. So it may fire early,
    /// provided that the oldest chunk in flight has had a full round trip.
    pub(super) fn expected_gap(&self, talk: &Conversation) -> u32 {
        if self.stage == Stage::First || !talk.rtt.is_measured() {
            return talk.rtt.timeout();
        }
        let (smoothed, variation) = (talk.rtt.smoothed(), talk.rtt.variation());
        let gap = smoothed / 2 + variation;
        if self.silent > 0 {
            return gap;
        }
        let full = smoothed + (smoothed / 4).max(variation / 2);
        gap.max(full.saturating_sub(self.flight.oldest_age(self.active_at)))
    }

    /// Whether only the last chunk is unanswered, sent once or more often; the device may be hashing the image.
    pub(super) fn last_alone(&self) -> bool {
        self.flight.flying_entries().all(|sent| sent.offset == self.acknowledged)
            && self.flight.predict(self.acknowledged) >= self.size
    }
}
