//! What time it is for the session: the caller's time, less what the host slept.

use super::Session;
use crate::conversation::asleep::ASLEEP_MS;

/// A later time counts as this one, 35,000 years after the clock's origin: no sum of a time and a wait overflows.
pub(super) const LATEST_MS: u64 = 1 << 50;

impl Session {
    /// The session's time of a call that comes at `now_ms` by the caller's clock. Every call with a time comes by here.
    #[inline]
    pub(super) fn clock(&mut self, now_ms: u64) -> u64 {
        let told = self.talk.asleep.session_time(now_ms.min(LATEST_MS));
        match self.slept_through(told) {
            Some(due) => self.wake(told, due),
            None => self.now = self.now.max(told),
        }
        self.now
    }

    /// The deadline that a host slept through which calls at `told`.
    #[inline]
    fn slept_through(&self, told: u64) -> Option<u64> {
        // The deadline is not before the last call, so most calls need not ask for it.
        if told <= self.now.saturating_add(ASLEEP_MS) || !self.started {
            return None;
        }
        let due = self.due()?;
        // None was given before the caller was told to wait.
        let given = if self.talk.waited { due } else { self.now };
        (told > given.saturating_add(ASLEEP_MS)).then_some(given)
    }

    #[cold]
    fn wake(&mut self, told: u64, due: u64) {
        // Later than whatever was sent before: so it is told from what is sent from now on.
        self.now = due.max(self.now + 1);
        self.talk.asleep.woke(self.now, told - self.now);
        self.operation.overslept(&mut self.talk, self.now);
    }

    /// The deadline in the session's time.
    pub(super) fn due(&self) -> Option<u64> {
        if !self.operation.is_running() || self.paused {
            return None;
        }
        if self.outbound.as_ref().is_some_and(|outbound| outbound.is_pending()) {
            return Some(self.now);
        }
        Some(self.operation.deadline(&self.talk, self.now).max(self.now))
    }
}
