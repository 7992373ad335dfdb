//! What the image list says of an upload and of a mark.

use super::plan::{Action, BootMode};
use super::step::{self, Step};
use super::{Listing, Update, UpdateMode};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::DeviceError;
use crate::smp::error::rc;
use crate::status::Status;

/// How often a finished upload that vanished again is repeated, and a refused image uploaded anew.
const MOST_UPLOADS: u8 = 3;

impl Update {
    pub(super) fn verify_upload(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        let Some(image) = self.image() else { return Ok(()) };
        let number = image.image_number;
        let listed = listing.slots.iter().any(|slot| {
            slot.image == number && !slot.active && slot.holds(image.hash.as_bytes())
                || slot.image == number && !slot.active && slot.holds(image.running_hash().as_bytes())
        });
        if listed {
            self.tasks[self.current as usize].action = Action::Mark;
            self.uploads = 0;
            if self.options.mode == UpdateMode::UploadOnly {
                self.listing = Some(listing);
            }
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

    pub(super) fn marked(
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
    pub(super) fn verify_marked(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
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
}
