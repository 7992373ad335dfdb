//! The update of one device: plan, upload, verify, mark, reset, wait, verify, confirm, verify.
//!
//! Every step ends with what the device says, never with what was sent: after each change the image list is read and
//! compared. "Updated" is said only when the device, asked after its reboot, lists the new image as active and, where
//! asked for, as confirmed.

mod answer;
mod asking;
mod boot;
pub(crate) mod boot_mode;
mod confirm;
pub mod listing;
pub mod options;
pub mod phase;
pub(crate) mod plan;
pub(crate) mod report;
mod saved;
mod sentence;
mod sequence;
pub(crate) mod step;
mod verify;

pub use listing::{ListedHash, ListedSlot, Listing};
pub use options::{UpdateMode, UpdateOptions};
pub use phase::Phase;

use std::sync::Arc;

use crate::conversation::request::{self, Match, Request};
use crate::conversation::{Conversation, EventKind};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image};
use crate::smp::{DeviceError, Frame};
use crate::upload::Upload;
use boot_mode::BootMode;
use plan::Task;
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
/// How often the link may come up without anything coming of it.
const MOST_LINKS: u16 = 60;

/// An update under way.
#[derive(Debug)]
pub(crate) struct Update {
    firmware: Arc<Firmware>,
    options: UpdateOptions,
    step: Step,
    /// Boxed: during the upload, the longest step by far, there is none.
    request: Option<Box<Request>>,
    upload: Option<Box<Upload>>,
    boot: BootMode,
    boot_known: bool,
    slot_sizes: Box<[(u32, u32)]>,
    tasks: Box<[Task]>,
    /// The task in hand.
    current: u16,
    listing: Option<Box<Listing>>,
    before: Option<Listing>,
    started_at: u64,
    reset_at: u64,
    /// When the question was asked whose answer came last.
    asked_at: u64,
    swap_ms: u32,
    /// Nothing is sent before this time.
    not_before: u64,
    /// The time of the latest call.
    seen_at: u64,
    health_until: u64,
    uploads: u8,
    /// The latest upload ended without the device's word that it has every byte.
    left_open: bool,
    resets: u8,
    /// The caller is still to be told that the link may go.
    link_reset_due: bool,
    confirms: u8,
    force: bool,
    /// The device does not let an image be marked for good, so it is tested and then confirmed.
    trial_only: bool,
    /// The device has no image list, as serial recovery may not.
    unlisted: bool,
    /// The device's error to the latest mark or confirmation.
    refusal: Option<DeviceError>,
    /// The new image was seen running.
    ran: bool,
    unhealthy: bool,
    uploaded_bytes: u64,
    upload_started_at: u64,
    /// Where the upload began: beyond 0 when the device had a part already.
    upload_base: Option<u32>,
    upload_ms: u64,
    /// How long the caller stopped the clock.
    paused_ms: u64,
    /// How often the link came up since the update moved on.
    links: u16,
    /// How far the upload was when the link came up.
    reached: u32,
    outcome: Option<Box<Result<(), Failure>>>,
    ended_at: u64,
    /// Loaded from a snapshot and neither answered nor asked anything since.
    restored: bool,
    /// When a restored update asks the device by itself.
    ask_at: u64,
    /// Something was sent and nobody has waited for its answer yet.
    unwaited: bool,
    /// How many lives in a row ended with a chunk unanswered and the device answering other requests.
    vanished: u8,
    /// How many lives in a row heard something else than an answer.
    heard: u8,
    /// The caller was told to drop the link since the last answer.
    reset_asked: bool,
    /// Something shows that the device may be back from its reset.
    back: bool,
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
            asked_at: 0,
            swap_ms: 0,
            not_before: 0,
            health_until: 0,
            uploads: 0,
            left_open: false,
            seen_at: 0,
            resets: 0,
            link_reset_due: false,
            confirms: 0,
            force: options.force_upload,
            trial_only: false,
            unlisted: false,
            refusal: None,
            ran: false,
            unhealthy: false,
            uploaded_bytes: 0,
            upload_started_at: 0,
            upload_base: None,
            upload_ms: 0,
            paused_ms: 0,
            links: 0,
            reached: 0,
            outcome: None,
            ended_at: 0,
            restored: false,
            ask_at: 0,
            unwaited: false,
            vanished: 0,
            heard: 0,
            reset_asked: false,
            back: false,
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
            None if self.back => Phase::VerifyBoot,
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
            limit => next.min(self.deadline_of(limit)),
        }
    }

    /// When the caller's limit for the whole update is over; time that the caller stopped does not count.
    fn deadline_of(&self, limit_ms: u32) -> u64 {
        self.started_at.saturating_add(self.paused_ms).saturating_add(u64::from(limit_ms))
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
        let poll = self.poll_step(talk, now, out);
        match poll {
            Poll::Send(_) => self.unwaited = true,
            Poll::Wait => self.unwaited = false,
            _ => {}
        }
        poll
    }

    fn poll_step(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        self.seen_at = now;
        if self.restored && self.outcome.is_none() {
            if self.unwaited {
                self.ask_at = now.saturating_add(self.patience(talk));
            }
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
            if self.options.deadline_ms != 0 && now >= self.deadline_of(self.options.deadline_ms) {
                self.fail(now, self.past_deadline());
                continue;
            }
            if self.links > MOST_LINKS {
                self.fail(now, self.flapping_link());
                continue;
            }
            if self.step == Step::HealthCheck {
                if now < self.health_until {
                    return Poll::HealthCheck;
                }
                self.fail(now, self.health_unknown());
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
                    self.fail(now, self.lost_link());
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
                    Some(request) => self.request = Some(Box::new(request)),
                    None => continue,
                }
            }
            let Some(request) = &mut self.request else { continue };
            if request.attempts() >= LINK_RESET_AFTER
                && now >= request.deadline()
                && talk.answered
                && !self.reset_asked
                && !matches!(self.step, Step::ReassemblyProbe | Step::Look)
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

    /// Takes a frame. Returns false when nothing here asked for it.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        if let Some(upload) = &mut self.upload {
            let mine = upload.receive(talk, now, frame);
            if self.upload_base.is_none() && upload.acknowledged() > 0 {
                self.upload_base = Some(upload.acknowledged().saturating_sub(talk.limits.frame()));
            }
            self.restored_met(talk, now, mine);
            return mine;
        }
        let Some(request) = &mut self.request else { return false };
        let found = request.receive(talk, now, frame);
        let asked_at = request.asked_at();
        self.restored_met(talk, now, found.is_some());
        match found {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.reset_asked = false;
                self.asked_at = asked_at;
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
        self.links = 0;
        self.reached = 0;
        self.back = false;
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
        let failure = self.told(failure);
        self.upload = None;
        self.request = None;
        self.ended_at = now;
        self.outcome = Some(Box::new(Err(failure)));
    }

    /// Ends the update; what the device has stays as it is.
    pub fn cancel(&mut self, now: u64) {
        if self.outcome.is_none() {
            self.fail(now, self.cancelled());
        }
    }

    /// The caller reported the link as down or up.
    pub fn link_changed(&mut self, talk: &mut Conversation, now: u64, down: bool) {
        if let Some(upload) = &mut self.upload {
            if upload.acknowledged() > self.reached {
                self.reached = upload.acknowledged();
                self.links = 0;
            }
            upload.link_changed(now, down);
        }
        if let Some(request) = &mut self.request
            && self.step != Step::Reset
        {
            request.restart();
        }
        self.returned(talk, now, !down);
        if down {
            if !matches!(self.step, Step::Reset | Step::Look | Step::HealthCheck) {
                self.not_before = self.not_before.max(now);
            }
        } else if self.step != Step::HealthCheck {
            self.links = self.links.saturating_add(1);
        }
    }

    /// The caller goes on after a pause. Whatever was waited for is waited for as if the time had stood still.
    ///
    /// `since` is the time of the pause.
    pub fn resumed(&mut self, now: u64, since: u64) {
        let stood = now.saturating_sub(since);
        self.paused_ms += stood;
        self.health_until = self.health_until.saturating_add(stood);
        if matches!(self.step, Step::Reset | Step::Look) {
            self.reset_at += stood;
        }
        if let Some(upload) = &mut self.upload {
            upload.resumed(now);
        }
        if let Some(request) = &mut self.request
            && self.step != Step::Reset
        {
            // A second reset could arrive during the trial.
            request.restart();
        }
    }
}
