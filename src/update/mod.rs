//! The update of one device: plan, upload, verify, mark, reset, wait, verify, confirm, verify.
//!
//! Every step ends with what the device says, never with what was sent: after each change the image list is read and
//! compared. "Updated" is said only when the device, asked after its reboot, lists the new image as active and, where
//! asked for, as confirmed.

pub mod listing;
pub mod options;
pub mod phase;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod step;

pub use listing::{ListedHash, ListedSlot, Listing};
pub use options::{UpdateMode, UpdateOptions};
pub use phase::Phase;

use std::sync::Arc;

use crate::conversation::request::{self, Match, Patience, Request};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::{Firmware, Image};
use crate::smp::error::rc;
use crate::smp::{DeviceError, Frame};
use crate::status::Status;
use crate::upload::{self, Destination, Source, Upload};
use plan::{Action, BootMode, Facts, Task};
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

/// How often a finished upload that vanished again is repeated, and a refused image uploaded anew.
const MOST_UPLOADS: u8 = 3;
/// How often a reset that had no effect is repeated.
const MOST_RESETS: u8 = 3;
/// How long after the reset request a device that still runs the old image is believed not to have reset at all. Zephyr
/// resets 250 ms after its answer (`CONFIG_MCUMGR_GRP_OS_RESET_MS`).
const RESET_TAKES_MS: u64 = 5_000;
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
            confirms: 0,
            force: options.force_upload,
            ran: false,
            unhealthy: false,
            uploaded_bytes: 0,
            upload_started_at: 0,
            upload_ms: 0,
            outcome: None,
            ended_at: 0,
        }
    }

    /// The first call with a time.
    pub fn start(&mut self, now: u64) {
        self.started_at = now;
        self.not_before = now;
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
            if self.step == Step::Look && self.resets & WANTS_LINK_RESET != 0 {
                self.resets &= !WANTS_LINK_RESET;
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

    fn lost_link(&self) -> Failure {
        if matches!(self.step, Step::Reset | Step::Look) {
            return self.did_not_return();
        }
        Failure::new(Status::LinkLost, "the device link went down and did not come up again in time.")
            .with_finding(Finding::LinkDrops)
    }

    fn did_not_return(&self) -> Failure {
        Failure::new(
            Status::DidNotReturn,
            format!(
                "the device did not answer within {} s after the reset: it may still be swapping, or neither image \
                 starts SMP.",
                self.options.swap_timeout_ms / 1_000
            ),
        )
    }

    /// The request that the present step makes, or `None` when the step moved on without one.
    fn next_request(&mut self, talk: &mut Conversation, now: u64) -> Option<Request> {
        let ordinary = Patience { floor_ms: talk.options.timeout_ms, attempts: talk.options.retries };
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
                self.upload = Some(Box::new(Upload::new(now, size, self.options.erase_first)));
                None
            }
            step => {
                let context = step::Context {
                    image: self.image(),
                    confirm_at_once: self.options.mode == UpdateMode::ConfirmAtOnce,
                    by_hash: self.confirms == 0,
                    ordinary,
                    rtt: talk.timeout(),
                };
                let request = step.request(&context, &talk.limits);
                debug_assert!(request.is_some(), "step {step:?} has no request");
                request
            }
        }
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
            return upload.receive(talk, now, frame);
        }
        let Some(request) = &mut self.request else { return false };
        match request.receive(talk, now, frame) {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.request = None;
                self.answered(talk, now, frame.body, error);
                true
            }
        }
    }

    fn answered(&mut self, talk: &mut Conversation, now: u64, body: &[u8], error: Option<DeviceError>) {
        let result = match self.step {
            Step::Parameters => {
                if let (None, Some((size, count))) = (error, step::decode_parameters(body)) {
                    talk.limits.learn_buffers(size, count);
                }
                self.enter(talk, now, Step::ReassemblyProbe);
                Ok(())
            }
            Step::ReassemblyProbe => {
                talk.limits.learn_reassembly(error.is_none());
                self.enter(talk, now, Step::BootMode);
                Ok(())
            }
            Step::BootMode => {
                if let (None, Some(mode)) = (error, step::decode_boot_mode(body)) {
                    self.boot = BootMode::from_number(mode);
                    self.boot_known = true;
                }
                self.enter(talk, now, Step::SlotInformation);
                Ok(())
            }
            Step::SlotInformation => {
                if error.is_none() {
                    self.slot_sizes = step::decode_slot_sizes(body);
                }
                self.enter(talk, now, Step::ListBefore);
                Ok(())
            }
            Step::Erase => match error {
                Some(error) => Err(step::refused(error, "to erase the slot")),
                None => {
                    self.enter(talk, now, Step::Upload);
                    Ok(())
                }
            },
            Step::Mark => self.marked(talk, now, error),
            Step::Reset => match error {
                // The reset hook of an application may refuse.
                Some(error) => Err(step::refused(error, "to reset")),
                None => {
                    self.begin_look(talk, now);
                    Ok(())
                }
            },
            Step::Confirm => {
                // Old servers answer success whatever happened (Zephyr issue 56617), so the list decides.
                if let Some(error) = error
                    && error.is_common(rc::ACCESS_DENIED)
                {
                    Err(step::refused(error, "to confirm the image"))
                } else {
                    self.enter(talk, now, Step::ListConfirmed);
                    Ok(())
                }
            }
            Step::ListBefore
            | Step::ListUploaded
            | Step::ListMarked
            | Step::Look
            | Step::ListHealthy
            | Step::ListConfirmed => match error {
                Some(error) => Err(step::refused(error, "to list its images")),
                None => Listing::decode(body).and_then(|listing| self.listed(talk, now, listing)),
            },
            Step::Upload | Step::HealthCheck => Ok(()),
        };
        if let Err(failure) = result {
            self.fail(now, failure);
        }
    }

    fn listed(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        match self.step {
            Step::ListBefore => self.plan(talk, now, listing),
            Step::ListUploaded => self.verify_upload(talk, now, listing),
            Step::ListMarked => self.verify_marked(talk, now, listing),
            Step::Look => self.verify_boot(talk, now, listing),
            Step::ListHealthy => self.verify_before_confirm(talk, now, listing),
            Step::ListConfirmed => self.verify_confirmed(talk, now, listing),
            _ => Ok(()),
        }
    }

    fn plan(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        let facts = Facts {
            options: &self.options,
            boot: self.boot,
            slot_sizes: &self.slot_sizes,
            force: self.force,
        };
        self.tasks = plan::plan(&self.firmware, &listing, &facts)?;
        if self.boot == BootMode::Single && self.tasks.iter().any(|task| task.action == Action::Upload) {
            return Err(Failure::new(
                Status::ImageUnsupported,
                "the bootloader of this device has one slot only; an image can be replaced in its recovery mode alone.",
            ));
        }
        self.before = Some(listing);
        self.current = 0;
        self.next_task(talk, now);
        Ok(())
    }

    /// Enters the first step that is left to do.
    fn next_task(&mut self, talk: &mut Conversation, now: u64) {
        let tasks = &self.tasks;
        if let Some(index) = tasks.iter().position(|task| task.action == Action::Upload) {
            self.current = index as u16;
            let step = if self.options.erase_first { Step::Erase } else { Step::Upload };
            return self.enter(talk, now, step);
        }
        if self.options.mode == UpdateMode::UploadOnly {
            return self.succeed(talk, now);
        }
        if let Some(index) = tasks.iter().position(|task| task.action == Action::Mark) {
            self.current = index as u16;
            if self.boot.marks() {
                return self.enter(talk, now, Step::Mark);
            }
            for task in &mut self.tasks {
                if task.action == Action::Mark {
                    task.action = Action::Boot;
                }
            }
        }
        if self.tasks.iter().any(|task| task.action == Action::Boot) {
            return self.enter(talk, now, Step::ListMarked);
        }
        if let Some(index) = self.tasks.iter().position(|task| task.action == Action::Confirm) {
            self.current = index as u16;
            self.ran = true;
            return self.begin_confirm(talk, now);
        }
        self.succeed(talk, now);
    }

    fn verify_upload(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        let Some(image) = self.image() else { return Ok(()) };
        let number = image.image_number;
        let listed = listing.slots.iter().any(|slot| {
            slot.image == number && !slot.active && slot.holds(image.hash.as_bytes())
                || slot.image == number && !slot.active && slot.holds(image.running_hash().as_bytes())
        });
        if listed {
            self.tasks[self.current as usize].action = Action::Mark;
            self.uploads = 0;
            self.next_task(talk, now);
            return Ok(());
        }
        self.uploads += 1;
        if self.uploads >= MOST_UPLOADS {
            return Err(Failure::new(
                Status::NotListed,
                format!(
                    "the device took the whole image {} times and does not list it afterwards: its slot does not hold \
                     what was sent.",
                    self.uploads
                ),
            )
            .with_finding(Finding::LateFirstFrame));
        }
        talk.note(now, EventKind::Restarted(0));
        self.enter(talk, now, Step::Upload);
        Ok(())
    }

    fn marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
    ) -> Result<(), Failure> {
        if let Some(error) = error {
            if error.is_common(rc::NOT_SUPPORTED) {
                // The handler is missing where the bootloader chooses by version.
                self.boot = if self.boot_known { self.boot } else { BootMode::DirectXip };
                for task in &mut self.tasks {
                    if task.action == Action::Mark {
                        task.action = Action::Boot;
                    }
                }
                self.enter(talk, now, Step::ListMarked);
                return Ok(());
            }
            return Err(step::refused(error, "to mark the image for the next boot"));
        }
        self.tasks[self.current as usize].action = Action::Boot;
        self.next_task(talk, now);
        Ok(())
    }

    /// The last look before the reset: a late first frame may have erased the slot since.
    fn verify_marked(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        let mut vanished = None;
        for (index, task) in self.tasks.iter().enumerate().filter(|(_, task)| task.action == Action::Boot) {
            let image = self.task_image(task);
            let number = image.image_number;
            let slot = listing.slots.iter().find(|slot| {
                slot.image == number
                    && !slot.active
                    && (slot.holds(image.hash.as_bytes()) || slot.holds(image.running_hash().as_bytes()))
            });
            match slot {
                None => vanished = vanished.or(Some(index)),
                Some(slot) if self.boot.marks() && !slot.pending && !slot.permanent => {
                    return Err(Failure::new(
                        Status::NotMarked,
                        format!(
                            "the device lists version {} but did not mark it for the next boot.",
                            slot.version
                        ),
                    ));
                }
                Some(slot)
                    if self.boot.marks()
                        && self.boot.reverts()
                        && self.options.mode == UpdateMode::ConfirmAtOnce
                        && !slot.permanent =>
                {
                    return Err(Failure::new(
                        Status::NotMarked,
                        format!("the device marked version {} for a trial only, not for good.", slot.version),
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some(index) = vanished {
            self.uploads += 1;
            if self.uploads >= MOST_UPLOADS {
                return Err(Failure::new(
                    Status::UploadLost,
                    "the uploaded image vanished from the device's list before the reset, repeatedly.",
                )
                .with_finding(Finding::LateFirstFrame));
            }
            self.tasks[index].action = Action::Upload;
            talk.note(now, EventKind::Restarted(0));
            self.next_task(talk, now);
            return Ok(());
        }
        self.enter(talk, now, Step::Reset);
        Ok(())
    }

    fn begin_look(&mut self, talk: &mut Conversation, now: u64) {
        if self.resets & RESET_COUNT == 0 {
            self.reset_at = now;
        }
        self.resets = ((self.resets & RESET_COUNT) + 1) | WANTS_LINK_RESET;
        self.enter(talk, now, Step::Look);
    }

    fn verify_boot(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        let waits = |task: &&Task| task.action == Action::Boot;
        let missing = self
            .tasks
            .iter()
            .filter(waits)
            .find(|task| {
                let image = self.task_image(task);
                !listing
                    .active(image.image_number)
                    .is_some_and(|active| active.holds(image.running_hash().as_bytes()))
            })
            .cloned();
        let Some(task) = missing else {
            self.swap_ms = now.saturating_sub(self.reset_at).min(u64::from(u32::MAX)) as u32;
            return self.booted(talk, now, listing);
        };
        let image = self.task_image(&task).clone();
        if self.unhealthy {
            return Err(unhealthy(&format!(
                "the device was reset and runs version {} again",
                running(&listing, &image)
            )));
        }
        let still_marked = listing.others(image.image_number).any(|slot| {
            slot.pending && (slot.holds(image.hash.as_bytes()) || slot.holds(image.running_hash().as_bytes()))
        });
        if still_marked || (!self.boot.marks() && listing.active(image.image_number).is_some()) {
            // The old image answers and the new one still waits: the reset has not happened yet.
            let since = now.saturating_sub(self.reset_at);
            if since < RESET_TAKES_MS * u64::from(self.resets & RESET_COUNT) {
                self.not_before = now + 500;
                return Ok(());
            }
            if (self.resets & RESET_COUNT) < MOST_RESETS {
                self.enter(talk, now, Step::Reset);
                return Ok(());
            }
            if self.boot.marks() {
                return Err(Failure::new(
                    Status::NotSwapped,
                    format!(
                        "the device was asked {} times to reset and still runs the old image, the new one marked.",
                        self.resets & RESET_COUNT
                    ),
                ));
            }
        }
        let failure = plan::not_running(&image, &task.from, &listing, self.ran);
        // The slot held the image from an earlier try: what lies there may be damaged although its hash is listed.
        if failure.status == Status::NotSwapped && self.uploaded_bytes == 0 && !self.force {
            self.force = true;
            self.resets = 0;
            talk.note(now, EventKind::Restarted(0));
            self.enter(talk, now, Step::ListBefore);
            return Ok(());
        }
        Err(failure)
    }

    /// Every image runs.
    fn booted(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        if self.unhealthy {
            return Err(unhealthy("the device was reset and runs it still"));
        }
        self.ran = true;
        let unconfirmed = self.first_unconfirmed(&listing);
        self.listing = Some(listing);
        for task in &mut self.tasks {
            if task.action == Action::Boot {
                task.action = Action::Confirm;
            }
        }
        match (self.options.mode, unconfirmed) {
            (UpdateMode::TestOnly | UpdateMode::UploadOnly, _) | (_, None) => self.succeed(talk, now),
            (UpdateMode::ConfirmAtOnce, Some(_)) if self.boot.reverts() && !self.boot_known => {
                self.begin_confirm(talk, now);
            }
            (_, Some(_)) => self.begin_confirm(talk, now),
        }
        Ok(())
    }

    /// The first task whose image runs unconfirmed.
    fn first_unconfirmed(&self, listing: &Listing) -> Option<usize> {
        self.tasks.iter().position(|task| {
            let image = self.task_image(task);
            listing.active(image.image_number).is_some_and(|active| !active.confirmed)
        })
    }

    fn begin_confirm(&mut self, talk: &mut Conversation, now: u64) {
        if self.options.health_check {
            self.health_until = now.saturating_add(u64::from(self.options.health_timeout_ms));
            self.enter(talk, now, Step::HealthCheck);
        } else {
            self.select_unconfirmed();
            self.enter(talk, now, Step::Confirm);
        }
    }

    fn select_unconfirmed(&mut self) {
        let index = match &self.listing {
            Some(listing) => self.first_unconfirmed(listing),
            None => self.tasks.iter().position(|task| task.action == Action::Confirm),
        };
        self.current = index.unwrap_or(0) as u16;
        self.confirms = 0;
    }

    /// The caller's word on the new image.
    pub fn health(&mut self, talk: &mut Conversation, now: u64, healthy: bool) -> Result<(), Failure> {
        if self.step != Step::HealthCheck || self.outcome.is_some() {
            return Err(Status::WrongState.into());
        }
        if healthy {
            self.enter(talk, now, Step::ListHealthy);
        } else {
            // A reset takes the unconfirmed image out of service at once.
            self.unhealthy = true;
            self.resets = 0;
            for task in &mut self.tasks {
                if task.action == Action::Confirm {
                    task.action = Action::Boot;
                }
            }
            self.enter(talk, now, Step::Reset);
        }
        Ok(())
    }

    /// The device may have rebooted while the caller looked.
    fn verify_before_confirm(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        self.listing = Some(listing);
        self.select_unconfirmed();
        self.enter(talk, now, Step::Confirm);
        Ok(())
    }

    fn check_running(&self, listing: &Listing) -> Result<(), Failure> {
        for task in self.tasks.iter().filter(|task| task.action == Action::Confirm) {
            let image = self.task_image(task);
            let runs = listing
                .active(image.image_number)
                .is_some_and(|active| active.holds(image.running_hash().as_bytes()));
            if !runs {
                return Err(plan::not_running(image, &task.from, listing, self.ran));
            }
        }
        Ok(())
    }

    fn verify_confirmed(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        let unconfirmed = self.first_unconfirmed(&listing);
        self.listing = Some(listing);
        let Some(index) = unconfirmed else {
            self.succeed(talk, now);
            return Ok(());
        };
        if index == self.current as usize {
            self.confirms += 1;
            if self.confirms >= 3 {
                return Err(Failure::new(
                    Status::NotConfirmed,
                    "the device runs the new image and does not confirm it; it reverts at the next reset.",
                ));
            }
        } else {
            self.current = index as u16;
            self.confirms = 0;
        }
        self.enter(talk, now, Step::Confirm);
        Ok(())
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

/// Bits of `resets`: the count, and whether the caller is still to be told about the link.
const RESET_COUNT: u8 = 0x7f;
const WANTS_LINK_RESET: u8 = 0x80;

fn running(listing: &Listing, image: &Image) -> String {
    listing.active(image.image_number).map_or_else(|| "?".to_owned(), |slot| slot.version.to_string())
}

fn unhealthy(what: &str) -> Failure {
    Failure::new(
        Status::HealthCheckFailed,
        format!("the caller found the new image unhealthy and it was not confirmed; {what}."),
    )
}
