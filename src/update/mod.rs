//! The update of one device: plan, upload, verify, mark, reset, wait, verify, confirm, verify.
//!
//! Every step ends with what the device says, never with what was sent: after each change the image list is read and
//! compared. "Updated" is said only when the device, asked after its reboot, lists the new image as active and, where
//! asked for, as confirmed.

mod answer;
mod boot;
mod confirm;
pub mod listing;
pub mod options;
pub mod phase;
pub(crate) mod plan;
pub(crate) mod report;
mod saved;
mod sequence;
pub(crate) mod step;
mod verify;

pub use listing::{ListedHash, ListedSlot, Listing};
pub use options::{UpdateMode, UpdateOptions};
pub use phase::Phase;

use std::sync::Arc;

use crate::conversation::request::{self, Match, Patience, Request};
use crate::conversation::{Conversation, EventKind};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image};
use crate::smp::Frame;
use crate::status::Status;
use crate::upload::{self, Destination, Source, Upload};
use plan::{BootMode, Task};
use step::Step;

/// What an operation wants of its session.
#[derive(Debug)]
pub(crate) enum Poll {
    Send(usize),
    Wait,
    LinkReset,
    HealthCheck,
    Done,
    Failed(Failure),
}

/// After so many attempts of one request in vain the caller is asked for a new link.
const LINK_RESET_AFTER: u32 = 3;
/// The first look at the device after the reset.
const FIRST_LOOK_MS: u64 = 750;

/// An update under way.
#[derive(Debug)]
pub(crate) struct Update {
    firmware: Arc<Firmware>,
    options: UpdateOptions,
    step: Step,
    request: Option<Request>,
    upload: Option<Box<Upload>>,
    boot: BootMode,
    boot_known: bool,
    slot_sizes: Box<[(u32, u32)]>,
    tasks: Box<[Task]>,
    /// The task in hand.
    current: u16,
    listing: Option<Listing>,
    before: Option<Listing>,
    started_at: u64,
    reset_at: u64,
    swap_ms: u32,
    /// Nothing is sent before this time.
    not_before: u64,
    /// The time of the latest call.
    seen_at: u64,
    health_until: u64,
    uploads: u8,
    resets: u8,
    /// The caller is still to be told that the link may go.
    link_reset_due: bool,
    confirms: u8,
    force: bool,
    /// The new image was seen running.
    ran: bool,
    unhealthy: bool,
    uploaded_bytes: u64,
    upload_started_at: u64,
    upload_ms: u64,
    outcome: Option<Box<Result<(), Failure>>>,
    ended_at: u64,
    /// Loaded from a snapshot and neither answered nor asked anything since.
    restored: bool,
    /// When a restored update asks the device by itself.
    ask_at: u64,
    /// How many lives in a row ended with a chunk unanswered and the device answering other requests.
    vanished: u8,
    /// The caller was told to drop the link since the last answer.
    reset_asked: bool,
}

impl Update {
    pub fn new(firmware: Arc<Firmware>, options: UpdateOptions) -> Update {
        Update {
            firmware,
            options,
            step: Step::Parameters,
            request: None,
            upload: None,
            boot: BootMode::Unknown,
            boot_known: false,
            slot_sizes: Box::default(),
            tasks: Box::default(),
            current: 0,
            listing: None,
            before: None,
            started_at: 0,
            reset_at: 0,
            swap_ms: 0,
            not_before: 0,
            health_until: 0,
            uploads: 0,
            seen_at: 0,
            resets: 0,
            link_reset_due: false,
            confirms: 0,
            force: options.force_upload,
            ran: false,
            unhealthy: false,
            uploaded_bytes: 0,
            upload_started_at: 0,
            upload_ms: 0,
            outcome: None,
            ended_at: 0,
            restored: false,
            ask_at: 0,
            vanished: 0,
            reset_asked: false,
        }
    }

    /// The first call with a time.
    pub fn start(&mut self, now: u64) {
        self.started_at = now;
        self.not_before = now;
        if self.restored {
            self.adopt_clock(now);
        }
    }

    pub fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    pub fn failure(&self) -> Option<Failure> {
        self.outcome.as_ref()?.as_ref().as_ref().err().cloned()
    }

    pub fn phase(&self) -> Phase {
        match self.outcome.as_deref() {
            Some(Ok(())) => Phase::Done,
            Some(Err(_)) => Phase::Failed,
            None => self.step.phase(),
        }
    }

    fn image(&self) -> Option<&Image> {
        let task = self.tasks.get(self.current as usize)?;
        self.firmware.images.get(task.index as usize)
    }

    fn task_image(&self, task: &Task) -> &Image {
        &self.firmware.images[task.index as usize]
    }

    pub fn deadline(&self, talk: &Conversation) -> u64 {
        let next = if self.outcome.is_some() {
            0
        } else if self.restored {
            self.ask_at
        } else if self.step == Step::HealthCheck {
            self.health_until
        } else if let Some(upload) = &self.upload {
            upload.deadline(talk, self.seen_at)
        } else if talk.link_down {
            self.link_deadline(talk)
        } else if let Some(request) = &self.request {
            request.deadline().max(self.not_before)
        } else {
            self.not_before
        };
        match self.options.deadline_ms {
            0 => next,
            limit => next.min(self.started_at.saturating_add(u64::from(limit))),
        }
    }

    /// How long a link that is down is waited for.
    fn link_deadline(&self, talk: &Conversation) -> u64 {
        let patience = if matches!(self.step, Step::Reset | Step::Look) {
            self.options.swap_timeout_ms
        } else {
            talk.options.stall_timeout_ms
        };
        self.reset_at.max(self.not_before).max(self.started_at).saturating_add(u64::from(patience))
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        self.seen_at = now;
        if self.restored && self.outcome.is_none() {
            if now < self.ask_at {
                return Poll::Wait;
            }
            self.ask_first(talk, now);
        }
        loop {
            if let Some(outcome) = &self.outcome {
                return match &**outcome {
                    Ok(()) => Poll::Done,
                    Err(failure) => Poll::Failed(failure.clone()),
                };
            }
            if self.options.deadline_ms != 0
                && now >= self.started_at.saturating_add(u64::from(self.options.deadline_ms))
            {
                let failure = Failure::new(
                    Status::Timeout,
                    format!("the update took longer than its deadline of {} ms.", self.options.deadline_ms),
                );
                self.fail(now, failure);
                continue;
            }
            if self.step == Step::HealthCheck {
                if now < self.health_until {
                    return Poll::HealthCheck;
                }
                self.unhealthy = true;
                self.enter(talk, now, Step::Confirm);
                self.fail(
                    now,
                    Failure::new(
                        Status::HealthCheckFailed,
                        "the caller's health check did not end in time; the new image was left unconfirmed and reverts \
                         at the next reset.",
                    ),
                );
                continue;
            }
            if self.upload.is_some() {
                match self.poll_upload(talk, now, out) {
                    Some(poll) => return poll,
                    None => continue,
                }
            }
            if talk.link_down {
                if now >= self.link_deadline(talk) {
                    let failure = self.lost_link();
                    self.fail(now, failure);
                    continue;
                }
                return Poll::Wait;
            }
            if now < self.not_before {
                return Poll::Wait;
            }
            if self.step == Step::Look && self.link_reset_due {
                self.link_reset_due = false;
                talk.note(now, EventKind::LinkReset);
                self.not_before = now + FIRST_LOOK_MS.max(u64::from(self.options.swap_estimate_ms));
                return Poll::LinkReset;
            }
            if self.request.is_none() {
                match self.next_request(talk, now) {
                    Some(request) => self.request = Some(request),
                    None => continue,
                }
            }
            let Some(request) = &mut self.request else { continue };
            if request.attempts() >= LINK_RESET_AFTER
                && now >= request.deadline()
                && talk.answered
                && !self.reset_asked
                && self.step != Step::ReassemblyProbe
            {
                // The server may be stuck until the link goes down (Zephyr issue 49661).
                self.reset_asked = true;
                talk.counters.link_resets = talk.counters.link_resets.wrapping_add(1);
                talk.note(now, EventKind::LinkReset);
                return Poll::LinkReset;
            }
            match request.poll(talk, now, out) {
                request::Poll::Send(length) => return Poll::Send(length),
                request::Poll::Wait => return Poll::Wait,
                request::Poll::Expired => self.request_expired(talk, now),
            }
        }
    }

    fn poll_upload(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Option<Poll> {
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
            upload::Poll::Ended(upload::Outcome::Complete) => {
                self.uploaded_bytes += u64::from(image.length());
                self.upload_ms += now.saturating_sub(self.upload_started_at);
                self.upload = None;
                self.enter(talk, now, Step::ListUploaded);
                None
            }
            upload::Poll::Ended(upload::Outcome::Failed(failure)) => {
                self.upload = None;
                self.fail(now, failure);
                None
            }
        }
    }

    /// The request that the present step makes, or `None` when the step moved on without one.
    fn next_request(&mut self, talk: &mut Conversation, now: u64) -> Option<Request> {
        if self.step == Step::Look
            && now >= self.reset_at.saturating_add(u64::from(self.options.swap_timeout_ms))
        {
            let failure = self.did_not_return();
            self.fail(now, failure);
            return None;
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
                self.shrink_what_vanishes(talk, now);
                self.upload = Some(Box::new(Upload::new(now, size, self.options.erase_first)));
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
    fn step_request(&self, talk: &Conversation) -> Option<Request> {
        let context = step::Context {
            image: self.image(),
            confirm_at_once: self.options.mode == UpdateMode::ConfirmAtOnce,
            by_hash: self.confirms == 0,
            ordinary: Patience { floor_ms: talk.options.timeout_ms, attempts: talk.options.retries },
            rtt: talk.timeout(),
        };
        self.step.request(&context, &talk.limits)
    }

    fn request_expired(&mut self, talk: &mut Conversation, now: u64) {
        let Some(request) = self.request.take() else { return };
        match self.step {
            // No answer to a reset is no answer at all: what the device lists afterwards tells.
            Step::Reset if request.was_sent() => self.begin_look(talk, now),
            Step::Look if request.was_sent() => {
                self.not_before = now + u64::from(talk.timeout()).min(2_000);
            }
            // A silent server may lack nothing but this command.
            Step::ReassemblyProbe => {
                talk.limits.learn_reassembly(false);
                self.enter(talk, now, Step::BootMode);
            }
            step => {
                let failure = request.expired(talk, step.what());
                self.fail(now, failure);
            }
        }
    }

    /// Takes a frame. Returns false when nothing here asked for it.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        if let Some(upload) = &mut self.upload {
            let mine = upload.receive(talk, now, frame);
            self.restored_met(talk, now, mine);
            return mine;
        }
        let Some(request) = &mut self.request else { return false };
        let found = request.receive(talk, now, frame);
        self.restored_met(talk, now, found.is_some());
        match found {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.reset_asked = false;
                self.request = None;
                self.answered(talk, now, frame.body, error);
                true
            }
        }
    }

    fn enter(&mut self, talk: &mut Conversation, now: u64, step: Step) {
        let before = self.step.phase();
        self.step = step;
        self.request = None;
        self.not_before = now;
        if step.phase() != before {
            talk.note(now, EventKind::Phase(step.phase() as u32));
        }
    }

    fn succeed(&mut self, talk: &mut Conversation, now: u64) {
        self.outcome = Some(Box::new(Ok(())));
        self.ended_at = now;
        self.request = None;
        talk.note(now, EventKind::Phase(Phase::Done as u32));
    }

    fn fail(&mut self, now: u64, failure: Failure) {
        self.upload = None;
        self.request = None;
        self.ended_at = now;
        self.outcome = Some(Box::new(Err(failure)));
    }

    /// Ends the update; what the device has stays as it is.
    pub fn cancel(&mut self, now: u64) {
        if self.outcome.is_none() {
            self.fail(
                now,
                Failure::new(
                    Status::Cancelled,
                    "the caller cancelled the update; what the device has received stays there and a new update \
                     continues from it.",
                ),
            );
        }
    }

    /// The caller reported the link as down or up.
    pub fn link_changed(&mut self, now: u64, down: bool) {
        if let Some(upload) = &mut self.upload {
            upload.link_changed(now, down);
        }
        if let Some(request) = &mut self.request
            && self.step != Step::Reset
        {
            request.restart();
        }
        if down && !matches!(self.step, Step::Reset | Step::Look | Step::HealthCheck) {
            self.not_before = self.not_before.max(now);
        }
    }

    /// The caller goes on after a pause.
    pub fn resumed(&mut self, now: u64) {
        if let Some(upload) = &mut self.upload {
            upload.resumed(now);
        }
        if let Some(request) = &mut self.request {
            request.restart();
        }
    }
}
