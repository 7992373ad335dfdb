//! What the image list says of an upload and of a mark.

use super::boot_mode::BootMode;
use super::plan::{Action, listed_as};
use super::step::{self, Step};
use super::{Listing, Update, UpdateMode};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::Image;
use crate::smp::error::rc;
use crate::smp::{DeviceError, group};
use crate::status::Status;
use crate::upload::refusal::code;

/// How often a finished upload may vanish again before the update ends.
const MOST_UPLOADS: u8 = 3;

impl Update {
    /// Whether a list from before the reset shows the uploaded image.
    fn is_uploaded(&self, image: &Image, listing: &Listing) -> bool {
        let number = image.image_number;
        if self.boot != BootMode::Recovery {
            return listing.others(number).any(|slot| listed_as(slot, image));
        }
        let mut slots = listing.slots.iter().filter(|slot| slot.image == number);
        // Without `MCUBOOT_SERIAL_IMG_GRP_HASH` recovery lists valid images by version alone.
        slots.any(|slot| {
            listed_as(slot, image) || (slot.hash.is_none() && *slot.version == *image.version.device_text())
        })
    }

    /// Whether an image that is listed now may have lain there before the upload. A list tells the header and the end of a
    /// slot; of what was in between when the device lost a part of the upload it tells nothing.
    fn may_be_older(&self, image: &Image) -> bool {
        let lay_there = self.before.as_ref().map_or(self.force, |before| self.is_uploaded(image, before));
        self.left_open && lay_there
    }

    /// What runs does not change without a reset, unless the image itself was started.
    fn check_unchanged(&self, listing: &Listing) -> Result<(), Failure> {
        let Some(before) = &self.before else { return Ok(()) };
        for task in &self.tasks {
            let image = self.task_image(task);
            let Some(old) = before.active(image.image_number) else { continue };
            let now = listing.active(image.image_number);
            if now.is_some_and(|now| now.hash == old.hash || listed_as(now, image)) {
                continue;
            }
            let now = now.map_or("no image as active".to_owned(), |now| format!("version {}", now.version));
            return Err(Failure::new(
                Status::Contradiction,
                format!(
                    "the device ran version {} of image {} and now lists {now}, although nobody reset it. Look whether \
                     another client or a watchdog is at work, then update to version {} again.",
                    old.version, image.image_number, image.version
                ),
            ));
        }
        Ok(())
    }

    /// An image that lay in its slot and is not listed any more.
    fn vanished_meanwhile(&self, listing: &Listing) -> Option<usize> {
        self.tasks.iter().position(|task| {
            matches!(task.action, Action::Mark | Action::Nothing)
                && self.boot != BootMode::Recovery
                && !self.runs(task, listing)
                && !self.is_uploaded(self.task_image(task), listing)
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
        let image = self.task_image(&task);
        let version = image.version;
        let listed = self.is_uploaded(image, &listing);
        let uploaded = listed && !self.may_be_older(image);
        let runs_now = self.runs(&task, &listing);
        let ran_before = self.before.as_ref().is_some_and(|before| self.runs(&task, before));
        let action = if runs_now && ran_before && uploaded {
            // A device finds images by their hash, the running one first: it can neither be marked nor needs to be.
            Some(Action::Nothing)
        } else if runs_now && !ran_before {
            if self.boot == BootMode::Unknown {
                // Only recovery writes the slot that is listed as running.
                self.boot = BootMode::Recovery;
            }
            Some(Action::Boot)
        } else {
            uploaded.then_some(if self.boot == BootMode::Recovery { Action::Boot } else { Action::Mark })
        };
        if let Some(action) = action {
            self.tasks[self.current as usize].action = action;
            if let Some(index) = self.vanished_meanwhile(&listing).filter(|_| self.uploads + 1 < MOST_UPLOADS)
            {
                // A late first frame of an earlier image erased its slot while this one was uploaded.
                self.uploads += 1;
                self.tasks[index].action = Action::Upload;
                talk.note(now, EventKind::Restarted(0));
            }
            self.listing = Some(Box::new(listing));
            // The server knows of its last upload only, so it is asked before the next image takes that place.
            let more = self.tasks.iter().any(|task| task.action == Action::Upload);
            if more && self.boot != BootMode::Recovery {
                self.enter(talk, now, Step::StateUploaded);
            } else {
                self.next_task(talk, now);
            }
            return Ok(());
        }
        self.uploads += 1;
        if self.uploads >= MOST_UPLOADS && listed {
            return Err(Failure::new(
                Status::UploadLost,
                format!(
                    "version {version} was sent whole, {} times, and the device never said that it has every byte; what it \
                     lists may be what lay there before.",
                    self.uploads
                ),
            ));
        }
        if self.uploads >= MOST_UPLOADS {
            return Err(Failure::new(
                Status::NotListed,
                format!(
                    "the device took version {} whole, {} times, and does not list it afterwards: its slot does not \
                     hold what was sent.",
                    version, self.uploads
                ),
            )
            .with_finding(Finding::LateFirstFrame));
        }
        talk.note(now, EventKind::Restarted(0));
        self.enter(talk, now, Step::Upload);
        Ok(())
    }

    pub(super) fn marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
    ) -> Result<(), Failure> {
        self.refusal = error;
        match error {
            Some(error) if error.is_common(rc::NOT_SUPPORTED) => {
                // The handler is missing where the bootloader chooses by version.
                self.boot = if self.boot_known { self.boot } else { BootMode::DirectXip };
                self.mark_nothing();
                self.enter(talk, now, Step::ListMarked);
            }
            Some(error) if error.is_common(rc::ACCESS_DENIED) => {
                return Err(step::refused(error, "to mark the image for the next boot"));
            }
            Some(error) if self.marks_for_good() && denies_confirmation(error) => {
                self.trial_only = true;
                self.enter(talk, now, Step::Mark);
            }
            // The list tells whether the image is gone, or there and refused.
            Some(_) => {
                self.tasks[self.current as usize].action = Action::Boot;
                self.enter(talk, now, Step::ListMarked);
            }
            None => {
                self.tasks[self.current as usize].action = Action::Boot;
                self.next_task(talk, now);
            }
        }
        Ok(())
    }

    /// The last look before the reset: a late first frame may have erased the slot since.
    pub(super) fn verify_marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_unchanged(&listing)?;
        let (mut vanished, mut waits) = (None, false);
        for (index, task) in self.tasks.iter().enumerate().filter(|(_, task)| task.action == Action::Boot) {
            let image = self.task_image(task);
            let active = listing.active(image.image_number);
            let runs = active.is_some_and(|slot| slot.holds(image.running_hash().as_bytes()));
            if runs && self.boot != BootMode::Recovery {
                // The device reset by itself; another reset would take the image back.
                continue;
            }
            waits = true;
            if !self.is_uploaded(image, &listing) {
                vanished = vanished.or(Some(index));
            } else if self.boot.marks()
                && listing.others(image.image_number).all(|slot| !slot.pending && !slot.permanent)
            {
                return Err(self.not_marked(image));
            }
        }
        if let Some(index) = vanished {
            self.uploads += 1;
            if self.uploads >= MOST_UPLOADS {
                return Err(Failure::new(
                    Status::UploadLost,
                    format!(
                        "version {} vanished from the device's list before the reset, {} times.",
                        self.task_image(&self.tasks[index]).version,
                        self.uploads
                    ),
                )
                .with_finding(Finding::LateFirstFrame));
            }
            self.tasks[index].action = Action::Upload;
            talk.note(now, EventKind::Restarted(0));
            self.next_task(talk, now);
            return Ok(());
        }
        if self.tasks.iter().any(|task| task.action == Action::Mark) {
            // The mark before was refused and is there all the same.
            self.next_task(talk, now);
        } else if !waits {
            self.reset_at = now;
            self.enter(talk, now, Step::Look);
        } else if self.boot == BootMode::Recovery {
            self.enter(talk, now, Step::Reset);
        } else {
            self.enter(talk, now, Step::StateMarked);
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
        let whole = |offset: u32| {
            offset == 0 || self.tasks.iter().any(|task| self.task_image(task).length() == offset)
        };
        if let Some(offset) = offset.filter(|offset| !whole(*offset)) {
            self.uploads += 1;
            if self.uploads >= MOST_UPLOADS {
                return Err(Failure::new(
                    Status::UploadLost,
                    format!(
                        "the upload was finished and the device stands at offset {offset} again, repeatedly."
                    ),
                )
                .with_finding(Finding::LateFirstFrame));
            }
            talk.note(now, EventKind::Restarted(offset));
            let only_uploads = self.options.mode == UpdateMode::UploadOnly;
            for task in &mut self.tasks {
                let lies = matches!(task.action, Action::Mark | Action::Boot);
                if lies || (only_uploads && task.action == Action::Nothing) {
                    task.action = Action::Upload;
                }
            }
            self.next_task(talk, now);
        } else if self.step == Step::StateUploaded {
            if self.tasks.iter().any(|task| task.action == Action::Upload) {
                self.next_task(talk, now);
            } else {
                self.succeed(talk, now);
            }
        } else {
            self.enter(talk, now, Step::Reset);
        }
        Ok(())
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
