//! What is sent when nothing comes: a chunk of new data, an echo that finds out what still passes, the same chunk again.

use super::probe::{self, Passage, Probe};
use super::{Poll, Purpose, Source, Stage, Upload, flight};
use crate::conversation::{Conversation, EventKind};

/// After so many silences in a row an echo finds out what still passes.
const SILENCES_BEFORE_ECHO: u16 = 4;
/// So many silences in a row are answered with a chunk of new data.
const PROBES_OF_NEW_DATA: u16 = 2;

impl Upload {
    /// Nothing came for longer than is ordinary.
    pub(super) fn on_silence(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        out: &mut [u8],
    ) -> Poll {
        self.silent = self.silent.saturating_add(1);
        talk.note(now, EventKind::Silence((now - self.active_at).min(u64::from(u32::MAX)) as u32));
        let first = self.stage == Stage::First;
        let before_echo = if first { 1 } else { SILENCES_BEFORE_ECHO };
        // Where answers take long, the silences are few before the end of all patience: then time decides, so that a server
        // that is stuck gets its new link.
        let long = now.saturating_sub(self.progress_at) > u64::from(talk.options.stall_timeout_ms / 3);
        let due = self.silent % (before_echo + 1) == before_echo
            && (!self.size_passed || self.silent > 2 * before_echo);
        if due || (long && !first && !self.echoed) {
            self.echoed = true;
            let probe = Probe::new(talk, self.frame_limit(talk), self.size_passed);
            self.beside().probe = Some(probe);
            return self.poll_probe(talk, now, out);
        }
        // A slow answer is as likely as a loss at first: new data as the probe then is no waste (RFC 8985 section 7.3), and
        // its answer tells what was lost. Later silence means that what was in flight is gone.
        if !first && self.batch.is_some() {
            let offset = self.doubt_batch(talk, now);
            return self.send(talk, now, source, offset, out);
        }
        let next = self.flight.predict(self.acknowledged);
        if first || self.silent > PROBES_OF_NEW_DATA {
            self.flight.give_up_all();
            if first && self.file {
                self.beside().errand = Some(Purpose::Close);
                return self.poll(talk, now, source, out);
            }
            return self.send(talk, now, source, self.acknowledged, out);
        }
        let window = talk.limits.window();
        let most = (window + window.min(u32::from(PROBES_OF_NEW_DATA))).min(flight::REMEMBERED as u32);
        if self.flight.flying() >= most {
            // More on the way than the device may have buffers for would be lost there, and what is forgotten is sent again.
            self.active_at = now;
            return Poll::Wait;
        }
        let offset = if next < self.size { next } else { self.acknowledged };
        self.send(talk, now, source, offset, out)
    }

    pub(super) fn poll_probe(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        let Some(beside) = &mut self.beside else { return Poll::Wait };
        let Some(probe) = &mut beside.probe else { return Poll::Wait };
        match probe.poll(talk, now, out) {
            probe::Poll::Send(length) => Poll::Send(length),
            probe::Poll::Wait => Poll::Wait,
            probe::Poll::Nothing if probe.tests_growth().is_some() => {
                beside.probe = None;
                self.active_at = now;
                self.growth.failed(&mut talk.limits);
                Poll::Wait
            }
            probe::Poll::Nothing => {
                // Not even a small echo passes: the link or the server is gone. Chunks go on at a slow pace.
                beside.probe = None;
                self.active_at = now;
                self.flight.give_up_all();
                // A server without an echo is as silent about frames beyond its buffers, which it does not tell either.
                if !self.size_passed && talk.limits.is_size_presumed() {
                    self.smaller_frames(talk, now);
                }
                if self.reset_asked {
                    return Poll::Wait;
                }
                self.reset_asked = true;
                talk.counters.link_resets = talk.counters.link_resets.saturating_add(1);
                talk.note(now, EventKind::LinkReset);
                Poll::LinkReset
            }
        }
    }

    pub(super) fn probe_answered(&mut self, talk: &mut Conversation, now: u64, passage: Passage) {
        let Some(probe) = self.beside.as_mut().and_then(|beside| beside.probe.take()) else { return };
        self.tidy();
        self.flight.give_up_all();
        self.active_at = now;
        self.silent = 0;
        let whole = passage == Passage::Whole;
        if let Some(tested) = probe.tests_growth() {
            return match whole {
                true => self.growth_answered(talk, now, tested),
                false => self.growth.failed(&mut talk.limits),
            };
        }
        if probe.is_full_size() && whole {
            // The frame size is fine; the chunk was lost for another reason.
            self.size_passed = true;
        } else if self.size_passed && !probe.tried_full_size() && whole {
            // Frames of this size passed before. The small echo may only show that an outage is over.
            let probe = Probe::new(talk, self.frame_limit(talk), false);
            self.beside().probe = Some(probe);
        } else {
            self.smaller_frames(talk, now);
        }
    }

    fn smaller_frames(&mut self, talk: &mut Conversation, now: u64) {
        if let Some(size) = talk.limits.step_down() {
            talk.note(now, EventKind::FrameLimit(size));
            self.stepped_down(talk);
        }
    }
}
