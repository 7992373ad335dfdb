//! The request or the upload that the present step makes, and its end without an answer.

use super::kinds::{Erase, Mark};
use super::parts::Sending;
use super::payload;
use super::plan::Action;
use super::step::{self, Step};
use super::verify::MOST_UPLOADS;
use super::{Poll, Update};
use crate::conversation::request::{Patience, Request};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::error::rc;
use crate::status::Status;
use crate::upload::{self, Destination, Source, Upload};

/// How often the first question is asked before the list is, and how often once the list has come.
const FIRST_ATTEMPTS: u32 = 4;
const ATTEMPTS_AGAIN: u32 = 2;
/// So many bytes less the first chunk of each further image of a package carries. Chunks tell no image: where those of two images stood at
/// the same offsets, a server would take a late one of the image before for the next one of this.
const STAGGER: u16 = 36;

impl Update {
    pub(super) fn poll_upload(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Option<Poll> {
        let sending = self.sending.as_mut()?;
        let image = &self.firmware.images[self.tasks[self.current as usize].index as usize];
        let payload = payload::of(image, &self.options);
        let source = Source {
            data: payload.bytes,
            destination: Destination::Slot {
                sha256: payload.sha256,
                image: sending.address.number,
                in_every_chunk: sending.address.in_every_chunk,
                upgrade: sending.address.upgrade,
                stagger: self.current * STAGGER,
            },
        };
        match sending.engine.poll(talk, now, &source, out) {
            upload::Poll::Send(length) => Some(Poll::Send(length)),
            upload::Poll::Wait => Some(Poll::Wait),
            upload::Poll::LinkReset => Some(Poll::LinkReset),
            upload::Poll::Ended(upload::Outcome::Complete { told }) => {
                self.tries.left_open = !told;
                self.tries.first_again |= sending.engine.sent_first_again();
                let (reached, whole) = (self.totals.reached, payload.bytes.len() as u32);
                sending.bytes += self.totals.moved(reached, whole, sending.engine.found_a_part());
                self.end_sending(now);
                if std::mem::take(&mut self.tries.went_back)
                    && let Err(failure) = self.went_astray(talk, now)
                {
                    self.fail(now, failure);
                    return None;
                }
                self.after_upload(talk, now);
                None
            }
            upload::Poll::Ended(upload::Outcome::Failed(failure)) => {
                if self.reached_late(talk, now) {
                    self.end_sending(now);
                } else {
                    self.fail(now, self.upload_failed(failure));
                }
                None
            }
        }
    }

    /// The upload under way is over, or another one follows it.
    pub(super) fn end_sending(&mut self, now: u64) {
        let Some(sending) = self.sending.take() else { return };
        let took = now.saturating_sub(sending.started_at).min(u64::from(u32::MAX)) as u32;
        let totals = &mut self.totals;
        totals.upload_ms = totals.upload_ms.saturating_add(took);
        totals.here_ms = totals.here_ms.saturating_add(took);
        totals.here_bytes = totals.here_bytes.saturating_add(sending.bytes);
    }

    /// The list tells what became of the upload, unless its kind cannot show it there.
    fn after_upload(&mut self, talk: &mut Conversation, now: u64) {
        let task = &self.tasks[self.current as usize];
        match self.with_before(task, |view| task.kind.after_upload(&view, !self.tries.left_open)) {
            Some(Action::Upload) => {
                self.tries.uploads += 1;
                if self.tries.uploads >= MOST_UPLOADS {
                    return self.fail(now, self.never_told_whole());
                }
                talk.note(now, EventKind::Restarted(0));
                self.next_task(talk, now);
            }
            Some(action) => {
                self.tasks[self.current as usize].action = action;
                self.next_task(talk, now);
            }
            None => self.enter(talk, now, Step::ListUploaded),
        }
    }

    /// Old servers have one code for what is not newer and for what is in the way; the list showed nothing in the way.
    fn upload_failed(&self, failure: Failure) -> Failure {
        let task = &self.tasks[self.current as usize];
        let failure = self.with_before(task, |view| task.kind.upload_failed(&view, failure));
        let ambiguous = failure.device.is_some_and(|error| error.is_common(rc::BAD_STATE));
        if ambiguous && self.options.upgrade_only {
            return Failure { status: Status::DowngradeRefused, ..failure };
        }
        let mut failure = failure;
        if failure.finding == Finding::ServerStuck && !self.told.tells_slots() && self.options.slot_size == 0
        {
            failure.sentence.push_str(
                " Old servers also fall silent when the image is larger than the slot, which this device does not tell: \
                 give slot_size.",
            );
        }
        failure
    }

    /// The request that the present step makes, or `None` when the step moved on without one.
    pub(super) fn next_request(&mut self, talk: &mut Conversation, now: u64) -> Option<Request> {
        if self.step.awaits_return() && self.is_away_too_long(talk, now) && !self.asks_once_more() {
            self.stays_away(talk, now);
            return None;
        }
        if self.options.swap_estimate_ms > 0 {
            self.returned(talk, now, true);
        }
        if self.step == Step::ReassemblyProbe && !talk.limits.wants_reassembly_probe() {
            self.enter(talk, now, Step::BootMode);
            return None;
        }
        match self.step {
            Step::Upload => {
                match self.begin_upload(talk, now) {
                    Ok(sending) => self.sending = Some(Box::new(sending)),
                    Err(failure) => self.fail(now, failure),
                }
                None
            }
            step => {
                let request = self.step_request(talk);
                debug_assert!(request.is_some(), "step {step:?} has no request");
                request
            }
        }
    }

    fn begin_upload(&mut self, talk: &mut Conversation, now: u64) -> Result<Sending, Failure> {
        self.shrink_what_vanishes(talk, now);
        (self.tries.offset_asked, self.tries.stray_first) = (false, false);
        let task = &self.tasks[self.current as usize];
        let address = self.with_before(task, |view| task.kind.address(&view))?;
        let size = payload::length(self.task_image(task), &self.options);
        let (index, totals) = (task.index, &mut self.totals);
        if totals.reached_in != index || totals.reached >= size {
            // Another image, or one that was complete and is to be uploaded once more.
            (totals.reached_in, totals.reached) = (index, 0);
        }
        // What was uploaded since the erase is no stale offset.
        let erased = self.options.erase_first && self.tries.uploads == 0;
        Ok(Sending { engine: Upload::new(now, size, erased), address, started_at: now, bytes: 0, reached: 0 })
    }

    /// The request of the present step, if it makes one.
    pub(super) fn step_request(&self, talk: &Conversation) -> Option<Request> {
        let task = self.tasks.get(self.current as usize);
        let context = step::Context {
            image: self.image(),
            length: self.image().map_or(0, |image| payload::length(image, &self.options)),
            for_good: task.is_some() && self.mark_in_hand() == Mark::ForGood,
            slot: match task.map(|task| self.with_before(task, |view| task.kind.erase(&view))) {
                Some(Erase::Slot(slot)) => Some(slot),
                _ => None,
            },
            resets: self.manners().map(|manner| manner.resets).min().unwrap_or(1),
            first_attempts: if self.tries.list_first { ATTEMPTS_AGAIN } else { FIRST_ATTEMPTS },
            // Without a hash it is image 0 that is confirmed.
            by_hash: self.tried().is_none_or(|trial| trial.confirms == 0)
                || task.is_some_and(|task| task.number != 0),
            ordinary: Patience { floor_ms: talk.options.timeout_ms, attempts: talk.options.retries },
            rtt: talk.timeout(),
        };
        self.step.request(&context, &talk.limits).map(Request::again_when_cut)
    }

    /// The device was waited for long enough.
    fn stays_away(&mut self, talk: &mut Conversation, now: u64) {
        if self.reached_late(talk, now) {
            return;
        }
        let failure = if self.step == Step::Look {
            self.did_not_return(talk.evidence.is_ignored(now))
        } else {
            self.loader_away(talk.evidence.has_moved())
        };
        self.fail(now, failure);
    }

    /// Whether the device had its time to come back, and the caller was awake at the end of it.
    fn is_away_too_long(&mut self, talk: &mut Conversation, now: u64) -> bool {
        if self.swap_is_overdue(now) && talk.asleep.one_more_wait() {
            self.await_return_again(now);
        }
        self.swap_is_overdue(now)
    }

    /// A caller that comes after the end, as from a short sleep, has the device asked before anything is said of it: once in a wait.
    fn asks_once_more(&mut self) -> bool {
        let reboot = self.later.as_mut().and_then(|later| later.reboot.as_mut());
        reboot.is_some_and(|reboot| !std::mem::replace(&mut reboot.asked_late, true))
    }

    pub(super) fn swap_is_overdue(&self, now: u64) -> bool {
        now >= self.reset_at().saturating_add(u64::from(self.options.swap_timeout_ms))
    }

    pub(super) fn request_expired(&mut self, talk: &mut Conversation, now: u64) {
        let Some(mut request) = self.request.take() else { return };
        let is_away = self.step.awaits_return() && request.was_sent() && self.is_away_too_long(talk, now);
        match self.step {
            // No answer to a reset is no answer at all: what the device lists afterwards tells.
            Step::Reset if request.was_sent() => self.begin_look(talk, now, Step::Look),
            Step::EnterLoader if request.was_sent() => self.begin_look(talk, now, Step::LookLoader),
            Step::Look | Step::LookLoader if is_away => self.stays_away(talk, now),
            Step::Look | Step::LookLoader if request.was_sent() => {
                self.clock.not_before = now + u64::from(talk.timeout()).min(2_000);
                // The answer may take longer than is waited for it here.
                request.renew();
                self.request = Some(request);
            }
            // A silent server may lack nothing but this command.
            Step::ReassemblyProbe => {
                talk.limits.learn_reassembly(false);
                self.enter(talk, now, Step::BootMode);
            }
            // Recovery of MCUboot up to 1.8 is silent about what it does not know. Every server has the list.
            Step::Parameters => {
                self.tries.list_first = true;
                self.enter(talk, now, Step::ListBefore);
            }
            // So is one that tells nothing of its bootloader (serial recovery up to MCUboot 1.8), and then it has no slot information.
            Step::BootMode | Step::SlotInformation if talk.answered => {
                self.enter(talk, now, Step::ListBefore)
            }
            Step::B0Slot => {
                self.told.b0_asked = true;
                self.enter(talk, now, Step::ListBefore);
            }
            Step::Board if talk.answered => {
                if let Err(failure) = self.board_told(talk, now, None) {
                    self.fail(now, failure);
                }
            }
            // Asked again once the device answers its list, for as long as it may stay away.
            Step::B0SlotAfter => {
                if self.swap_is_overdue(now) {
                    self.told.b0_slot_after = Some(None);
                }
                self.enter(talk, now, Step::Look);
            }
            // What was confirmed when it was seen last does not go back.
            Step::ListHealthy if self.is_confirmed() => self.succeed(talk, now),
            Step::StateUploaded if request.was_sent() && self.tries.stray_first => {
                if let Err(failure) = self.verify_state(talk, now, Some(0)) {
                    self.fail(now, failure);
                }
            }
            // What the list said stands.
            Step::StateUploaded | Step::StateMarked if request.was_sent() => {
                self.tries.list_is_stale = true;
                if let Err(failure) = self.verify_state(talk, now, None) {
                    self.fail(now, failure);
                }
            }
            // The answer alone may be lost: the list tells.
            Step::Mark | Step::Confirm if request.was_sent() => {
                let failure = request.expired(talk, self.step.what());
                if !self.reached_late(talk, now) {
                    self.ask_the_list(talk, now, failure);
                }
            }
            step => {
                let failure = request.expired(talk, step.what());
                if !self.reached_late(talk, now) {
                    let unanswered = self.unanswered();
                    self.fail(now, unanswered.unwrap_or(failure));
                }
            }
        }
    }
}
