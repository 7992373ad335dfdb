//! What a trace tells, before anybody judges it: bytes, words or events, each with its place.

use crate::diagnose::Glance;

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Way {
    ToDevice,
    FromDevice,
}

/// Where and when something stands in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The line of a text, or the record of a capture, from 1.
    pub(super) line: u64,
    /// Milliseconds on the clock of the trace, if it has one.
    pub(super) time_ms: Option<u64>,
}

/// How the bytes are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Dress {
    Binary,
    Hexadecimal,
    Dump,
    Base64,
    Numbers,
    Escapes,
    Console,
    Words,
    Recording,
    Capture,
}

impl Dress {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Dress::Binary => "frames as they are",
            Dress::Hexadecimal => "hexadecimal",
            Dress::Dump => "dump",
            Dress::Base64 => "base64",
            Dress::Numbers => "list of numbers",
            Dress::Escapes => "byte string with escapes",
            Dress::Console => "console lines",
            Dress::Words => "decoded text",
            Dress::Recording => "recording of smpfota",
            Dress::Capture => "packets",
        }
    }
}

/// Something besides frames that decides what a trace means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The link went down, with the reason of Bluetooth (Core Specification, volume 1, part F) where it is told.
    LinkDown(Option<u8>),
    LinkUp,
    /// The ATT MTU in bytes.
    Mtu(u32),
    /// Notifications were switched on or off.
    Notifications(bool),
    /// An ATT error of a write or a subscription.
    AttError(u8),
    /// Pairing was asked for, or failed with this reason of the Security Manager.
    Pairing(Option<u8>),
    /// The caller of a session says that the bonds are lost.
    BondsLost,
    /// What follows on the air is encrypted.
    Encrypted,
}

/// The content of one telling.
#[derive(Debug)]
pub(super) enum Content {
    /// A whole frame, a piece of one, several, or something else.
    Bytes(Vec<u8>),
    /// A frame whose image data was left out: the bytes that are there, and how many are missing behind them.
    Headers(Vec<u8>, usize),
    /// A frame in words, without its bytes.
    Words(Box<Glance>),
    Event(Event),
}

/// One thing that the trace tells.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) place: Place,
    /// Who says it: two lines of one voice differ in their numbers alone.
    pub(super) voice: u32,
    pub(super) dress: Dress,
    pub(super) content: Content,
    /// How wide the line is, and whether the bytes reach its end.
    pub(super) width: usize,
    /// The link or device it belongs to, 0 where there is one alone.
    pub(super) link: u32,
}
