//! The request or the upload that the present step makes, and its end without an answer.

use super::boot_mode::BootMode;
use super::plan::Action;
use super::step::{self, Step};
use super::{Poll, Update};
use crate::conversation::Conversation;
use crate::conversation::request::{Patience, Request};
use crate::failure::{Failure, Finding};
use crate::smp::error::rc;
use crate::status::Status;
use crate::upload::{self, Destination, Source, Upload};

impl Update {
    pub(super) fn poll_upload(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Option<Poll> {
        let upload = self.upload.as_mut()?;
        let task = &self.tasks[self.current as usize];
        let image = &self.firmware.images[task.index as usize];
        let source = Source {
            data: &image.bytes,
            destination: Destination::Slot {
                sha256: &image.sha256,
                image: image.image_number,
                upgrade: self.options.upgrade_only,
            },
        };
        match upload.poll(talk, now, &source, out) {
            upload::Poll::Send(length) => Some(Poll::Send(length)),
            upload::Poll::Wait => Some(Poll::Wait),
            upload::Poll::LinkReset => Some(Poll::LinkReset),
            upload::Poll::Ended(upload::Outcome::Complete { told }) => {
                self.left_open = !told;
                self.uploaded_bytes += u64::from(image.length());
                self.upload_ms += now.saturating_sub(self.upload_started_at);
                self.upload = None;
                if self.unlisted {
                    self.tasks[self.current as usize].action = Action::Boot;
                    self.next_task(talk, now);
                } else {
                    self.enter(talk, now, Step::ListUploaded);
                }
                None
            }
            upload::Poll::Ended(upload::Outcome::Failed(failure)) => {
                self.upload = None;
                self.fail(now, self.upload_failed(failure));
                None
            }
        }
    }

    /// Old servers have one code for what is not newer and for what is in the way; the list showed nothing in the way.
    fn upload_failed(&self, failure: Failure) -> Failure {
        let ambiguous = failure.device.is_some_and(|error| error.is_common(rc::BAD_STATE));
        if ambiguous && self.options.upgrade_only {
            return Failure { status: Status::DowngradeRefused, ..failure };
        }
        let mut failure = failure;
        if failure.finding == Finding::ServerStuck
            && self.slot_sizes.is_empty()
            && self.options.slot_size == 0
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
        if self.step == Step::Look && self.swap_is_overdue(now) {
            self.fail(now, self.did_not_return());
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
                let image = self.image()?;
                let size = image.length();
                self.upload_started_at = now;
                self.upload_base = None;
                self.shrink_what_vanishes(talk, now);
                // What was uploaded since the erase is no stale offset.
                let erased = self.options.erase_first && self.uploads == 0;
                self.upload = Some(Box::new(Upload::new(now, size, erased)));
                None
            }
            step => {
                let request = self.step_request(talk);
                debug_assert!(request.is_some(), "step {step:?} has no request");
                request
            }
        }
    }

    /// The request of the present step, if it makes one.
    pub(super) fn step_request(&self, talk: &Conversation) -> Option<Request> {
        let context = step::Context {
            image: self.image(),
            for_good: self.marks_for_good(),
            slot: self.slot_to_erase(),
            resets: if self.boot == BootMode::Recovery { 3 } else { 1 },
            // Without a hash it is image 0 that is confirmed.
            by_hash: self.confirms == 0 || self.image().is_some_and(|image| image.image_number != 0),
            ordinary: Patience { floor_ms: talk.options.timeout_ms, attempts: talk.options.retries },
            rtt: talk.timeout(),
        };
        self.step.request(&context, &talk.limits)
    }

    /// The slot beside the running one, counted over all images (Zephyr `img_mgmt_erase`); image 0 is the server's default.
    fn slot_to_erase(&self) -> Option<u32> {
        let number = self.image()?.image_number;
        let running =
            self.before.as_ref().and_then(|before| before.active(number)).map_or(0, |slot| slot.slot);
        (number != 0).then_some(number * 2 + (1 - running % 2))
    }

    pub(super) fn swap_is_overdue(&self, now: u64) -> bool {
        now >= self.reset_at.saturating_add(u64::from(self.options.swap_timeout_ms))
    }

    pub(super) fn request_expired(&mut self, talk: &mut Conversation, now: u64) {
        let Some(mut request) = self.request.take() else { return };
        match self.step {
            // No answer to a reset is no answer at all: what the device lists afterwards tells.
            Step::Reset if request.was_sent() => self.begin_look(talk, now),
            Step::Look if request.was_sent() => {
                self.not_before = now + u64::from(talk.timeout()).min(2_000);
                if !self.swap_is_overdue(now) {
                    // The answer may take longer than is waited for it here.
                    request.renew();
                    self.request = Some(request);
                }
            }
            // A silent server may lack nothing but this command.
            Step::ReassemblyProbe => {
                talk.limits.learn_reassembly(false);
                self.enter(talk, now, Step::BootMode);
            }
            // What the list said stands.
            Step::StateUploaded | Step::StateMarked if request.was_sent() => {
                if let Err(failure) = self.verify_state(talk, now, None) {
                    self.fail(now, failure);
                }
            }
            step => {
                self.fail(now, request.expired(talk, step.what()));
            }
        }
    }
}
