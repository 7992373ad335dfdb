//! What was sent and how what arrived was classified.

/// Counters of a session since it opened. Those of four bytes wrap; those of two, for what is rare, stay at 65,535: a fleet of sessions
/// holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames sent.
    pub sent: u32,
    /// Frames sent again because an answer was missing or the device asked for the same offset.
    pub retransmissions: u32,
    /// Answers to the request in question.
    pub expected: u32,
    /// Answers to a request that was already given up or covered by a later answer.
    pub late: u16,
    /// Answers that had come before.
    pub duplicate: u16,
    /// Frames that answer no request of this session.
    pub foreign: u16,
    /// Bytes or frames that are not SMP, or whose body is not what it must be.
    pub undecodable: u16,
    /// How often the session asked for a new link.
    pub link_resets: u16,
    /// How often an upload started over.
    pub restarts: u16,
    /// Bytes of the frames that were sent, headers included and framing aside.
    pub bytes_sent: u32,
    /// Bytes that came from the device, framing included.
    pub bytes_received: u32,
}

impl Counters {
    /// Frames that came and moved nothing.
    pub const fn ignored(&self) -> u32 {
        self.late as u32 + self.duplicate as u32 + self.foreign as u32 + self.undecodable as u32
    }
}
