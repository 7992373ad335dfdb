//! The update of one device: plan, upload, verify, mark, reset, wait, verify, confirm, verify.
//!
//! Every step ends with what the device says, never with what was sent: after each change the image list is read and
//! compared. "Updated" is said only when the device, asked after its reboot, lists the new image as active and, where
//! asked for, as confirmed.
//!
//! What an image needs on its device is decided under `kinds`; here is the walk, the same for all of them.

mod answer;
mod asking;
mod boot;
mod check;
mod confirm;
mod itself;
mod kinds;
mod late;
pub mod listing;
mod loading;
mod objections;
pub mod options;
mod parts;
mod payload;
pub mod phase;
pub(crate) mod plan;
pub(crate) mod report;
mod saved;
mod saved_v1;
mod sentence;
mod sequence;
pub(crate) mod step;
pub(crate) mod told;
mod verify;

pub use listing::{ListedHash, ListedSlot, Listing};
pub use options::{UpdateMode, UpdateOptions};
pub use phase::Phase;
pub use told::BootMode;

use std::sync::Arc;

use crate::conversation::request::{self, Match, Request};
use crate::conversation::{Conversation, EventKind};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image};
use crate::smp::{DeviceError, Frame, group};
use kinds::{LastLook, View};
use listing::PackedListing;
use parts::{Clock, Later, Outcome, Reboot, Restored, Sending, Totals, Trial, Tries};
use plan::Task;
use step::Step;
use told::Told;

/// What an image can be on its device, by the names that results have: the `boot_mode` of a result and the `kind` of a plan.
pub fn kind_names() -> Vec<&'static str> {
    kinds::names()
}

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
/// How often the list is asked for anew because the host slept: one that sleeps all the time gets on all the same.
const MOST_LOOKS_ANEW: u8 = 8;
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
    /// The upload under way.
    sending: Option<Box<Sending>>,
    told: Told,
    tasks: Box<[Task]>,
    /// The task in hand.
    current: u16,
    /// The list before anything was sent.
    before: Option<PackedListing>,
    clock: Clock,
    tries: Tries,
    later: Option<Box<Later>>,
    totals: Totals,
    /// The device's error to the latest mark or confirmation.
    refusal: Option<DeviceError>,
    outcome: Option<Box<Outcome>>,
    /// Loaded from a snapshot and neither answered nor asked anything since.
    restored: Option<Box<Restored>>,
    /// Something was sent and nobody has waited for its answer yet.
    unwaited: bool,
}

impl Update {
    pub fn new(firmware: Arc<Firmware>, options: UpdateOptions) -> Update {
        Update {
            firmware,
            options,
            step: Step::Parameters,
            request: None,
            sending: None,
            told: Told { boot: options.boot_mode, ..Told::default() },
            tasks: Box::default(),
            current: 0,
            before: None,
            clock: Clock::default(),
            tries: Tries { force: options.force_upload, ..Tries::default() },
            later: None,
            totals: Totals::default(),
            refusal: None,
            outcome: None,
            restored: None,
            unwaited: false,
        }
    }

    /// The first call with a time; `real` is that of the caller.
    pub fn start(&mut self, now: u64, real: u64) {
        self.clock.started_at = now;
        self.clock.not_before = now;
        if self.options.deadline_ms != 0 {
            self.clock.limit_at = real.saturating_add(u64::from(self.options.deadline_ms));
        }
        if self.restored.is_some() {
            self.adopt_clock(now);
        }
    }

    pub fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    pub fn failure(&self) -> Option<Failure> {
        self.outcome.as_ref()?.result.as_ref().err().cloned()
    }

    pub fn phase(&self) -> Phase {
        match self.outcome.as_deref() {
            Some(Outcome { result: Ok(()), .. }) => Phase::Done,
            Some(Outcome { result: Err(_), .. }) => Phase::Failed,
            None if self.rebooted().is_some_and(|reboot| reboot.back) => Phase::VerifyBoot,
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

    /// An image and what is known of the device, with this list.
    fn view<'a>(&'a self, task: &Task, listing: &'a Listing) -> View<'a> {
        View {
            firmware: &self.firmware,
            image: self.task_image(task),
            number: task.number,
            listing,
            told: &self.told,
            options: &self.options,
            force: self.tries.force,
        }
    }

    /// An answer of a kind from what the device listed before the update; another process may have seen that list.
    fn with_before<T>(&self, task: &Task, ask: impl FnOnce(View<'_>) -> T) -> T {
        ask(self.view(task, &self.before().unwrap_or_default()))
    }

    /// The list before anything was sent, where this process saw it.
    fn before(&self) -> Option<Listing> {
        self.before.as_ref().map(PackedListing::unpack)
    }

    /// The latest list since.
    fn listing(&self) -> Option<&Listing> {
        self.later.as_ref()?.listing.as_ref()
    }

    fn keep_listing(&mut self, listing: Listing) {
        self.later().listing = Some(listing);
    }

    fn later(&mut self) -> &mut Later {
        self.later.get_or_insert_default()
    }

    fn rebooted(&self) -> Option<&Reboot> {
        self.later.as_ref()?.reboot.as_ref()
    }

    fn tried(&self) -> Option<&Trial> {
        self.later.as_ref()?.trial.as_ref()
    }

    fn reset_at(&self) -> u64 {
        self.rebooted().map_or(0, |reboot| reboot.reset_at)
    }

    fn resets(&self) -> u8 {
        self.rebooted().map_or(0, |reboot| reboot.resets)
    }

    fn health_until(&self) -> u64 {
        self.tried().map_or(0, |trial| trial.health_until)
    }

    fn is_unhealthy(&self) -> bool {
        self.tried().is_some_and(|trial| trial.unhealthy)
    }

    /// The new image was seen running.
    fn has_run(&self) -> bool {
        self.tried().is_some_and(|trial| trial.ran)
    }

    fn reboot(&mut self) -> &mut Reboot {
        self.later().reboot.get_or_insert_default()
    }

    /// The reboot is over, or a new one is to begin.
    fn forget_reboot(&mut self) {
        if let Some(later) = &mut self.later {
            later.reboot = None;
        }
    }

    fn trial(&mut self) -> &mut Trial {
        self.later().trial.get_or_insert_default()
    }

    pub fn deadline(&self, talk: &Conversation, now: u64) -> u64 {
        let next = if self.outcome.is_some() {
            0
        } else if let Some(restored) = &self.restored {
            restored.ask_at
        } else if self.step == Step::HealthCheck {
            self.health_until()
        } else if let Some(sending) = &self.sending {
            sending.engine.deadline(talk, now)
        } else if talk.link_down {
            self.link_deadline(talk)
        } else if let Some(request) = &self.request {
            request.deadline().max(self.clock.not_before)
        } else {
            self.clock.not_before
        };
        let next = match talk.evidence.unbonded_until().filter(|_| self.outcome.is_none()) {
            Some(until) if self.step != Step::HealthCheck => next.min(until),
            _ => next,
        };
        match self.clock.limit_at {
            0 => next,
            limit => next.min(talk.asleep.session_time(limit)),
        }
    }

    /// How long a link that is down is waited for.
    fn link_deadline(&self, talk: &Conversation) -> u64 {
        let patience =
            if self.step.resets() { self.options.swap_timeout_ms } else { talk.options.stall_timeout_ms };
        self.reset_at()
            .max(self.clock.not_before)
            .max(self.clock.started_at)
            .saturating_add(u64::from(patience))
    }

    /// How long the gateway shall listen behind the last write of a batch; `None` when none is in flight.
    pub fn batch_wait(&self, talk: &Conversation) -> Option<u32> {
        self.sending.as_ref()?.engine.wait_of_batch(talk)
    }

    /// How many messages of the device may come of the chunks in flight; `None` when none is.
    pub fn expected_answers(&self) -> Option<u32> {
        self.sending.as_ref().map(|sending| sending.engine.expected_answers()).filter(|answers| *answers > 0)
    }

    /// The call that carried what is in flight came back.
    pub fn call_returned(&mut self, talk: &mut Conversation, now: u64) {
        if let Some(sending) = &mut self.sending {
            sending.engine.call_returned(talk, now);
        }
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
        if self.restored.is_some() && self.outcome.is_none() {
            let patience = if self.unwaited { Some(self.patience(talk)) } else { None };
            if let Some(restored) = &mut self.restored {
                if let Some(patience) = patience {
                    restored.ask_at = now.saturating_add(patience);
                }
                if now < restored.ask_at {
                    return Poll::Wait;
                }
            }
            self.ask_first(talk, now);
        }
        loop {
            if let Some(outcome) = &self.outcome {
                return match &outcome.result {
                    Ok(()) => Poll::Done,
                    Err(failure) => Poll::Failed(failure.clone()),
                };
            }
            if self.clock.limit_at != 0 && talk.asleep.caller_time(now) >= self.clock.limit_at {
                if self.reached_late(talk, now) {
                    continue;
                }
                self.fail(now, self.past_deadline());
                continue;
            }
            if self.tries.links > MOST_LINKS {
                self.fail(now, self.flapping_link());
                continue;
            }
            if self.step == Step::HealthCheck {
                if now >= self.health_until() && talk.asleep.one_more_wait() {
                    self.trial().health_until = now + u64::from(self.options.health_timeout_ms);
                }
                if now < self.health_until() {
                    return Poll::HealthCheck;
                }
                self.fail(now, self.health_unknown());
                continue;
            }
            if talk.evidence.unbonded_until().is_some_and(|until| now >= until) {
                self.fail(now, self.unbonded());
                continue;
            }
            if self.sending.is_some() {
                match self.poll_upload(talk, now, out) {
                    Some(poll) => return poll,
                    None => continue,
                }
            }
            if talk.link_down {
                if now >= self.link_deadline(talk) && talk.asleep.one_more_wait() {
                    self.clock.not_before = now;
                    self.await_return_again(now);
                }
                if now >= self.link_deadline(talk) {
                    if self.step == Step::ListHealthy && self.is_confirmed() {
                        // What was confirmed when it was seen last does not go back.
                        self.succeed(talk, now);
                    } else if !self.reached_late(talk, now) {
                        self.fail(now, self.lost_link());
                    }
                    continue;
                }
                return Poll::Wait;
            }
            if now < self.clock.not_before {
                return Poll::Wait;
            }
            if self.step.awaits_return()
                && let Some(Later { reboot: Some(reboot), .. }) = self.later.as_deref_mut()
                && reboot.link_reset_due
            {
                reboot.link_reset_due = false;
                talk.note(now, EventKind::LinkReset);
                self.clock.not_before = now + FIRST_LOOK_MS.max(u64::from(self.options.swap_estimate_ms));
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
                && !self.tries.reset_asked
                && !(self.step == Step::ReassemblyProbe || self.step.awaits_return())
            {
                // The server may be stuck until the link goes down (Zephyr issue 49661).
                self.tries.reset_asked = true;
                talk.counters.link_resets = talk.counters.link_resets.saturating_add(1);
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
        if let Some(sending) = &mut self.sending {
            let before = sending.engine.acknowledged();
            let mine = sending.engine.receive(talk, now, frame);
            let after = sending.engine.acknowledged();
            if after != before {
                sending.bytes += self.totals.moved(before, after, sending.engine.found_a_part());
                self.tries.went_back |= (1..before).contains(&after);
            }
            if !mine {
                self.look_for_strays(talk, frame);
            }
            self.restored_met(talk, now, mine);
            return mine;
        }
        let Some(request) = &mut self.request else {
            self.look_for_strays(talk, frame);
            return false;
        };
        let found = request.receive(talk, now, frame);
        let asked_at = request.asked_at();
        if found.is_none() {
            self.look_for_strays(talk, frame);
        }
        self.restored_met(talk, now, found.is_some());
        match found {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.tries.reset_asked = false;
                self.clock.asked_at = asked_at;
                self.request = None;
                self.answered(talk, now, frame.body, error);
                true
            }
        }
    }

    /// Looks at a frame that answers no open request.
    fn look_for_strays(&mut self, talk: &Conversation, frame: &Frame<'_>) {
        self.look_for_late_list(talk, frame);
        self.look_for_stray_chunk(talk, frame);
    }

    /// Whether a frame answers a chunk that the device took too late: behind the end of its upload, or beside the next one of the package.
    fn look_for_stray_chunk(&mut self, talk: &Conversation, frame: &Frame<'_>) {
        let is_chunk = frame.header.group == group::IMAGE && frame.header.command == group::image::UPLOAD;
        if is_chunk && let Some(offset) = step::decode_offset(frame.body) {
            let length = |task: &Task| payload::length(self.task_image(task), &self.options);
            let longest = self.tasks.iter().map(length).max().unwrap_or(0);
            self.tries.stray_chunk |= (1..=longest).contains(&offset);
            let begins = (1..talk.limits.frame().min(longest)).contains(&offset);
            match self.step {
                Step::ListUploaded | Step::StateUploaded => self.tries.stray_first |= begins,
                // One of an image before this one.
                Step::Erase | Step::Upload => self.tries.went_back |= begins,
                _ => {}
            }
        }
    }

    fn enter(&mut self, talk: &mut Conversation, now: u64, step: Step) {
        let before = self.step.phase();
        self.step = step;
        self.request = None;
        self.clock.not_before = now;
        self.tries.links = 0;
        if let Some(Later { reboot: Some(reboot), .. }) = self.later.as_deref_mut() {
            reboot.back = false;
        }
        if step.phase() != before {
            talk.note(now, EventKind::Phase(step.phase() as u32));
        }
    }

    fn succeed(&mut self, talk: &mut Conversation, now: u64) {
        self.outcome = Some(Box::new(Outcome { at: now, result: Ok(()) }));
        self.request = None;
        talk.note(now, EventKind::Phase(Phase::Done as u32));
    }

    fn fail(&mut self, now: u64, failure: Failure) {
        let failure = self.told_whole(failure);
        self.end_sending(now);
        self.request = None;
        self.outcome = Some(Box::new(Outcome { at: now, result: Err(failure) }));
    }

    /// Ends the update; what the device has stays as it is.
    pub fn cancel(&mut self, now: u64) {
        if self.outcome.is_none() {
            self.fail(now, self.cancelled());
        }
    }

    /// The caller reported the link as down or up.
    pub fn link_changed(&mut self, talk: &mut Conversation, now: u64, down: bool) {
        if let Some(sending) = &mut self.sending {
            let acknowledged = sending.engine.acknowledged();
            if acknowledged > sending.reached {
                sending.reached = acknowledged;
                self.tries.links = 0;
            }
            sending.engine.link_changed(now, down);
        }
        if let Some(request) = self.request.as_mut().filter(|_| !self.step.is_reset()) {
            request.restart();
        }
        // The device may have reset by itself since its list.
        let unsent = self.request.as_ref().is_none_or(|request| !request.was_sent());
        self.tries.list_is_stale |= self.step == Step::StateMarked;
        if !down && self.step == Step::Reset && unsent && self.last_look() != LastLook::Nothing {
            self.enter(talk, now, Step::ListMarked);
        }
        self.returned(talk, now, !down);
        if down {
            if !(self.step.resets() || self.step == Step::HealthCheck) {
                self.clock.not_before = self.clock.not_before.max(now);
            }
        } else if self.step != Step::HealthCheck {
            self.tries.links = self.tries.links.saturating_add(1);
        }
    }

    /// The host slept through the time that the device has to come back: it gets all of it again.
    pub(super) fn await_return_again(&mut self, now: u64) {
        if let Some(reboot) = self.later.as_mut().and_then(|later| later.reboot.as_mut()) {
            (reboot.reset_at, reboot.asked_late) = (now, false);
        }
    }

    /// The host slept. An answer to what was asked before may be older than it looks, and a device may have reset by itself since: where
    /// a reset goes by the list, the list is asked for anew.
    #[cold]
    pub fn overslept(&mut self, talk: &mut Conversation, now: u64) {
        if self.outcome.is_some() || self.restored.is_some() {
            return;
        }
        let was_sent = self.request.as_ref().is_some_and(|request| request.was_sent());
        self.tries.list_is_stale |= self.step == Step::StateMarked;
        let step = match self.step {
            Step::ListMarked | Step::Look if was_sent => self.step,
            Step::Reset if !was_sent && self.last_look() != LastLook::Nothing => Step::ListMarked,
            _ => return,
        };
        if self.tries.looked_anew < MOST_LOOKS_ANEW {
            self.tries.looked_anew += 1;
            self.enter(talk, now, step);
        }
    }

    /// The caller goes on after a pause. Whatever was waited for is waited for as if the time had stood still.
    ///
    /// `since` is the time of the pause.
    pub fn resumed(&mut self, now: u64, since: u64) {
        let stood = now.saturating_sub(since);
        if self.clock.limit_at != 0 {
            self.clock.limit_at += stood;
        }
        if let Some(later) = &mut self.later {
            if let Some(trial) = &mut later.trial {
                trial.health_until = trial.health_until.saturating_add(stood);
            }
            if let Some(reboot) = later.reboot.as_mut().filter(|_| self.step.resets()) {
                reboot.reset_at += stood;
            }
        }
        if let Some(sending) = &mut self.sending {
            sending.engine.resumed(now);
        }
        if let Some(request) = self.request.as_mut().filter(|_| !self.step.is_reset()) {
            // A second reset could arrive during the trial.
            request.restart();
        }
    }
}
