//! A host that slept: a suspended laptop, a debugger's breakpoint, a frozen process.
//!
//! What a host sleeps is no evidence against the device. So the session has a time of its own, which stands still meanwhile: the
//! caller's, less what it slept. A call that comes long after the deadline that the session had given counts as one at that
//! deadline.

/// A call that comes so much later than the deadline shows a host that slept, in milliseconds. Less is a carrier's time.
pub(crate) const ASLEEP_MS: u64 = 30_000;

/// How often one more wait is granted before the device has answered: limits hold, also for a host that sleeps all the time.
const MOST_MORE_WAITS: u8 = 8;

/// What the host slept, and what follows from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asleep {
    /// All of it since the session opened, in milliseconds.
    total: u64,
    /// When it woke last, in the session's time: no round trip is measured of what was sent before.
    woke_at: u64,
    /// One more wait is due where a limit was slept through; and how many were granted since the last answer.
    owed: bool,
    granted: u8,
}

impl Asleep {
    /// The session's time at this time of the caller.
    #[inline]
    pub fn session_time(&self, caller: u64) -> u64 {
        caller.saturating_sub(self.total)
    }

    /// The caller's time at this time of the session.
    #[inline]
    pub fn caller_time(&self, session: u64) -> u64 {
        session.saturating_add(self.total)
    }

    /// The host slept `ms` and woke at this time of the session.
    #[cold]
    pub fn woke(&mut self, session: u64, ms: u64) {
        self.total = self.total.saturating_add(ms);
        self.woke_at = session;
        self.owed = self.granted < MOST_MORE_WAITS;
    }

    /// Whether it woke just now, in the session's time.
    #[inline]
    pub fn wakes(&self, session: u64) -> bool {
        self.total > 0 && self.woke_at == session
    }

    /// What was sent before `session` is measured no more.
    pub fn measure_from(&mut self, session: u64) {
        self.woke_at = self.woke_at.max(session);
    }

    /// Whether the round trip of what was sent at this time of the session is a measurement.
    #[inline]
    pub fn is_measured(&self, sent_at: u64) -> bool {
        sent_at >= self.woke_at
    }

    /// Whether the time that is over now shall be waited for once more: the host slept through its end.
    #[cold]
    pub fn one_more_wait(&mut self) -> bool {
        let owed = std::mem::take(&mut self.owed);
        self.granted += u8::from(owed);
        owed
    }

    /// The device answered.
    #[inline]
    pub fn answered(&mut self) {
        (self.owed, self.granted) = (false, 0);
    }
}
