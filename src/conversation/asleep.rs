//! A host that slept: a suspended laptop, a debugger's breakpoint, a frozen process.
//!
//! What a host sleeps is no evidence against the device. So the session has a time of its own, which stands still meanwhile: the
//! caller's, less what it slept. A call that comes long after the deadline that the session had given counts as one at that
//! deadline.

/// A call that comes so much later than the deadline shows a host that slept, in milliseconds. Less is a carrier's time.
pub(crate) const ASLEEP_MS: u64 = 30_000;

/// How often one more wait is granted before the device has answered: limits hold, also for a host that sleeps all the time.
const MOST_MORE_WAITS: u8 = 8;

/// The host's sleep is counted in so many milliseconds, so that a fleet of sessions takes less room: ten years of it fit.
const UNIT_MS: u64 = 128;

/// What the host slept, and what follows from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asleep {
    /// All of it since the session opened, in [`UNIT_MS`].
    total: u32,
    /// The low half of the session's time when it woke last: no round trip is measured of what was sent before.
    woke_at: u32,
    /// One more wait is due where a limit was slept through, and where an answer was; how many were granted since the last answer.
    owed: bool,
    owed_answer: bool,
    granted: u8,
    /// Whether `woke_at` tells anything.
    woke: bool,
}

impl Asleep {
    /// The session's time at this time of the caller.
    #[inline]
    pub fn session_time(&self, caller: u64) -> u64 {
        caller.saturating_sub(u64::from(self.total) * UNIT_MS)
    }

    /// The caller's time at this time of the session.
    #[inline]
    pub fn caller_time(&self, session: u64) -> u64 {
        session.saturating_add(u64::from(self.total) * UNIT_MS)
    }

    /// The host slept `ms` and would have woken at `session`. Returns when it wakes, less than [`UNIT_MS`] later.
    #[cold]
    pub fn woke(&mut self, session: u64, ms: u64) -> u64 {
        let units = u32::try_from(ms / UNIT_MS).unwrap_or(u32::MAX).min(u32::MAX - self.total);
        self.total += units;
        let woke = session + (ms - u64::from(units) * UNIT_MS);
        self.owed = self.granted < MOST_MORE_WAITS;
        self.owed_answer = self.owed;
        self.measure_from(woke);
        woke
    }

    /// Whether it woke just now, in the session's time.
    #[inline]
    pub fn wakes(&self, session: u64) -> bool {
        self.total > 0 && self.woke_at == session as u32
    }

    /// What was sent before `session` is measured no more.
    pub fn measure_from(&mut self, session: u64) {
        (self.woke_at, self.woke) = (session as u32, true);
    }

    /// Whether the round trip of what was sent at this time of the session, at most some days ago, is a measurement.
    #[inline]
    pub fn is_measured(&self, sent_at: u64) -> bool {
        !self.woke || (sent_at as u32).wrapping_sub(self.woke_at) < 1 << 31
    }

    /// Whether the time that is over now shall be waited for once more: the host slept through its end.
    #[cold]
    pub fn one_more_wait(&mut self) -> bool {
        grant(&mut self.owed, &mut self.granted)
    }

    /// The same for the answer to one request, which is a small part of such a time.
    #[cold]
    pub fn one_more_answer(&mut self) -> bool {
        grant(&mut self.owed_answer, &mut self.granted)
    }

    /// The device answered.
    #[inline]
    pub fn answered(&mut self) {
        (self.owed, self.owed_answer, self.granted) = (false, false, 0);
    }
}

/// What is owed is granted once, and counted.
fn grant(owed: &mut bool, granted: &mut u8) -> bool {
    let due = std::mem::take(owed);
    *granted += u8::from(due);
    due
}
