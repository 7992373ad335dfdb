//! What the image list says of an upload and of a mark.

use super::kinds::{LastLook, Mark, Standing, Stored};
use super::plan::{self, Action, Task};
use super::step::{self, Step};
use super::{Listing, Update, UpdateMode, payload};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::{HashKind, Image};
use crate::smp::error::rc;
use crate::smp::{DeviceError, group};
use crate::status::Status;
use crate::upload::refusal::code;

/// No device resets and answers again in less.
const COMES_BACK_MS: u64 = 1_000;
/// How often a finished upload may vanish again before the update ends.
pub(super) const MOST_UPLOADS: u8 = 3;

impl Update {
    /// What a list from before the reset shows of an upload.
    fn stored(&self, task: &Task, listing: &Listing) -> Stored {
        task.kind.stored(&self.view(task, listing))
    }

    /// Whether an image that is listed now may have lain there before the upload. A list tells the header and the end of a
    /// slot; of what was in between when the device lost a part of the upload it tells nothing.
    fn may_be_older(&self, task: &Task) -> bool {
        let lay_there = |before| self.stored(task, before) != Stored::No;
        self.tries.left_open && self.before().as_ref().map_or(self.tries.force, lay_there)
    }

    /// What runs does not change without a reset, unless the image itself was started.
    fn check_unchanged(&self, listing: &Listing) -> Result<(), Failure> {
        let Some(before) = &self.before() else { return Ok(()) };
        for task in &self.tasks {
            let Some(old) = task.kind.runs_in(&self.view(task, before)) else { continue };
            let now = listing.active(task.number);
            if now.is_some_and(|now| now.hash == old.hash) || self.runs(task, listing) {
                continue;
            }
            let now = now.map_or("no image as active".to_owned(), |now| format!("version {}", now.version));
            return Err(Failure::new(
                Status::Contradiction,
                format!(
                    "the device ran version {} of image {} and now lists {now}, although nobody reset it. Look whether \
                     another client or a watchdog is at work, then update to version {} again.",
                    old.version,
                    task.number,
                    self.task_image(task).version
                ),
            ));
        }
        Ok(())
    }

    /// An image that lay in its slot and is not listed any more.
    fn vanished_meanwhile(&self, listing: &Listing) -> Option<usize> {
        self.tasks.iter().position(|task| {
            matches!(task.action, Action::Mark | Action::Boot | Action::Nothing)
                && !self.runs(task, listing)
                && self.stored(task, listing) == Stored::No
        })
    }

    pub(super) fn verify_upload(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_unchanged(&listing)?;
        let task = self.tasks[self.current as usize].clone();
        let stored = self.stored(&task, &listing);
        let uploaded = stored != Stored::No && !self.may_be_older(&task);
        let before = self.before();
        let started =
            self.runs(&task, &listing) && !before.as_ref().is_some_and(|before| self.runs(&task, before));
        if !uploaded && !started {
            return self.upload_again(talk, now, &task, stored, &listing);
        }
        let (action, kind) = task.kind.landed(&self.view(&task, &listing), before.as_ref());
        let landed = &mut self.tasks[self.current as usize];
        (landed.action, landed.kind) = (action, kind);
        if let Some(index) =
            self.vanished_meanwhile(&listing).filter(|_| self.tries.uploads + 1 < MOST_UPLOADS)
        {
            // A late first frame of an earlier image erased its slot while this one was uploaded.
            self.tries.uploads += 1;
            self.tasks[index].action = Action::Upload;
            talk.note(now, EventKind::Restarted(0));
        }
        let more = self.tasks.iter().any(|task| matches!(task.action, Action::Upload | Action::Mark));
        if started && !more && self.all_started(&listing) {
            return self.verify_own_reset(talk, now, listing);
        }
        self.keep_listing(listing);
        // The server knows of its last upload only, so it is asked before the next image takes that place.
        let more = self.tasks.iter().any(|task| task.action == Action::Upload);
        if more && self.last_look() == LastLook::ListAndOffset {
            self.enter(talk, now, Step::StateUploaded);
        } else {
            self.next_task(talk, now);
        }
        Ok(())
    }

    /// The device reset by itself: this is the list after it.
    fn verify_own_reset(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.reboot().reset_at = now;
        self.enter(talk, now, Step::Look);
        self.verify_boot(talk, now, listing)
    }

    /// Whether everything that was to be started runs.
    fn all_started(&self, listing: &Listing) -> bool {
        let runs = |task: &Task| {
            let standing = task.kind.standing(&self.view(task, listing));
            matches!(standing, Standing::Runs | Standing::OnTrial)
        };
        self.tasks.iter().filter(|task| task.action == Action::Boot).all(runs)
    }

    /// The list does not show what was uploaded.
    fn upload_again(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        task: &Task,
        stored: Stored,
        listing: &Listing,
    ) -> Result<(), Failure> {
        let image = self.task_image(task);
        let version = image.version;
        let uploads = self.tries.uploads + 1;
        let failure = if stored != Stored::No {
            (uploads >= MOST_UPLOADS).then(|| self.never_told_whole())
        } else if let Some(failure) = self.cannot_list(image, listing) {
            Some(failure)
        } else {
            (uploads >= MOST_UPLOADS).then(|| {
                let failure = Failure::new(
                    Status::NotListed,
                    format!(
                        "the device took version {version} whole, {uploads} times, and does not list it afterwards: its slot does not \
                         hold what was sent, or the device does not take it for a valid image."
                    ),
                );
                if self.tries.first_again { failure.with_finding(Finding::LateFirstFrame) } else { failure }
            })
        };
        self.tries.uploads = uploads;
        if let Some(failure) = failure {
            return Err(failure);
        }
        if stored == Stored::No {
            // Every byte was taken, but not for this image.
            self.upload_others_again();
        }
        talk.note(now, EventKind::Restarted(0));
        self.enter(talk, now, Step::Upload);
        Ok(())
    }

    /// Every byte was sent, again and again, and the device never said that it has the last one.
    pub(super) fn never_told_whole(&self) -> Failure {
        Failure::new(
            Status::UploadLost,
            format!(
                "version {} was sent whole, {MOST_UPLOADS} times, and the device never said that it has every byte; what lies in the slot may \
                 be what was there before.",
                self.version()
            ),
        )
    }

    /// A server that lists nothing, or reads no hash of this kind, would not list the next upload either. Zephyr before 4.3 looks for
    /// SHA-256 alone (Zephyr issue 95332).
    fn cannot_list(&self, image: &Image, listing: &Listing) -> Option<Failure> {
        let before = self.before().filter(|_| !self.tries.first_again)?;
        let kind = image.hash.kind();
        let length = image.hash.as_bytes().len();
        let mut slots = before.slots.iter().chain(&listing.slots);
        let like =
            |slot: &super::ListedSlot| slot.hash.as_ref().is_some_and(|hash| hash.as_bytes().len() == length);
        let why = if kind != HashKind::Sha256 && !slots.any(like) {
            format!(
                "the image is signed with {kind}, and servers before Zephyr 4.3 list images with SHA-256 alone: sign it with that, or update \
                 the device's application by other means first"
            )
        } else if before.slots.is_empty() && listing.slots.is_empty() {
            "its server finds no image valid, not even the one that runs, if there is one: look whether it is built for this bootloader \
             (hash, slots), and whether the image is signed for this device"
                .to_owned()
        } else {
            return None;
        };
        // Recovery tells nothing of itself; there it is the image that does not pass.
        let told = self.told.tells_of_itself() || self.told.tells_slots() || kind != HashKind::Sha256;
        let status = if told { Status::ImageUnsupported } else { Status::NotListed };
        let lists =
            if before.slots.is_empty() { "lists no image at all" } else { "does not list it afterwards" };
        let failure = Failure::new(
            status,
            format!(
                "the device took version {} whole and {lists}, so it cannot be marked or verified: {why}.",
                image.version
            ),
        );
        let nothing = before.slots.is_empty() && listing.slots.is_empty();
        Some(if nothing { failure.with_finding(Finding::NothingListed) } else { failure })
    }

    pub(super) fn marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
    ) -> Result<(), Failure> {
        self.refusal = error;
        let for_good = self.mark_in_hand() == Mark::ForGood;
        let task = &mut self.tasks[self.current as usize];
        match error {
            Some(error) if error.is_common(rc::NOT_SUPPORTED) => {
                task.kind = task.kind.without_marks();
                for task in self.tasks.iter_mut().filter(|task| task.action == Action::Mark) {
                    task.kind = task.kind.without_marks();
                    task.action = Action::Boot;
                }
                if self.is_sent_again() {
                    self.start_anew(talk, now);
                } else {
                    self.enter(talk, now, Step::ListMarked);
                }
            }
            Some(error) if error.is_common(rc::ACCESS_DENIED) => {
                return Err(step::refused(error, "to mark the image for the next boot"));
            }
            Some(error) if for_good && denies_confirmation(error) => {
                self.tries.trial_only = true;
                self.enter(talk, now, Step::Mark);
            }
            // The list tells whether the image is gone, or there and refused.
            Some(_) => {
                task.action = Action::Boot;
                self.enter(talk, now, Step::ListMarked);
            }
            None => {
                task.kind = task.kind.with_marks();
                task.action = Action::Boot;
                self.next_task(talk, now);
            }
        }
        Ok(())
    }

    /// Whether the one image lies there from before, unmarked, and no reset alone would start it.
    fn is_sent_again(&self) -> bool {
        let ([task], Some(before)) = (&*self.tasks, self.before()) else { return false };
        self.lies_from_earlier()
            && !self.tries.tried_anew
            && task.kind.unmarked(&self.view(task, &before)) == Action::Upload
    }

    /// The last look before the reset: a late first frame may have erased the slot since.
    pub(super) fn verify_marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        let unanswered = self.unanswered();
        self.check_unchanged(&listing)?;
        self.reboot().listed_at = self.clock.asked_at;
        let (mut vanished, mut waits, mut trial) = (None, None, None);
        for (index, task) in self.tasks.iter().enumerate().filter(|(_, task)| task.action == Action::Boot) {
            match task.kind.standing(&self.view(task, &listing)) {
                // The device reset by itself.
                Standing::Runs => continue,
                Standing::OnTrial => {
                    trial = trial.or(Some(index));
                    continue;
                }
                Standing::Gone => vanished = vanished.or(Some(index)),
                Standing::Unmarked => {
                    return Err(unanswered.unwrap_or_else(|| self.not_marked(self.task_image(task))));
                }
                Standing::Waits => {}
            }
            waits = waits.or(Some(index));
        }
        if let (Some(trial), Some(waits)) = (trial, waits) {
            // Another reset would take the trial back.
            return Err(plan::trial_in_the_way(&self.firmware, &self.tasks[trial], &self.tasks[waits]));
        }
        if let Some(index) = vanished {
            self.tries.uploads += 1;
            if self.tries.uploads >= MOST_UPLOADS {
                let failure = Failure::new(
                    Status::UploadLost,
                    format!(
                        "version {} vanished from the device's list before the reset, {} times.",
                        self.task_image(&self.tasks[index]).version,
                        self.tries.uploads
                    ),
                );
                return Err(failure.with_finding(Finding::LateFirstFrame));
            }
            self.tasks[index].action = Action::Upload;
            talk.note(now, EventKind::Restarted(0));
            self.next_task(talk, now);
            return Ok(());
        }
        if self.tasks.iter().any(|task| task.action == Action::Mark) {
            // The mark before was refused and is there all the same.
            self.next_task(talk, now);
        } else if waits.is_none() {
            return self.verify_own_reset(talk, now, listing);
        } else if self.last_look() == LastLook::ListAndOffset && !self.tries.offset_asked {
            self.enter(talk, now, Step::StateMarked);
        } else {
            self.enter(talk, now, Step::Reset);
        }
        Ok(())
    }

    /// The list tells what the header and the end of a slot say, not whether what lies between is whole. A late first frame
    /// starts the upload anew: with progressive erase it leaves a hole behind the first page and the list as it was. The
    /// server's own offset shows it: 0 or the end after a finished upload, anything else in the middle of one.
    pub(super) fn verify_state(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        offset: Option<u32>,
    ) -> Result<(), Failure> {
        // A device that began anew and then reset by itself stands at 0 as well.
        let begun = self.step == Step::StateUploaded && std::mem::take(&mut self.tries.stray_first);
        let whole = |offset: u32| {
            let length = |task: &Task| payload::length(self.task_image(task), &self.options);
            offset == 0 || self.tasks.iter().any(|task| length(task) == offset)
        };
        if let Some(offset) = offset.filter(|offset| !whole(*offset) || (begun && *offset == 0)) {
            self.tries.uploads += 1;
            if self.tries.uploads >= MOST_UPLOADS {
                return Err(Failure::new(
                    Status::UploadLost,
                    format!(
                        "the upload was finished and the device stands at offset {offset} again, repeatedly."
                    ),
                )
                .with_finding(Finding::LateFirstFrame));
            }
            talk.note(now, EventKind::Restarted(offset));
            self.upload_all_again();
            self.next_task(talk, now);
        } else if self.step == Step::StateUploaded {
            if self.tasks.iter().any(|task| task.action == Action::Upload) {
                self.next_task(talk, now);
            } else {
                self.succeed(talk, now);
            }
        } else {
            self.tries.offset_asked = true;
            // A device that resets by itself may have done so since its list, and its trial must not be reset.
            let listed_at = self.rebooted().map_or(0, |reboot| reboot.listed_at);
            let is_old = now.saturating_sub(listed_at) > COMES_BACK_MS || self.tries.list_is_stale;
            self.tries.list_is_stale = false;
            self.enter(talk, now, if is_old { Step::ListMarked } else { Step::Reset });
        }
        Ok(())
    }

    /// What was uploaded is uploaded once more.
    pub(super) fn upload_all_again(&mut self) {
        let only_uploads = self.options.mode == UpdateMode::UploadOnly;
        for task in &mut self.tasks {
            let lies = matches!(task.action, Action::Mark | Action::Boot);
            if lies || (only_uploads && task.action == Action::Nothing) {
                task.action = Action::Upload;
            }
        }
    }

    /// The device took bytes of this image for those of another one: a late first chunk began that one's upload anew, and later
    /// chunks name no image. The list stays as it was.
    pub(super) fn went_astray(&mut self, talk: &mut Conversation, now: u64) -> Result<(), Failure> {
        if !self.upload_others_again() {
            return Ok(());
        }
        self.tries.uploads += 1;
        if self.tries.uploads >= MOST_UPLOADS {
            let sentence =
                "while one image was uploaded the device began the upload of another one again, repeatedly.";
            return Err(Failure::new(Status::UploadLost, sentence).with_finding(Finding::LateFirstFrame));
        }
        talk.note(now, EventKind::Restarted(0));
        Ok(())
    }

    /// Uploads the other images of the package again. Returns whether there are any.
    fn upload_others_again(&mut self) -> bool {
        let only_uploads = self.options.mode == UpdateMode::UploadOnly;
        let before = self.before();
        // What is marked the server does not take anew, and what runs lies elsewhere.
        let hit: Vec<usize> = (0..self.tasks.len())
            .filter(|index| *index != self.current as usize)
            .filter(|index| {
                let task = &self.tasks[*index];
                let lies = task.action == Action::Mark || (only_uploads && task.action == Action::Nothing);
                lies && !before.as_ref().is_some_and(|before| self.runs(task, before))
            })
            .collect();
        hit.iter().for_each(|index| self.tasks[*index].action = Action::Upload);
        !hit.is_empty()
    }

    fn not_marked(&self, image: &Image) -> Failure {
        let version = &image.version;
        let Some(error) = self.refusal else {
            return Failure::new(
                Status::NotMarked,
                format!(
                    "the device lists version {version} and says that it marked it for the next boot, but the list shows \
                     no mark. Reset the device and update again."
                ),
            );
        };
        let refused = step::refused(error, &format!("to mark version {version} for the next boot"));
        let status = match refused.status {
            _ if error.is_common(rc::BAD_STATE) => Status::SlotInUse,
            Status::DeviceError => Status::NotMarked,
            status => status,
        };
        Failure { status, ..refused }
    }
}

/// Whether the device may just not want an image confirmed before it ran. Version 1 of the protocol has no word for it.
fn denies_confirmation(error: DeviceError) -> bool {
    matches!(
        (error.group, error.code),
        (Some(group::IMAGE), code::IMAGE_CONFIRMATION_DENIED) | (None, rc::UNKNOWN)
    )
}
