//! Frames that became smaller grow again: what made large ones vanish may have been an outage.
//!
//! When a number of small ones was answered, an echo of the largest size finds out whether that passes by now. Each one in
//! vain makes the next one rarer.

use super::probe::Probe;
use super::{Poll, Upload};
use crate::conversation::limits::Limits;
use crate::conversation::{Conversation, EventKind};

/// So many chunks are answered before the first echo, and as many times more before each further one.
const FIRST_AFTER: u16 = 24;
const TIMES_MORE: u16 = 8;
/// Where frames of the larger size never passed, so many echoes are enough.
const MOST_UNPROVEN: u8 = 2;

/// When frames shall be larger again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Growth {
    /// Answers until the next echo; 0 when none is planned.
    left: u16,
    due: bool,
    failures: u8,
    /// A frame of the larger size was answered before.
    proven: bool,
}

impl Growth {
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// A chunk was answered.
    pub fn answered(&mut self, limits: &mut Limits) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if self.left == 0 && limits.uncapped() > limits.frame() {
            self.due = true;
            limits.set_growing(true);
        }
    }

    fn plan(&mut self) {
        self.due = false;
        let enough = !self.proven && self.failures >= MOST_UNPROVEN;
        let factor = TIMES_MORE.saturating_pow(u32::from(self.failures));
        self.left = if enough { 0 } else { FIRST_AFTER.saturating_mul(factor) };
    }

    /// The echo went unanswered.
    pub fn failed(&mut self, limits: &mut Limits) {
        limits.set_growing(false);
        self.failures = self.failures.saturating_add(1);
        self.plan();
    }
}

impl Upload {
    /// Frames became smaller.
    pub(super) fn stepped_down(&mut self, talk: &mut Conversation) {
        talk.limits.set_growing(false);
        self.growth.proven |= self.size_passed;
        self.growth.plan();
        self.size_passed = false;
        self.stepped_down = true;
    }

    /// Sends the echo.
    pub(super) fn poll_growth(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        self.growth.due = false;
        self.beside().probe = Some(Probe::of_growth(talk, talk.limits.uncapped()));
        self.poll_probe(talk, now, out)
    }

    /// The echo came back.
    pub(super) fn growth_answered(&mut self, talk: &mut Conversation, now: u64, frame: u32) {
        talk.limits.set_growing(false);
        talk.limits.grow();
        talk.note(now, EventKind::FrameLimit(frame));
        self.size_passed = true;
        self.growth.proven = true;
    }
}
