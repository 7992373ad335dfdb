//! A short log of what happened that was not ordinary.

/// Something worth telling the caller, with the time it happened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The caller's time of the call in which it happened, in milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The operation entered this phase (its number).
    Phase(u32),
    /// Nothing was heard for this many milliseconds; a frame was sent again.
    Silence(u32),
    /// The device lost what was sent up to here and continues at this offset.
    WentBack(u32),
    /// The upload started over; the reason is an offset of 0 or an error of the device.
    Restarted(u32),
    /// The window changed to this many frames.
    Window(u32),
    /// The largest frame changed to this many bytes.
    FrameLimit(u32),
    /// The device refused a frame because it was busy or had no buffer (its code).
    Busy(u32),
    /// A response arrived that had come before (its sequence number).
    Replayed(u32),
    /// The session asked for a new link.
    LinkReset,
    /// The caller reported the link as down (0) or up (1).
    Link(u32),
    /// The protocol version of requests changed to this number.
    SmpVersion(u32),
}

impl EventKind {
    /// The name of the event and its number, if it has one.
    pub const fn parts(self) -> (&'static str, Option<u32>) {
        match self {
            EventKind::Phase(n) => ("phase", Some(n)),
            EventKind::Silence(n) => ("silence", Some(n)),
            EventKind::WentBack(n) => ("went_back", Some(n)),
            EventKind::Restarted(n) => ("restarted", Some(n)),
            EventKind::Window(n) => ("window", Some(n)),
            EventKind::FrameLimit(n) => ("frame_limit", Some(n)),
            EventKind::Busy(n) => ("busy", Some(n)),
            EventKind::Replayed(n) => ("replayed", Some(n)),
            EventKind::LinkReset => ("link_reset", None),
            EventKind::Link(n) => ("link", Some(n)),
            EventKind::SmpVersion(n) => ("smp_version", Some(n)),
        }
    }
}

/// The last few events; older ones give way.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    events: Vec<Event>,
}

/// How many events are kept until they are read.
const KEPT: usize = 8;

impl EventLog {
    pub fn push(&mut self, event: Event) {
        if self.events.len() == KEPT {
            self.events.remove(0);
        } else if self.events.len() == self.events.capacity() {
            // An update without trouble has few events, and a fleet has many updates.
            self.events.reserve_exact(self.events.len().max(1));
        }
        self.events.push(event);
    }

    pub fn peek(&self) -> Option<Event> {
        self.events.first().copied()
    }

    pub fn pop(&mut self) -> Option<Event> {
        if self.events.is_empty() { None } else { Some(self.events.remove(0)) }
    }
}
