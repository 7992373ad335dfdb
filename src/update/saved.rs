//! An update in a snapshot.
//!
//! A restored update that is fed the answer to a request of its earlier life goes on with it. Otherwise it asks the device
//! for its list before it writes anything, so that an old snapshot costs a round trip and never a wrong write. An answer that
//! the earlier life did not wait for is waited for first: or a process that dies after each write would ask for ever.

use std::sync::Arc;

use super::boot_mode::BootMode;
use super::plan::{Action, Task};
use super::step::Step;
use super::{Update, UpdateMode, UpdateOptions};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::Firmware;
use crate::snapshot::{Reader, Writer, damaged};
use crate::status::Status;
use crate::upload::Upload;

/// For so many images the version that ran before is kept.
const MOST_VERSIONS: usize = 4;
/// So many bytes of it.
const LONGEST_VERSION: usize = 24;
/// After so many lives without an answer to a chunk, frames become smaller.
const LIVES_BEFORE_SMALLER_FRAMES: u8 = 3;
/// After so many lives that heard something else than an answer, the device is asked again: a console may log for ever, but
/// asking after each piece of a log that every request adds to would never end either.
const MOST_HEARD: u8 = 64;
/// For so many images the slot size is kept.
const MOST_SIZES: usize = 4;
/// Bits beside the boot mode.
const UNWAITED: u8 = 0x10;
const LEFT_OPEN: u8 = 0x20;
const TRIAL_ONLY: u8 = 0x40;
const UNLISTED: u8 = 0x80;

impl Update {
    pub fn save(&self, out: &mut Writer) {
        self.options.save(out);
        out.u8(self.step as u8);
        let flags = [
            (self.unwaited, UNWAITED),
            (self.left_open, LEFT_OPEN),
            (self.trial_only, TRIAL_ONLY),
            (self.unlisted, UNLISTED),
        ];
        out.u8(flags.into_iter().fold(self.boot as u8, |sum, (set, bit)| if set { sum | bit } else { sum }));
        out.bool(self.boot_known);
        out.u8(self.current.min(255) as u8);
        out.u32(self.swap_ms);
        out.u8(self.uploads);
        out.u8(self.resets);
        out.u8(self.confirms);
        out.u8(self.vanished);
        out.bool(self.force);
        out.bool(self.ran);
        out.bool(self.unhealthy);
        out.bool(self.reset_asked);
        out.u8(self.heard);
        out.u64(self.uploaded_bytes);
        out.u64(self.upload_ms);
        out.u8(self.slot_sizes.len().min(MOST_SIZES) as u8);
        for (image, size) in self.slot_sizes.iter().take(MOST_SIZES) {
            out.u8((*image).min(255) as u8);
            out.u32(*size);
        }
        out.u8(self.tasks.len() as u8);
        for (place, task) in self.tasks.iter().enumerate() {
            out.u8(task.index as u8);
            out.u8(task.action as u8);
            if place < MOST_VERSIONS {
                let version = task.from.as_bytes();
                out.short_bytes(&version[..version.len().min(LONGEST_VERSION)]);
            }
        }
        match self.outcome.as_deref() {
            None => out.u8(0),
            Some(Ok(())) => out.u8(1),
            Some(Err(failure)) => {
                out.u8(2);
                out.u32(failure.status.number() as u32);
                out.u32(failure.finding.number());
            }
        }
        out.bool(self.request.is_some());
        if let Some(request) = &self.request {
            request.save(out);
        }
        out.bool(self.upload.is_some());
        if let Some(upload) = &self.upload {
            upload.save(out);
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
        let boot = from.u8()?;
        update.boot = BootMode::from_saved(boot & !(UNWAITED | LEFT_OPEN | TRIAL_ONLY | UNLISTED))
            .ok_or_else(|| damaged("its boot mode is unknown"))?;
        update.left_open = boot & LEFT_OPEN != 0;
        update.unwaited = boot & UNWAITED != 0;
        update.trial_only = boot & TRIAL_ONLY != 0;
        update.unlisted = boot & UNLISTED != 0;
        update.boot_known = from.bool()?;
        update.current = u16::from(from.u8()?);
        update.swap_ms = from.u32()?;
        update.uploads = from.u8()?;
        update.resets = from.u8()?;
        update.confirms = from.u8()?;
        update.vanished = from.u8()?;
        update.force = from.bool()?;
        update.ran = from.bool()?;
        update.unhealthy = from.bool()?;
        if from.version() >= 2 {
            update.reset_asked = from.bool()?;
            update.heard = from.u8()?;
        }
        update.uploaded_bytes = from.u64()?;
        update.upload_ms = from.u64()?;
        let sizes = from.u8()?;
        if usize::from(sizes) > MOST_SIZES {
            return Err(damaged("it has more slots than are kept"));
        }
        update.slot_sizes =
            (0..sizes).map(|_| Ok((u32::from(from.u8()?), from.u32()?))).collect::<Result<_, Failure>>()?;
        let tasks = from.u8()?;
        update.tasks =
            (0..tasks).map(|place| load_task(from, place, &update.firmware)).collect::<Result<_, _>>()?;
        if usize::from(update.current) >= update.tasks.len().max(1)
            || (update.tasks.is_empty() && update.step > Step::ListBefore)
        {
            return Err(damaged("its step and its images do not fit"));
        }
        match from.u8()? {
            0 => {}
            1 => update.outcome = Some(Box::new(Ok(()))),
            2 => {
                let status = Status::from_number(from.u32()? as i32);
                let finding = Finding::from_number(from.u32()?).unwrap_or_default();
                let status = status.filter(|status| !status.is_normal());
                let status = status.ok_or_else(|| damaged("its outcome is unknown"))?;
                update.outcome = Some(Box::new(Err(Failure::from(status).with_finding(finding))));
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
            let image = update.image().ok_or_else(|| damaged("it uploads an image that is not there"))?;
            let size = image.length();
            update.upload = Some(Box::new(Upload::load(from, size)?));
        }
        if update.upload.is_some() && update.step != Step::Upload {
            return Err(damaged("it uploads in a step without an upload"));
        }
        update.restored = true;
        Ok(update)
    }

    /// Times of another process mean nothing here: everything that was waited for is waited for from now on.
    pub(super) fn adopt_clock(&mut self, now: u64) {
        self.ask_at = now;
        self.reset_at = now;
        self.upload_started_at = now;
        self.health_until = now.saturating_add(u64::from(self.options.health_timeout_ms));
        if let Some(upload) = &mut self.upload {
            upload.adopt_clock(now);
        }
    }

    /// How long the answer to what was sent last may take, in milliseconds.
    pub(super) fn patience(&self, talk: &Conversation) -> u64 {
        match (&self.upload, &self.request) {
            (Some(upload), _) => upload.patience(talk),
            (None, Some(request)) => u64::from(request.patience(talk)),
            (None, None) => u64::from(talk.timeout()),
        }
    }

    /// Bytes came that made no frame: a part of one (`grows`), which is worth waiting for, or something else, such as the log
    /// of a console.
    pub fn hears(&mut self, talk: &Conversation, now: u64, grows: bool) {
        if self.restored && !grows {
            self.heard = self.heard.saturating_add(1);
        }
        self.wait_for_answer(talk, now);
    }

    /// A frame came while the update waits for an answer to its earlier life. Any other frame shows that the worker is
    /// alive, so the answer gets the time that answers take before the device is asked again.
    pub(super) fn restored_met(&mut self, talk: &Conversation, now: u64, mine: bool) {
        self.unwaited &= !mine;
        if mine {
            self.heard = 0;
            self.vanished = if self.restored && self.upload.is_some() { 0 } else { self.vanished };
            self.restored = false;
        } else if self.restored {
            self.heard = self.heard.saturating_add(1);
            self.wait_for_answer(talk, now);
        }
    }

    /// As long as answers take, but not for ever: what is no answer may keep coming.
    fn wait_for_answer(&mut self, talk: &Conversation, now: u64) {
        let patience = if self.heard < MOST_HEARD { talk.timeout() } else { 0 };
        self.ask_at = now.saturating_add(u64::from(patience));
    }

    /// A worker that lives for one message cannot count silences; its lives are counted instead. The device has just
    /// answered its list, so small frames pass.
    pub(super) fn shrink_what_vanishes(&mut self, talk: &mut Conversation, now: u64) {
        if self.vanished < LIVES_BEFORE_SMALLER_FRAMES {
            return;
        }
        self.vanished = 0;
        if let Some(size) = talk.limits.step_down() {
            talk.note(now, EventKind::FrameLimit(size));
        }
    }

    /// Nothing of the earlier life was answered: asks the device where it stands before anything else is sent.
    pub(super) fn ask_first(&mut self, talk: &mut Conversation, now: u64) {
        self.restored = false;
        self.heard = 0;
        if self.outcome.is_some() {
            return;
        }
        if self.upload.as_ref().is_some_and(|upload| upload.is_unanswered()) {
            self.vanished = self.vanished.saturating_add(1);
        }
        let begun = self.upload.as_ref().is_some_and(|upload| upload.has_begun());
        self.upload = None;
        let step = match self.step {
            Step::Parameters | Step::BootMode | Step::SlotInformation => Step::Parameters,
            Step::ReassemblyProbe => Step::ReassemblyProbe,
            Step::ListBefore | Step::Erase => Step::ListBefore,
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
                self.force &= self.tasks.iter().any(|task| task.action == Action::Upload);
                Step::ListBefore
            }
            Step::Reset | Step::Look | Step::HealthCheck => {
                for task in &mut self.tasks {
                    if task.action == Action::Confirm {
                        task.action = Action::Boot;
                    }
                }
                self.reset_at = now;
                self.resets = self.resets.max(1);
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

fn load_task(from: &mut Reader<'_>, place: u8, firmware: &Firmware) -> Result<Task, Failure> {
    let index = u16::from(from.u8()?);
    let action =
        Action::from_number(from.u8()?).ok_or_else(|| damaged("what it does with an image is unknown"))?;
    let version = if usize::from(place) < MOST_VERSIONS { from.short_bytes()? } else { &[] };
    let version = std::str::from_utf8(version).map_err(|_| damaged("a version is no text"))?;
    if usize::from(index) >= firmware.images.len() {
        return Err(damaged("it has more images than the file"));
    }
    Ok(Task { index, action, from: Box::from(version) })
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
    }

    fn load(from: &mut Reader<'_>) -> Result<UpdateOptions, Failure> {
        let options = UpdateOptions {
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
        };
        options.check().map_err(|failure| damaged(&failure.sentence))?;
        Ok(options)
    }
}
