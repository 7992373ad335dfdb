//! What an answer to a chunk means: where the device stands, what was lost on the way, what it refuses.

use super::answer::Answer;
use super::aside::{Purpose, Question};
use super::behind::Behind;
use super::flight::{self, Fate};
use super::{MOST_ERRANDS, MOST_RESTARTS, Outcome, Stage, Upload, refusal};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::{DeviceError, Frame, Op};
use crate::status::Status;

/// So many frames in a row that did not arrive whole show that frames of this size do not pass.
const DAMAGED_BEFORE_SMALLER: u8 = 3;
/// After so many damaged frames in all the link is of no use.
const MOST_DAMAGED: u16 = 256;
/// So many answers with an impossible offset, or none, are passed over.
const MOST_ODD_ANSWERS: u8 = 3;
/// How often the device may refuse the very chunk that it asks for.
const MOST_REFUSALS: u8 = 8;

impl Upload {
    /// Takes a frame. Returns false when it is not an answer to this upload.
    #[inline]
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        if self.beside.is_some() && self.receive_beside(talk, now, frame) {
            return true;
        }
        let header = frame.header;
        if ((header.group, header.command), header.op) != (self.address(), Op::WriteResponse) {
            return false;
        }
        let Some((order, sent)) = self.flight.find(header.sequence) else { return false };
        let fate = self.flight.fate(order);
        if fate == Fate::Answered || self.stage == Stage::Ended {
            talk.counters.duplicate = talk.counters.duplicate.saturating_add(1);
            self.evidence.replayed = self.evidence.replayed.saturating_add(1);
            if self.evidence.replayed <= 2 {
                talk.note(now, EventKind::Replayed(u32::from(header.sequence)));
            }
            return true;
        }
        let Some(answer) = Answer::decode(frame.body, self.file) else {
            self.unreadable(talk, now, frame.body);
            return true;
        };
        self.evidence.unreadable = 0;
        talk.hears_answer();
        self.evidence.answered = self.evidence.answered.saturating_add(1);
        let late = fate == Fate::Lost;
        if late {
            talk.counters.late = talk.counters.late.saturating_add(1);
            self.flight.answered_late(order);
            if let Some(batch) = &mut self.batch {
                batch.answered_late();
            }
        } else {
            talk.counters.expected = talk.counters.expected.wrapping_add(1);
        }
        if self.stage == Stage::Stream
            && sent.offset != 0
            && sent.end() < self.size
            && order >= self.unmeasured
            && self.batch.is_none()
            && talk.asleep.is_measured(now.saturating_sub(sent.age(now).into()))
        {
            talk.rtt.sample(sent.age(now));
        }
        if let Some(error) = answer.error {
            talk.evidence.refused(error, frame.body);
            if !late {
                let settled = self.flight.settle(order);
                if let Some(batch) = &mut self.batch {
                    batch.answer(settled.saturating_sub(1));
                }
                self.refused(talk, now, error);
                self.end_settled_batch(talk, now);
            }
            return true;
        }
        // One answer that makes no sense may be meant for another client, whose sequence number was the same.
        let odd = answer.offset.is_none_or(|off| off > self.size && !self.file);
        if odd && self.evidence.odd < MOST_ODD_ANSWERS {
            self.evidence.odd += 1;
            talk.counters.foreign = talk.counters.foreign.saturating_add(1);
            return true;
        }
        self.silent = 0;
        self.reset_asked = false;
        self.echoed = false;
        self.active_at = now;
        let single = talk.limits.reassembles() && u32::from(sent.length) < talk.limits.max_write();
        self.size_passed |= !single && (sent.offset != 0 || self.stage == Stage::First);
        self.growth.answered(&mut talk.limits);
        self.evidence.corrupt_in_a_row = 0;
        let Some(off) = answer.offset else {
            self.fail(Failure::new(
                Status::UnexpectedResponse,
                "the device accepted a chunk without saying at which offset it stands.",
            ));
            return true;
        };
        if self.file && self.is_impossible(off) {
            if !late && order >= self.generation {
                self.flight.settle(order);
                self.restart(talk, now, off);
            }
            return true;
        }
        if off > self.size {
            self.fail(Failure::new(
                Status::OffsetOutOfRange,
                format!("the device asks for offset {off} of {} bytes.", self.size),
            ));
            return true;
        }
        if answer.matches == Some(false) && off == self.size {
            if order < self.generation {
                return true;
            }
            if !self.evidence.mismatched {
                // A server that puts writes together may take a damaged frame for a whole one, seldom enough to try again.
                self.evidence.mismatched = true;
                self.restart(talk, now, off);
                return true;
            }
            self.fail(Failure::new(
                Status::DigestMismatch,
                "the device received every byte, twice, and says that they do not fit the SHA-256 of the file: \
                 something changes them on the way.",
            ));
            return true;
        }
        match self.stage {
            Stage::First => {
                // A late answer to an earlier copy of the same first chunk is as good; one from before a restart is not.
                if order >= self.generation {
                    self.flight.settle(order);
                    self.first_answered(talk, now, off, sent.end());
                }
            }
            Stage::Stream if late => self.advance(talk, now, off),
            Stage::Stream => {
                let settled = self.flight.settle(order);
                if let Some(batch) = &mut self.batch {
                    batch.answer(settled.saturating_sub(1));
                }
                self.stream_answered(talk, now, order, sent, off, settled);
                self.end_settled_batch(talk, now);
            }
            Stage::Ended => {}
        }
        true
    }

    /// Ends the batch when nothing of it is in flight any more.
    fn end_settled_batch(&mut self, talk: &mut Conversation, now: u64) {
        if self.batch.is_some() && self.stage == Stage::Stream && self.flight.flying() == 0 {
            self.end_batch(talk, now);
        }
    }

    pub(super) fn first_answered(&mut self, talk: &mut Conversation, now: u64, off: u32, first_end: u32) {
        if off == 0 {
            return self.asked_again(talk, now);
        }
        if self.file && off != first_end {
            return self.restart(talk, now, off);
        }
        if self.erased && off != first_end && off != self.size {
            // Zephyr issue 51798: after an erase the old offset is still there and would leave a hole.
            self.forget = true;
            self.erased = false;
            return self.restart(talk, now, off);
        }
        self.erased = false;
        if self.forget {
            self.forget = false;
            return self.begin_again();
        }
        self.stage = Stage::Stream;
        self.found = off != first_end;
        self.start_batches(talk);
        // An echo that is still to be answered is waited for no longer, but known when it comes.
        if let Some(beside) = &mut self.beside {
            beside.behind = beside.behind.take().filter(Behind::is_open);
            self.tidy();
        }
        self.high = self.high.max(off);
        self.refusals = 0;
        self.acknowledged = off;
        self.progressed(now);
        if off == self.size {
            self.end(Outcome::Complete { told: true });
        }
    }

    #[inline]
    pub(super) fn stream_answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        order: u32,
        sent: flight::Sent,
        off: u32,
        settled: u32,
    ) {
        let doubted = self.doubt.take();
        if off > self.acknowledged {
            let lost = u32::from(sent.end() > off && sent.offset > off);
            let limit = talk.limits.window();
            if self.batch.is_none() && self.window.settled(limit, settled, lost) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            return self.advance(talk, now, off);
        }
        if off == self.acknowledged {
            let limit = talk.limits.window();
            if sent.offset == off {
                // The device got just the chunk that it asks for and did not take it.
                self.asked_again(talk, now);
            } else if self.batch.is_none()
                && self.window.settled(limit, settled, u32::from(sent.offset > off))
            {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            let last = self.batch.is_none() || self.flight.flying() == 0;
            if sent.offset > off && last && self.flight.predict(off) == off {
                talk.note(now, EventKind::WentBack(off));
            }
            return;
        }
        if off == 0 && self.high >= self.size && !self.file {
            // Newer servers forget the upload when it is finished and answer 0 from then on (Zephyr 3.3 and newer).
            self.end(Outcome::Complete { told: false });
            return;
        }
        // Behind what the device said before. An old answer that was overtaken says the same, so it is believed only when
        // an answer to a frame sent from now on repeats it.
        match doubted {
            Some(doubt) if order >= doubt => self.device_went_back(talk, now, off),
            earlier => self.doubt = Some(earlier.unwrap_or(self.flight.next_order())),
        }
    }

    pub(super) fn advance(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        if off <= self.acknowledged {
            return;
        }
        self.acknowledged = off;
        self.high = self.high.max(off);
        self.refusals = 0;
        self.holds = 0;
        self.errands = 0;
        self.progressed(now);
        if off == self.size {
            self.end(Outcome::Complete { told: true });
        } else if self.batch.is_none() && self.flight.flying() > 0 && self.flight.predict(off) < self.high {
            talk.note(now, EventKind::WentBack(off));
        }
    }

    pub(super) fn progressed(&mut self, now: u64) {
        self.progress_at = now;
        if self.acknowledged > self.best {
            self.best = self.acknowledged;
            self.relinks = 0;
        }
    }

    pub(super) fn device_went_back(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        if off == 0 {
            self.evidence.restarted_to_zero = true;
            return self.restart(talk, now, off);
        }
        self.restarts = self.restarts.saturating_add(1);
        if self.restarts > MOST_RESTARTS {
            return self.too_many_restarts();
        }
        talk.note(now, EventKind::WentBack(off));
        self.acknowledged = off;
    }

    /// The device answered the very chunk that it asked for with the same offset.
    pub(super) fn asked_again(&mut self, talk: &mut Conversation, now: u64) {
        self.refusals += 1;
        if self.refusals >= MOST_REFUSALS {
            return self.fail(
                Failure::new(
                    Status::Stalled,
                    format!(
                        "the device took the chunk at offset {} {} times and asks for it again.",
                        self.acknowledged, self.refusals
                    ),
                )
                .with_finding(self.stall_finding()),
            );
        }
        if self.refusals > 1 {
            self.hold_until = now + (u64::from(talk.rtt.smoothed().min(1_000)) << self.refusals.min(4)) / 4;
        }
    }

    /// The device answered a chunk with an error.
    pub(super) fn refused(&mut self, talk: &mut Conversation, now: u64, error: DeviceError) {
        self.silent = 0;
        self.active_at = now;
        if error.is_retryable() {
            self.holds = self.holds.saturating_add(1);
            self.evidence.busy = true;
            talk.note(now, EventKind::Busy(error.code));
            if let Some(batch) = &mut self.batch {
                batch.refused();
                return;
            }
            let limit = talk.limits.window();
            if self.window.refused(limit) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            } else if self.window.size(limit) > 1 && self.holds == 1 {
                // A copy of a request held the buffer: it is free again when the next chunk arrives.
                return;
            }
            let pause = u64::from((talk.rtt.smoothed() / 2).clamp(20, 500));
            self.hold_until = now + (pause << self.holds.min(6));
            return;
        }
        let first = self.stage == Stage::First;
        let verdict = if self.file {
            refusal::judge_file(error, first, talk.limits.reassembles())
        } else {
            refusal::judge(error, first, talk.limits.reassembles())
        };
        match verdict {
            refusal::Verdict::SmallerFrame => {
                self.evidence.corrupt += 1;
                self.evidence.corrupt_in_a_row += 1;
                if self.size_passed && self.evidence.corrupt_in_a_row < DAMAGED_BEFORE_SMALLER {
                    // A frame of this size passed before: this one was damaged on the way, not too large.
                    return;
                }
                self.evidence.corrupt_in_a_row = 0;
                match talk.limits.step_down() {
                    Some(size) if self.evidence.corrupt <= MOST_DAMAGED => {
                        talk.note(now, EventKind::FrameLimit(size));
                        self.stepped_down(talk);
                        self.flight.give_up_all();
                    }
                    _ => {
                        // The least that is sent takes several writes still, or one write is too long.
                        let finding = match talk.limits.reassembles() {
                            true => Finding::NoReassembly,
                            false => Finding::LargeFramesLost,
                        };
                        self.fail(self.refusal(error).because_of(finding));
                    }
                }
            }
            refusal::Verdict::StartOver if self.restarts < MOST_RESTARTS => self.restart(talk, now, 0),
            // Frames sent in one go are refused in one go.
            refusal::Verdict::Locate { .. } if self.has_errand() => {}
            refusal::Verdict::Locate { restart } if self.errands < MOST_ERRANDS => {
                self.errands += 1;
                let question = Question { error, restart, closed: false };
                self.beside().errand = Some(Purpose::Locate(question));
            }
            _ => self.fail(self.refusal(error)),
        }
    }

    pub(super) fn refusal(&self, error: DeviceError) -> Failure {
        if self.file {
            refusal::file_failure(error)
        } else {
            refusal::failure(error, self.stage == Stage::First)
        }
    }
}
