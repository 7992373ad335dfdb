//! An echo behind the first chunk, so that one lost packet does not cost the whole time that an erase may take.
//!
//! A Zephyr server works off its requests one after another. An echo that was sent behind the first chunk is therefore answered
//! behind it, however long the erase takes; and an echo that is answered alone shows that the chunk, or its answer, is lost.
//! The chunk is then sent again: while the upload is open the server takes the same SHA-256 at offset 0 as a question and
//! answers where it stands (Zephyr `img_mgmt_upload`).
//!
//! Files have no such answer, so nothing is sent behind the first chunk of a file.

use super::probe::{Probe, echo_of};
use super::{Poll, Source, Stage, Upload};
use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::smp::Frame;

/// So many first chunks are taken for lost; then the size of the frames is looked at.
const MOST_LOST: u8 = 2;
/// The most echoes behind one chunk; during an erase each holds a buffer of the device.
const MOST_ECHOES: u32 = 2;
/// The length of the echo's frame, in bytes.
const ECHO_LEN: u32 = 20;
/// How long to wait at least for a chunk's answer that the echo's has overtaken, in milliseconds.
const LEAST_GRACE_MS: u32 = 50;

/// The echo, and what it told.
#[derive(Debug, Default)]
pub(super) struct Behind {
    echo: Option<Request>,
    /// The echo was answered and the chunk is not: lost if it stays so until this time.
    lost_at: Option<u64>,
    /// How many first chunks were taken for lost.
    lost: u8,
}

impl Behind {
    /// Whether an echo is still to be answered.
    pub fn is_open(&self) -> bool {
        self.echo.is_some()
    }

    /// How many echoes may still be answered.
    pub fn open_echoes(&self) -> u32 {
        self.echo.as_ref().map_or(0, Request::attempts)
    }
}

impl Upload {
    /// How many echoes may stand behind the first chunk: a buffer is left for the response.
    fn most_echoes(&self, talk: &Conversation) -> u32 {
        let room = match talk.limits.buffers().1 {
            0 => 1,
            count => count.saturating_sub(2).min(MOST_ECHOES),
        };
        if self.file { 0 } else { room }
    }

    /// What an echo told of a first chunk says nothing of one that was sent after it.
    #[inline]
    pub(super) fn forget_lost(&mut self) {
        if let Some(behind) = self.beside.as_mut().and_then(|beside| beside.behind.as_mut()) {
            behind.lost_at = None;
        }
    }

    /// When the echo follows the first chunk, or the chunk is taken for lost; `None` when neither is due ever.
    pub(super) fn behind_due(&self, talk: &Conversation) -> Option<u64> {
        if self.stage != Stage::First || self.flight.flying() == 0 || self.most_echoes(talk) == 0 {
            return None;
        }
        match self.behind() {
            Some(Behind { lost_at: Some(at), .. }) => Some(*at),
            Some(Behind { echo: Some(echo), .. }) => Some(echo.deadline()),
            Some(Behind { lost, .. }) if *lost > MOST_LOST => None,
            _ => Some(self.active_at + u64::from(talk.rtt.timeout().max(talk.options.timeout_ms))),
        }
    }

    /// Sends the echo, or the chunk again. `None` when neither is due.
    pub(super) fn poll_behind(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        out: &mut [u8],
    ) -> Option<Poll> {
        let due = self.behind_due(talk)?;
        if now < due.max(talk.paced_until()) {
            return None;
        }
        let attempts = self.most_echoes(talk);
        let behind = self.beside().behind.get_or_insert_with(Behind::default);
        if behind.lost_at.take().is_some() {
            behind.lost += 1;
            let lost = behind.lost;
            self.flight.give_up_all();
            if lost > MOST_LOST {
                // Echoes pass and the chunk does not, again and again: what differs is its size.
                self.beside().probe = Some(Probe::new(talk, talk.limits.frame(), false));
                return Some(self.poll_probe(talk, now, out));
            }
            return Some(self.send(talk, now, source, 0, out));
        }
        // Its floor keeps the time behind an erase from being taken for a round trip.
        let floor_ms = talk.options.timeout_ms.saturating_add(1_600);
        let echo = behind.echo.get_or_insert_with(|| echo_of(ECHO_LEN, Patience { floor_ms, attempts }));
        match echo.poll(talk, now, out) {
            request::Poll::Send(length) => Some(Poll::Send(length)),
            request::Poll::Wait => None,
            request::Poll::Expired => {
                // No more of them than the device has buffers for. What was asked may still be answered.
                echo.wait_for_ever();
                None
            }
        }
    }

    /// Takes an answer to the echo. Returns whether it was one.
    pub(super) fn receive_behind(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        let Some(beside) = &mut self.beside else { return false };
        let Some(behind) = &mut beside.behind else { return false };
        let Some(echo) = &mut behind.echo else { return false };
        match echo.receive(talk, now, frame) {
            None => return false,
            Some(Match::Again | Match::Other) => return true,
            Some(Match::Answer(_)) => behind.echo = None,
        }
        if self.stage != Stage::First {
            beside.behind = None;
            self.tidy();
            return true;
        }
        // Where the carrier does not keep the order, the chunk's answer may be close behind.
        let grace = (talk.rtt.smoothed() / 2).max(LEAST_GRACE_MS);
        behind.lost_at = Some(now + u64::from(grace));
        true
    }
}
