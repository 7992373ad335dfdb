//! How bytes from the device become frames.

use crate::conversation::Framing;
use crate::smp::Frame;
use crate::smp::console::Decoder;
use crate::smp::reassembly::Reassembly;

/// The largest frame that is taken from a device.
const LARGEST_RESPONSE: usize = 65_543;

/// The framing of a half-received message in a snapshot.
const RAW: u8 = 0;
const SERIAL: u8 = 1;

/// What puts frames together, in the framing of the session.
#[derive(Debug)]
pub(super) enum Inbound {
    Raw(Reassembly),
    Serial(Box<Decoder>),
}

impl Inbound {
    pub fn new(framing: Framing) -> Inbound {
        match framing {
            Framing::Raw => Inbound::Raw(Reassembly::new(LARGEST_RESPONSE)),
            Framing::Serial => Inbound::Serial(Box::new(Decoder::new(LARGEST_RESPONSE))),
        }
    }

    /// Calls `on_frame` with each frame that is complete now. Returns how many bytes were given up.
    #[inline]
    pub fn feed(&mut self, now: u64, bytes: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> usize {
        match self {
            Inbound::Raw(reassembly) => reassembly.feed(now, bytes, on_frame),
            Inbound::Serial(decoder) => {
                decoder.feed(bytes, |packet| {
                    if let Some((frame, _)) = Frame::split_first(packet) {
                        on_frame(frame);
                    }
                });
                0
            }
        }
    }

    /// Whether no message is half-received.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match self {
            Inbound::Raw(reassembly) => reassembly.is_empty(),
            Inbound::Serial(decoder) => decoder.is_empty(),
        }
    }

    /// Forgets a half-received message.
    pub fn clear(&mut self) {
        match self {
            Inbound::Raw(reassembly) => reassembly.clear(),
            Inbound::Serial(decoder) => decoder.clear(),
        }
    }

    /// The first call with a time: what came in another process is as old as that.
    pub fn start(&mut self, now: u64) {
        if let Inbound::Raw(reassembly) = self {
            reassembly.adopt_clock(now);
        }
    }

    /// The half-received message for a snapshot: the framing, then what the reader of that framing keeps. No bytes for none,
    /// else at most 12 more than what came of it.
    pub fn save(&self) -> Vec<u8> {
        let mut message = Vec::new();
        if !self.is_empty() {
            match self {
                Inbound::Raw(reassembly) => {
                    message.push(RAW);
                    reassembly.save(&mut message);
                }
                Inbound::Serial(decoder) => {
                    message.push(SERIAL);
                    decoder.save(&mut message);
                }
            }
        }
        message
    }

    /// Goes on with a message that [`Inbound::save`] wrote; one in another framing is left out, since the caller chose
    /// another for the restored session. False when it cannot be one.
    pub fn load(&mut self, message: &[u8]) -> bool {
        match (message, self) {
            ([], _) | ([RAW, ..], Inbound::Serial(_)) | ([SERIAL, ..], Inbound::Raw(_)) => true,
            ([RAW, half @ ..], Inbound::Raw(reassembly)) => reassembly.load(half),
            ([SERIAL, half @ ..], Inbound::Serial(decoder)) => decoder.load(half),
            _ => false,
        }
    }
}
