//! What time it is for the session: the caller's time, less what the host slept.

use super::Session;
use crate::conversation::asleep::ASLEEP_MS;
use crate::failure::Failure;
use crate::status::Status;

/// No time in milliseconds is later, 35,000 years after the clock's origin: so no sum of a time and a wait overflows. The microseconds
/// and nanoseconds since 1970 are.
pub(super) const LATEST_MS: u64 = 1 << 50;
/// A time so much later than the first one comes from another clock.
const TEN_YEARS_MS: u64 = 10 * 365 * 86_400_000;
/// The first time is kept in so many milliseconds, rounded up, so that a fleet of sessions takes less room.
const FIRST_UNIT_MS: u64 = 1 << 18;
/// In place of the first time while there is none.
pub(super) const UNTOLD: u32 = u32::MAX;
/// A wait that took so many times as long as was asked for is overlong.
const OVERLONG: u64 = 100;

impl Session {
    /// Whether a call may come at `now_ms`: [`Status::TimeRefused`] for a time more than ten years after the first one of the
    /// session, and for one that no clock in milliseconds shows, such as -1 or nanoseconds since 1970.
    #[inline]
    pub fn check_time(&self, now_ms: u64) -> Result<(), Failure> {
        let first = u64::from(self.first) * FIRST_UNIT_MS;
        if now_ms > (first + TEN_YEARS_MS).min(LATEST_MS) { Err(Status::TimeRefused.into()) } else { Ok(()) }
    }

    /// The caller was told to wait behind a frame.
    #[inline]
    pub(super) fn count_wait(&mut self) {
        self.halve_counts();
        self.waits += 1;
    }

    /// What counts is which of the two is more.
    fn halve_counts(&mut self) {
        if self.waits.max(self.overlong) == u8::MAX {
            (self.waits, self.overlong) = (self.waits / 2, self.overlong / 2);
        }
    }

    /// Whether most waits of the operation took so long that the caller's clock may count something else than milliseconds.
    pub(super) fn doubts_clock(&self) -> bool {
        2 * u16::from(self.overlong) > u16::from(self.waits)
    }

    /// The session's time of a call that comes at `now_ms` by the caller's clock, which was checked. Every call with a time comes by here.
    #[inline]
    pub(super) fn clock(&mut self, now_ms: u64) -> u64 {
        if self.first == UNTOLD {
            self.first = now_ms.div_ceil(FIRST_UNIT_MS) as u32;
        }
        let told = self.talk.asleep.session_time(now_ms);
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
        let asked_for = (due - self.now).max(1);
        if self.talk.waited && told - self.now >= OVERLONG.saturating_mul(asked_for) {
            self.halve_counts();
            self.overlong += 1;
        }
        // Later than whatever was sent before: so it is told from what is sent from now on.
        let woke = due.max(self.now + 1);
        self.now = self.talk.asleep.woke(woke, told - woke);
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
