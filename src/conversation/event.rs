//! A short log of what happened that was not ordinary.

/// Something worth telling the caller, with the time it happened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The caller's time of the call in which it happened, in milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
}

/// Declares [`EventKind`] once: the name in JSON, what its number is, and what happened.
macro_rules! events {
    ($($variant:ident $(($number:ty))?, $name:literal, $value:literal, $what:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = $what] $variant $(($number))?,)*
        }

        impl EventKind {
            /// Every kind there is: its name in JSON, what its `value` is (empty where it has none), and what happened.
            pub const ALL: &'static [(&'static str, &'static str, &'static str)] = &[$(($name, $value, $what)),*];

            /// The name of the event and its number, if it has one.
            pub const fn parts(self) -> (&'static str, Option<u32>) {
                match self { $(events!(@pattern $variant n $($number)?) => ($name, events!(@number n $($number)?)),)* }
            }
        }
    };
    (@pattern $variant:ident $n:ident $number:ty) => { EventKind::$variant($n) };
    (@pattern $variant:ident $n:ident) => { EventKind::$variant };
    (@number $n:ident $number:ty) => { Some($n) };
    (@number $n:ident) => { None };
}

events! {
    Phase(u32), "phase", "the number of the phase", "The operation entered this phase.";
    Silence(u32), "silence", "milliseconds", "Nothing was heard for this long; a frame was sent again.";
    WentBack(u32), "went_back", "an offset in bytes", "The device lost what was sent up to here and continues at this offset.";
    Restarted(u32), "restarted", "the offset in bytes that the device asked for", "An upload, or a step of the update, started over.";
    Window(u32), "window", "frames", "So many frames may now be in flight.";
    FrameLimit(u32), "frame_limit", "bytes", "A frame may now be this long.";
    Busy(u32), "busy", "the device's error code", "The device refused a frame because it was busy or had no buffer.";
    Replayed(u32), "replayed", "its sequence number", "A response arrived that had come before.";
    LinkReset, "link_reset", "", "The session asked for a new link.";
    Link(u32), "link", "0 down, 1 up, 2 up under another address, 3 bonds lost", "The caller reported this of the link.";
    SmpVersion(u32), "smp_version", "1 or 2", "Requests now carry this version of the SMP header.";
    Finding(u32), "finding", "the number of the finding", "The operation failed, and this points to the cause.";
}

impl EventKind {
    /// What a recording says of it.
    pub(crate) fn word(self) -> String {
        match (self, self.parts()) {
            (EventKind::Link(0), _) => "link down".into(),
            (EventKind::Link(2), _) => "link up under another address".into(),
            (EventKind::Link(3), _) => "bonds lost".into(),
            (EventKind::Link(_), _) => "link up".into(),
            (_, (name, Some(number))) => format!("{name} {number}"),
            (_, (name, None)) => name.into(),
        }
    }
}

/// The last few events; older ones give way.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// No larger than it has to be: an update without trouble has few events, and a fleet has many updates.
    events: Box<[Event]>,
}

/// How many events are kept until they are read.
const KEPT: usize = 8;

impl EventLog {
    pub fn push(&mut self, event: Event) {
        if self.events.len() == KEPT {
            self.events.rotate_left(1);
            self.events[KEPT - 1] = event;
            return;
        }
        let mut events = std::mem::take(&mut self.events).into_vec();
        events.reserve_exact(1);
        events.push(event);
        self.events = events.into_boxed_slice();
    }

    pub fn peek(&self) -> Option<Event> {
        self.events.first().copied()
    }

    pub fn pop(&mut self) -> Option<Event> {
        let first = self.peek()?;
        self.events = self.events[1..].into();
        Some(first)
    }
}
