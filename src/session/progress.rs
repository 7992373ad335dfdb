//! Progress of the operation in figures.

use super::Session;
use crate::update::Phase;

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub phase: Phase,
    /// Bytes that the device has by its own word, over all images. After a restore it is the last word before; it stays where it is when
    /// the operation is cancelled or fails, and falls only where the device says that it has less.
    pub bytes_acknowledged: u64,
    /// Bytes of all images.
    pub bytes_total: u64,
    /// The image in hand, from 0.
    pub image_index: u32,
    /// How many images there are.
    pub image_count: u32,
    /// Upload rate: what this process sent of the image in hand and the device took, since the upload of it began; between uploads and after
    /// them, of all that this process uploaded. What the device had before does not count. 0 where this process has uploaded
    /// nothing.
    pub bytes_per_second: u32,
    /// Expected time to the end of the upload in milliseconds; `u32::MAX` while unknown.
    pub eta_ms: u32,
    /// The smoothed round trip in milliseconds; 0 while unknown.
    pub rtt_ms: u32,
    /// How many chunks may be unanswered now.
    pub window: u32,
    /// The largest frame in bytes.
    pub frame: u32,
    /// Frames that were sent again, since the session opened.
    pub retransmissions: u32,
    /// Frames that came and moved nothing, since the session opened.
    pub ignored: u32,
    /// How often the session asked for a new link.
    pub link_resets: u32,
}

pub(super) fn of(session: &Session, now: u64) -> Progress {
    let talk = &session.talk;
    let figures = session.operation.figures(talk, now);
    Progress {
        phase: session.operation.phase(),
        bytes_acknowledged: figures.acknowledged,
        bytes_total: figures.total,
        image_index: figures.image_index,
        image_count: figures.image_count,
        bytes_per_second: figures.bytes_per_second,
        eta_ms: figures.eta_ms,
        rtt_ms: if talk.rtt.is_measured() { talk.rtt.smoothed() } else { 0 },
        window: figures.window,
        frame: talk.limits.frame(),
        retransmissions: talk.counters.retransmissions,
        ignored: talk.counters.ignored(),
        link_resets: talk.counters.link_resets,
    }
}
