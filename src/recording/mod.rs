//! Recordings of a session: what went out, what came in, what the session decided.
//!
//! [`Ring`] keeps the last of it in a bounded room, without allocating as it goes. [`Form`] says how it is written, as text or as a capture
//! file; `trace` reads both.
//!
//! ```text
//! smpfota trace 1
//! 0.000 > 244 02000...ec +212     seconds, to the device, length, bytes in hexadecimal, bytes left out behind them
//! 0.121 < 20 0300000c00010001...  from the device
//! 4.000 ! link down               what else happened
//! # a remark
//! ```
//!
//! "Headers only" leaves out the data of image and file chunks; what stands behind it in a frame is told in front of it.

mod content;
mod lines;
mod pcapng;
mod ring;

pub use lines::FIRST_LINE;
pub use pcapng::Pcapng;
pub use ring::{Recorded, Ring};

pub(crate) use pcapng::{DEVICE, WORDS_LINK};

/// How a recording is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The library's own text, one frame a line.
    Text,
    /// A capture file.
    Pcapng,
}

impl Form {
    /// What stands in front of all entries.
    pub fn start(self) -> Vec<u8> {
        match self {
            Form::Text => format!("{FIRST_LINE}\n").into_bytes(),
            Form::Pcapng => Pcapng::start(),
        }
    }

    /// An entry.
    pub fn entry(self, now_ms: u64, entry: Entry<'_>) -> Vec<u8> {
        match self {
            Form::Text => lines::line(now_ms, entry).into_bytes(),
            Form::Pcapng => Pcapng::entry(now_ms, entry),
        }
    }
}

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the device.
    Sent,
    /// From the device.
    Received,
}

/// What a recording has of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// One write or what one notification brought: the bytes, and how many more stood behind them.
    Bytes(Direction, &'a [u8], usize),
    /// What else happened: `link down`, `silence 3000`, `frame_limit 240`.
    Word(&'a str),
}
