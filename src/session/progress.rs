//! Progress of the operation in figures.

use super::Session;
use super::clock::LATEST_MS;
use crate::update::Phase;
use crate::update::report::{Figures, PaceTime};

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

/// What the progress at any time is worked out of: what only a call on the session changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The latest time that the session was told, by the caller's clock as all times here.
    pub now: u64,
    pub phase: Phase,
    pub figures: Figures,
    /// 0 while unknown.
    pub rtt_ms: u32,
    pub frame: u32,
    pub retransmissions: u32,
    pub ignored: u32,
    pub link_resets: u32,
}

#[inline]
pub(super) fn of(session: &Session) -> Standing {
    let talk = &session.talk;
    let mut figures = session.operation.figures(talk);
    if let PaceTime::Since(since) = &mut figures.pace.time {
        // What the host slept since is no time of the upload.
        *since = talk.asleep.caller_time(*since);
    }
    Standing {
        now: talk.asleep.caller_time(session.now),
        phase: session.operation.phase(),
        figures,
        rtt_ms: if talk.rtt.is_measured() { talk.rtt.smoothed() } else { 0 },
        frame: talk.limits.frame(),
        retransmissions: talk.counters.retransmissions,
        ignored: talk.counters.ignored(),
        link_resets: u32::from(talk.counters.link_resets),
    }
}

impl Standing {
    /// The progress at a time.
    pub fn at(&self, now_ms: u64) -> Progress {
        let now = now_ms.min(LATEST_MS).max(self.now);
        let Figures { acknowledged, total, image_index, image_count, pace, window } = self.figures;
        let (took, goes_on) = match pace.time {
            PaceTime::Since(since) => (now.saturating_sub(since).max(1), true),
            PaceTime::Took(took) => (took, false),
        };
        let rate = (pace.moved * 1_000).checked_div(took).unwrap_or(0);
        let left = total.saturating_sub(acknowledged).saturating_mul(took).checked_div(pace.moved);
        let largest = u64::from(u32::MAX);
        Progress {
            phase: self.phase,
            bytes_acknowledged: acknowledged,
            bytes_total: total,
            image_index,
            image_count,
            bytes_per_second: rate.min(largest) as u32,
            eta_ms: left.filter(|_| goes_on).map_or(u32::MAX, |left| left.min(largest - 1) as u32),
            rtt_ms: self.rtt_ms,
            window,
            frame: self.frame,
            retransmissions: self.retransmissions,
            ignored: self.ignored,
            link_resets: self.link_resets,
        }
    }
}
