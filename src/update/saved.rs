//! An update in a snapshot.
//!
//! A restored update that is fed the answer to a request of its earlier life goes on with it. Otherwise it asks the device
//! for its list before it writes anything, so that an old snapshot costs a round trip and never a wrong write. An answer that
//! the earlier life did not wait for is waited for first: or a process that dies after each write would ask for ever.

use std::sync::Arc;

use super::kinds::{self, Address, Doubt};
use super::parts::{Later, Outcome, Sending};
use super::plan::{Action, Task};
use super::step::Step;
use super::told::{B0Slot, BootMode, OF_IMAGE, Told, ToldSlot, UNTOLD};
use super::{Update, UpdateMode, UpdateOptions, payload, saved_v1};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::Firmware;
use crate::snapshot::{Reader, Writer, damaged};
use crate::status::Status;
use crate::upload::Upload;

/// For so many images the version that ran before is kept.
pub(super) const MOST_VERSIONS: usize = 4;
/// So many bytes of it.
const LONGEST_VERSION: usize = 24;
/// After so many lives without an answer to a chunk, frames become smaller.
const LIVES_BEFORE_SMALLER_FRAMES: u8 = 3;
/// After so many lives that heard something else than an answer, the device is asked again: a console may log for ever, but
/// asking after each piece of a log that every request adds to would never end either.
const MOST_HEARD: u8 = 64;
/// So many slots, and the limits of so many images, are kept.
const MOST_SLOTS: usize = 8;
const MOST_LIMITS: usize = 4;

impl Update {
    /// Saved at `now`.
    pub fn save(&self, now: u64, out: &mut Writer) {
        self.options.save(out);
        out.u8(self.step as u8);
        self.told.save(out);
        out.u8(self.current.min(255) as u8);
        let tries = &self.tries;
        out.u8(tries.uploads);
        out.u8(tries.vanished);
        out.u8(tries.heard);
        out.flags([
            self.unwaited,
            tries.left_open,
            tries.first_again,
            tries.trial_only,
            tries.force,
            tries.reset_asked,
            tries.entered_loader,
            tries.stray_chunk,
        ]);
        out.flags([
            tries.tried_anew,
            tries.offset_asked,
            tries.list_first,
            tries.asked_again,
            tries.went_back,
            tries.waited,
            tries.waited_marked,
            tries.stray_first,
        ]);
        out.u8(self.resets());
        out.bool(self.tried().is_some());
        if let Some(trial) = self.tried() {
            out.bool(trial.ran);
            out.u8(trial.confirms);
            out.bool(trial.unhealthy);
        }
        out.u32(self.totals.swap_ms);
        out.u64(self.totals.uploaded_bytes);
        let under_way = self.sending.as_ref().map_or(0, |sending| now.saturating_sub(sending.started_at));
        let took = u64::from(self.totals.upload_ms).saturating_add(under_way);
        out.u32(took.min(u64::from(u32::MAX)) as u32);
        out.u32(self.reached());
        out.u8(self.tasks.len() as u8);
        // A single file may be for another number than its own, those of a package never are.
        out.u8(self.tasks.first().map_or(0, |task| task.number.min(255) as u8));
        for (place, task) in self.tasks.iter().enumerate() {
            task.save(place, out);
        }
        match self.outcome.as_deref() {
            None => out.u8(0),
            Some(Outcome { result: Ok(()), .. }) => out.u8(1),
            Some(Outcome { result: Err(failure), .. }) => {
                out.u8(2);
                out.u32(failure.status.number() as u32);
                out.u32(failure.finding.number());
            }
        }
        out.bool(self.request.is_some());
        if let Some(request) = &self.request {
            request.save(out);
        }
        out.bool(self.sending.is_some());
        if let Some(sending) = &self.sending {
            out.u32(sending.address.number);
            out.bool(sending.address.in_every_chunk);
            out.bool(sending.address.upgrade);
            sending.engine.save(out);
        }
    }

    pub fn load(
        from: &mut Reader<'_>,
        firmware: Arc<Firmware>,
        talk: &Conversation,
    ) -> Result<Update, Failure> {
        let options = UpdateOptions::load(from)?;
        let mut update = Update::new(firmware, options);
        update.step = Step::from_number(from.u8()?).ok_or_else(|| damaged("its step is unknown"))?;
        if from.version() == 1 {
            saved_v1::load(&mut update, from)?
        } else {
            update.load_parts(from)?
        }
        if usize::from(update.current) >= update.tasks.len().max(1)
            || (update.tasks.is_empty() && update.step.needs_tasks())
        {
            return Err(damaged("its step and its images do not fit"));
        }
        match from.u8()? {
            0 => {}
            1 => update.outcome = Some(Box::new(Outcome { at: 0, result: Ok(()) })),
            2 => {
                let status = Status::from_number(from.u32()? as i32);
                let finding = Finding::from_number(from.u32()?).unwrap_or_default();
                let status = status.filter(|status| !status.is_normal());
                let status = status.ok_or_else(|| damaged("its outcome is unknown"))?;
                let result = Err(Failure::from(status).with_finding(finding));
                update.outcome = Some(Box::new(Outcome { at: 0, result }));
            }
            _ => return Err(damaged("its outcome is unknown")),
        }
        if from.bool()? {
            let mut request =
                update.step_request(talk).ok_or_else(|| damaged("its step makes no request"))?;
            request.load(from)?;
            update.request = Some(Box::new(request));
        }
        if from.bool()? {
            update.sending = Some(Box::new(update.load_sending(from)?));
        }
        if update.sending.is_some() && update.step != Step::Upload {
            return Err(damaged("it uploads in a step without an upload"));
        }
        update.load_reached();
        update.restored = Some(Box::default());
        Ok(update)
    }

    fn load_parts(&mut self, from: &mut Reader<'_>) -> Result<(), Failure> {
        self.told = Told::load(from)?;
        self.current = u16::from(from.u8()?);
        self.tries.uploads = from.u8()?;
        self.tries.vanished = from.u8()?;
        self.tries.heard = from.u8()?;
        let tries = &mut self.tries;
        [
            self.unwaited,
            tries.left_open,
            tries.first_again,
            tries.trial_only,
            tries.force,
            tries.reset_asked,
            tries.entered_loader,
            tries.stray_chunk,
        ] = from.flags()?;
        [
            tries.tried_anew,
            tries.offset_asked,
            tries.list_first,
            tries.asked_again,
            tries.went_back,
            tries.waited,
            tries.waited_marked,
            tries.stray_first,
        ] = from.flags()?;
        let resets = from.u8()?;
        if resets > 0 {
            self.reboot().resets = resets;
        }
        if from.bool()? {
            let trial = self.trial();
            trial.ran = from.bool()?;
            trial.confirms = from.u8()?;
            trial.unhealthy = from.bool()?;
        }
        self.totals.swap_ms = from.u32()?;
        self.totals.uploaded_bytes = from.u64()?;
        self.totals.upload_ms = from.u32()?;
        self.totals.reached = from.u32()?;
        let tasks = from.u8()?;
        let number = from.u8()?;
        self.tasks = (0..tasks)
            .map(|place| Task::load(place, from, &self.firmware))
            .collect::<Result<_, Failure>>()?;
        if let Some(first) = self.tasks.first_mut() {
            first.number = number.into();
        }
        Ok(())
    }

    /// What the device has of the image in hand, by its last word.
    fn load_reached(&mut self) {
        let Some(task) = self.tasks.get(self.current as usize) else { return };
        let length = payload::length(self.task_image(task), &self.options);
        let least = match (&self.sending, self.step) {
            (Some(sending), _) => sending.engine.acknowledged(),
            (None, Step::ListUploaded | Step::StateUploaded) => length,
            _ => 0,
        };
        let index = task.index;
        self.totals.reached_in = index;
        // Versions before 2 do not tell it.
        self.totals.reached = if least > 0 { least } else { self.totals.reached.min(length) };
    }

    fn load_sending(&self, from: &mut Reader<'_>) -> Result<Sending, Failure> {
        let (Some(task), Some(image)) = (self.tasks.get(self.current as usize), self.image()) else {
            return Err(damaged("it uploads an image that is not there"));
        };
        let address = if from.version() == 1 {
            Address { number: task.number, in_every_chunk: false, upgrade: self.options.upgrade_only }
        } else {
            Address { number: from.u32()?, in_every_chunk: from.bool()?, upgrade: from.bool()? }
        };
        let engine = Upload::load(from, payload::length(image, &self.options))?;
        Ok(Sending { engine, address, started_at: 0, bytes: 0, reached: 0 })
    }

    /// Times of another process mean nothing here: everything that was waited for is waited for from now on.
    pub(super) fn adopt_clock(&mut self, now: u64) {
        let health_until = now.saturating_add(u64::from(self.options.health_timeout_ms));
        if let Some(restored) = &mut self.restored {
            restored.ask_at = now;
        }
        if let Some(Later { reboot: Some(reboot), .. }) = self.later.as_deref_mut() {
            reboot.count_from(now);
        }
        if self.step == Step::HealthCheck {
            self.trial().health_until = health_until;
        }
        if let Some(sending) = &mut self.sending {
            sending.started_at = now;
            sending.engine.adopt_clock(now);
        }
    }

    /// How long the answer to what was sent last may take, in milliseconds.
    pub(super) fn patience(&self, talk: &Conversation) -> u64 {
        match (&self.sending, &self.request) {
            (Some(sending), _) => sending.engine.patience(talk),
            (None, Some(request)) => u64::from(request.patience(talk)),
            (None, None) => u64::from(talk.timeout()),
        }
    }

    /// Bytes came that made no frame: a part of one (`grows`), which is worth waiting for, or something else, such as the log
    /// of a console.
    pub fn hears(&mut self, talk: &Conversation, now: u64, grows: bool) {
        if self.restored.is_some() && !grows {
            self.tries.heard = self.tries.heard.saturating_add(1);
        }
        self.wait_for_answer(talk, now);
    }

    /// A frame came while the update waits for an answer to its earlier life. Any other frame shows that the worker is
    /// alive, so the answer gets the time that answers take before the device is asked again.
    pub(super) fn restored_met(&mut self, talk: &Conversation, now: u64, mine: bool) {
        self.unwaited &= !mine;
        if mine {
            self.tries.heard = 0;
            if self.restored.take().is_some() && self.sending.is_some() {
                self.tries.vanished = 0;
            }
        } else if self.restored.is_some() {
            self.tries.heard = self.tries.heard.saturating_add(1);
            self.wait_for_answer(talk, now);
        }
    }

    /// As long as answers take, but not for ever: what is no answer may keep coming.
    fn wait_for_answer(&mut self, talk: &Conversation, now: u64) {
        let patience = if self.tries.heard < MOST_HEARD { talk.timeout() } else { 0 };
        if let Some(restored) = &mut self.restored {
            restored.ask_at = now.saturating_add(u64::from(patience));
        }
    }

    /// A worker that lives for one message cannot count silences; its lives are counted instead. The device has just
    /// answered its list, so small frames pass.
    pub(super) fn shrink_what_vanishes(&mut self, talk: &mut Conversation, now: u64) {
        if self.tries.vanished < LIVES_BEFORE_SMALLER_FRAMES {
            return;
        }
        self.tries.vanished = 0;
        if let Some(size) = talk.limits.step_down() {
            talk.note(now, EventKind::FrameLimit(size));
        }
    }

    /// Nothing of the earlier life was answered: asks the device where it stands before anything else is sent.
    pub(super) fn ask_first(&mut self, talk: &mut Conversation, now: u64) {
        self.restored = None;
        self.tries.heard = 0;
        if self.outcome.is_some() {
            return;
        }
        if self.sending.as_ref().is_some_and(|sending| sending.engine.is_unanswered()) {
            self.tries.vanished = self.tries.vanished.saturating_add(1);
        }
        let begun = self.sending.as_ref().is_some_and(|sending| sending.engine.has_begun());
        self.end_sending(now);
        let step = match self.step {
            Step::Parameters | Step::BootMode | Step::SlotInformation => Step::Parameters,
            Step::ReassemblyProbe => Step::ReassemblyProbe,
            Step::ListBefore | Step::Erase | Step::B0Slot | Step::MarkProbe | Step::Board => Step::ListBefore,
            Step::EnterLoader | Step::LookLoader => {
                let reboot = self.reboot();
                reboot.count_from(now);
                reboot.resets = reboot.resets.max(1);
                Step::LookLoader
            }
            Step::Upload
            | Step::ListUploaded
            | Step::StateUploaded
            | Step::Mark
            | Step::ListMarked
            | Step::StateMarked => {
                if begun || self.step != Step::Upload {
                    // The erased slot holds what was uploaded since.
                    self.options.erase_first = false;
                }
                self.tries.force &= self.tasks.iter().any(|task| task.action == Action::Upload);
                Step::ListBefore
            }
            Step::Reset | Step::Look | Step::B0SlotAfter | Step::HealthCheck => {
                for task in &mut self.tasks {
                    if task.action == Action::Confirm {
                        task.action = Action::Boot;
                    }
                }
                let reboot = self.reboot();
                reboot.count_from(now);
                reboot.resets = reboot.resets.max(1);
                Step::Look
            }
            Step::ListHealthy | Step::Confirm | Step::ListConfirmed => Step::ListHealthy,
        };
        if step == self.step
            && let Some(request) = &mut self.request
        {
            // The same question again; an answer to the earlier one is as good.
            // No answer to the probe is an answer too, after enough attempts.
            request.ask_again(step != Step::ReassemblyProbe);
            return;
        }
        self.enter(talk, now, step);
    }
}

impl Told {
    fn save(&self, out: &mut Writer) {
        out.u8(self.boot as u8);
        out.flags([
            self.boot_known,
            self.unlisted,
            self.b0_asked,
            self.markless.is_some(),
            self.markless == Some(true),
            self.board_asked,
            false,
            false,
        ]);
        out.u8(self.b0_slot.map_or(UNTOLD, |slot| slot as u8));
        out.u8(self.slots().count().min(MOST_SLOTS) as u8);
        for told in self.slots().take(MOST_SLOTS) {
            out.u8(told.image);
            out.u8(told.slot);
            out.u32(told.size);
            out.u8(told.upload);
        }
        out.u8(self.limits().count().min(MOST_LIMITS) as u8);
        for told in self.limits().take(MOST_LIMITS) {
            out.u8(told.image);
            out.u32(told.size);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Told, Failure> {
        let boot = BootMode::from_number(from.u8()?).ok_or_else(|| damaged("its boot mode is unknown"))?;
        let [boot_known, unlisted, b0_asked, marks_known, markless, board_asked, ..] = from.flags()?;
        let b0_slot = B0Slot::from_number(from.u8()?.into());
        let slots = from.u8()?;
        if usize::from(slots) > MOST_SLOTS {
            return Err(damaged("it has more slots than are kept"));
        }
        let mut sizes = Vec::new();
        for _ in 0..slots {
            let (image, slot, size, upload) = (from.u8()?, from.u8()?, from.u32()?, from.u8()?);
            let slot = if slot == OF_IMAGE { UNTOLD } else { slot };
            sizes.push(ToldSlot { image, slot, upload, size });
        }
        let limits = from.u8()?;
        if usize::from(limits) > MOST_LIMITS {
            return Err(damaged("it has more limits than are kept"));
        }
        for _ in 0..limits {
            let (image, size) = (from.u8()?, from.u32()?);
            sizes.push(ToldSlot { image, slot: OF_IMAGE, upload: UNTOLD, size });
        }
        let markless = marks_known.then_some(markless);
        Ok(Told {
            boot,
            boot_known,
            sizes: sizes.into_boxed_slice(),
            b0_slot,
            b0_asked,
            b0_slot_after: None,
            unlisted,
            board: None,
            board_asked,
            markless,
        })
    }
}

impl Task {
    fn save(&self, place: usize, out: &mut Writer) {
        out.u8(self.index as u8);
        out.u8(self.action as u8 | self.doubt.map_or(0, |doubt| (doubt as u8) << 4));
        out.u8(self.kind.code());
        if place < MOST_VERSIONS {
            let version = self.from.as_bytes();
            out.short_bytes(&version[..version.len().min(LONGEST_VERSION)]);
        }
    }

    fn load(place: u8, from: &mut Reader<'_>, firmware: &Firmware) -> Result<Task, Failure> {
        let index = u16::from(from.u8()?);
        let state = from.u8()?;
        let action = Action::from_number(state & 15).ok_or_else(unknown_action)?;
        let doubt = match state >> 4 {
            0 => None,
            number => Some(Doubt::from_number(number).ok_or_else(|| damaged("a doubt is unknown"))?),
        };
        let kind = kinds::from_code(from.u8()?).ok_or_else(|| damaged("the kind of an image is unknown"))?;
        let version = load_version(place, from)?;
        let Some(image) = firmware.images.get(usize::from(index)) else {
            return Err(damaged("it has more images than the file"));
        };
        Ok(Task { index, number: image.image_number, action, kind, doubt, from: version })
    }
}

pub(super) fn load_action(from: &mut Reader<'_>) -> Result<Action, Failure> {
    Action::from_number(from.u8()?).ok_or_else(unknown_action)
}

fn unknown_action() -> Failure {
    damaged("what it does with an image is unknown")
}

pub(super) fn load_version(place: u8, from: &mut Reader<'_>) -> Result<Box<str>, Failure> {
    let version = if usize::from(place) < MOST_VERSIONS { from.short_bytes()? } else { &[] };
    std::str::from_utf8(version).map(Box::from).map_err(|_| damaged("a version is no text"))
}

impl UpdateOptions {
    fn save(&self, out: &mut Writer) {
        out.u8(self.mode as u8);
        for flag in [self.erase_first, self.upgrade_only, self.health_check, self.force_upload] {
            out.bool(flag);
        }
        for field in [
            self.swap_estimate_ms,
            self.swap_timeout_ms,
            self.slot_size,
            self.health_timeout_ms,
            self.deadline_ms,
        ] {
            out.u32(field);
        }
        out.u8(self.boot_mode as u8);
        let more = self.seldom() != UpdateOptions::default().seldom();
        out.flags([
            self.enter_loader,
            self.check_only,
            self.ignore_dependencies,
            more,
            self.self_reset_ms != 0,
            false,
            false,
            false,
        ]);
        if self.self_reset_ms != 0 {
            out.u32(self.self_reset_ms);
        }
        if more {
            let (flags, security_counter) = self.seldom();
            out.flags(flags);
            out.u32(security_counter);
        }
    }

    /// What is written only where any of it is out of the ordinary.
    fn seldom(&self) -> ([bool; 8], u32) {
        let flags = [
            self.ignore_board,
            self.ignore_security_counter,
            self.ignore_version,
            self.ignore_size,
            self.ignore_image_number,
            self.require_way_back,
            false,
            false,
        ];
        (flags, self.security_counter)
    }

    fn load_seldom(&mut self, from: &mut Reader<'_>) -> Result<(), Failure> {
        let [board, counter, version, size, number, way_back, unknown @ ..] = from.flags()?;
        (self.ignore_board, self.ignore_security_counter) = (board, counter);
        (self.ignore_version, self.ignore_size, self.ignore_image_number) = (version, size, number);
        self.require_way_back = way_back;
        if unknown.contains(&true) {
            return Err(damaged("its options are unknown"));
        }
        self.security_counter = from.u32()?;
        Ok(())
    }

    fn load(from: &mut Reader<'_>) -> Result<UpdateOptions, Failure> {
        let mut options = UpdateOptions {
            mode: match from.u8()? {
                0 => UpdateMode::TestAndConfirm,
                1 => UpdateMode::TestOnly,
                2 => UpdateMode::ConfirmAtOnce,
                3 => UpdateMode::UploadOnly,
                _ => return Err(damaged("its mode is unknown")),
            },
            erase_first: from.bool()?,
            upgrade_only: from.bool()?,
            health_check: from.bool()?,
            force_upload: from.bool()?,
            swap_estimate_ms: from.u32()?,
            swap_timeout_ms: from.u32()?,
            slot_size: from.u32()?,
            health_timeout_ms: from.u32()?,
            deadline_ms: from.u32()?,
            ..UpdateOptions::default()
        };
        if from.version() > 1 {
            let mode = BootMode::from_number(from.u8()?);
            options.boot_mode = mode.ok_or_else(|| damaged("its boot mode is unknown"))?;
            let [enter_loader, check_only, ignore_dependencies, more, waits, unknown @ ..] = from.flags()?;
            (options.enter_loader, options.check_only) = (enter_loader, check_only);
            options.ignore_dependencies = ignore_dependencies;
            if unknown.contains(&true) {
                return Err(damaged("its options are unknown"));
            }
            if waits {
                options.self_reset_ms = from.u32()?;
            }
            if more {
                options.load_seldom(from)?;
            }
        }
        options.check().map_err(|failure| damaged(&failure.sentence))?;
        Ok(options)
    }
}
