//! The conversation with one device: sequence numbers, the measured round trip, the learnt limits, the counters.
//!
//! It outlives the operations of a session: what one operation learns of the device and of the link serves the next.

pub(crate) mod asleep;
pub mod counters;
pub mod event;
pub(crate) mod evidence;
pub mod limits;
pub mod options;
pub(crate) mod request;
pub mod rtt;
mod saved;
mod spread;
mod version;

pub use counters::Counters;
pub use event::{Event, EventKind};
pub use options::{Framing, Reassembly, SessionOptions, SmpVersion};

use crate::smp::header::HEADER_LEN;
use crate::smp::{Header, Op, Version};
use asleep::Asleep;
use event::EventLog;
use evidence::Evidence;
use limits::Limits;
use rtt::RoundTrip;

/// So many frames back counts as lately.
const LATELY: u8 = 8;

/// What the session knows of the device and of the link between operations.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub options: SessionOptions,
    pub limits: Limits,
    pub rtt: RoundTrip,
    pub counters: Counters,
    pub events: EventLog,
    pub evidence: Evidence,
    /// What the host slept.
    pub asleep: Asleep,
    /// Whether the caller reported the device link as down and not yet as up.
    pub link_down: bool,
    /// Whether any frame of ours was ever answered.
    pub answered: bool,
    version: Version,
    /// Whether version 1 is in use only because version 2 was met with silence.
    doubt: version::Doubt,
    sequence: u8,
    /// The time that the frame just begun shall keep after the one before it, in milliseconds.
    pub delay_ms: u16,
    /// How many frames were begun since the session last had to wait, and whether it has to.
    pub handed: u16,
    pub waited: bool,
    /// The earliest time of the next frame, where the caller asked for pacing.
    paced_until: u64,
}

impl Conversation {
    pub fn new(options: SessionOptions) -> Conversation {
        Conversation {
            limits: Limits::new(&options),
            rtt: RoundTrip::new(options.rtt_hint_ms),
            counters: Counters::default(),
            events: EventLog::default(),
            evidence: Evidence::default(),
            asleep: Asleep::default(),
            link_down: false,
            answered: false,
            version: match options.smp_version {
                SmpVersion::V1 => Version::V1,
                SmpVersion::Auto | SmpVersion::V2 => Version::V2,
            },
            doubt: version::Doubt::default(),
            // Not 0 for everybody: a stale response of the previous session is then rarely taken for one of ours.
            sequence: (options.nonce ^ options.nonce >> 8 ^ options.nonce >> 16 ^ options.nonce >> 24) as u8,
            delay_ms: 0,
            handed: 0,
            waited: false,
            paced_until: 0,
            options,
        }
    }

    /// The header of the next frame, with a fresh sequence number, and the accounting that goes with sending it.
    #[inline]
    pub fn begin_frame(&mut self, now: u64, op: Op, group: u16, command: u8, body_len: usize) -> Header {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.counters.sent = self.counters.sent.wrapping_add(1);
        self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add((HEADER_LEN + body_len) as u32);
        self.delay_ms = 0;
        self.handed = if std::mem::take(&mut self.waited) { 1 } else { self.handed.saturating_add(1) };
        self.paced_until = now.saturating_add(u64::from(self.options.write_interval_ms));
        Header {
            op,
            version: self.version as u8,
            flags: 0,
            length: body_len as u16,
            group,
            sequence,
            command,
        }
    }

    /// Whether one of the last few frames had this sequence number.
    pub fn sent_lately(&self, sequence: u8) -> bool {
        (1..=LATELY).contains(&self.sequence.wrapping_sub(sequence))
    }

    /// When the next frame may be sent; a time not after now means at once.
    pub fn paced_until(&self) -> u64 {
        if self.options.write_interval_ms == 0 { 0 } else { self.paced_until }
    }

    /// An answer to a request of ours was taken.
    #[inline]
    pub fn hears_answer(&mut self) {
        self.answered = true;
        self.evidence.answered();
        self.asleep.answered();
    }

    /// Notes an event.
    pub fn note(&mut self, now: u64, kind: EventKind) {
        if let EventKind::Restarted(_) = kind {
            self.counters.restarts = self.counters.restarts.saturating_add(1);
        }
        let at = self.asleep.caller_time(now);
        self.events.push(Event { at_ms: at, kind });
        // The finding stands in the line that tells the failure.
        if let Some(recording) = self.evidence.recording_mut()
            && !matches!(kind, EventKind::Finding(_))
        {
            recording.word(at, &kind.word());
        }
    }

    /// How long to wait for an ordinary answer, in milliseconds.
    pub fn timeout(&self) -> u32 {
        self.rtt.timeout().max(self.options.timeout_ms)
    }

    /// The link went down: what was learnt of the device stays, what was measured of the link is kept as a hint.
    pub fn link_changed(&mut self, now: u64, down: bool) {
        self.evidence.link(now, down);
        self.link_down = down;
    }
}
