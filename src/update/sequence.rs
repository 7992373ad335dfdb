//! From the plan to the next step that is left to do.

use super::boot_mode::BootMode;
use super::plan::{self, Action, Facts};
use super::step::Step;
use super::{Listing, Update, UpdateMode};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::smp::error::rc;
use crate::status::Status;

impl Update {
    pub(super) fn plan(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        let tells_nothing = !self.boot_known && self.slot_sizes.is_empty();
        if self.unlisted || (tells_nothing && listing.is_of_recovery()) {
            self.boot = BootMode::Recovery;
        }
        let facts = Facts {
            options: &self.options,
            boot: self.boot,
            slot_sizes: &self.slot_sizes,
            force: self.force,
        };
        self.tasks = plan::plan(&self.firmware, &listing, &facts)?;
        self.before = Some(listing);
        self.current = 0;
        self.next_task(talk, now);
        Ok(())
    }

    /// The list was refused. Serial recovery may lack it; then the application has the last word, after the reset.
    pub(super) fn no_list(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: DeviceError,
    ) -> Result<(), Failure> {
        let missing = error.is_common(rc::NOT_SUPPORTED);
        match self.step {
            Step::ListBefore if missing && !self.boot_known && self.slot_sizes.is_empty() => {
                if self.options.mode == UpdateMode::UploadOnly {
                    return Err(Failure::new(
                        Status::NotSupported,
                        "the device does not list its images, so an upload alone could not be verified; let the update \
                         reset it, then its application tells what runs.",
                    )
                    .with_device(error));
                }
                self.unlisted = true;
                self.plan(talk, now, Listing::default())
            }
            Step::Look if missing && self.unlisted => self.verify_boot(talk, now, Listing::default()),
            _ if error.is_common(rc::MESSAGE_SIZE) => {
                let mut failure = super::step::refused(error, "to list its images");
                failure.sentence.push_str(
                    " Its buffers are too small for the list: enlarge CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE \
                     (CONFIG_MCUMGR_BUF_SIZE before NCS 2.2), or set CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST.",
                );
                Err(failure)
            }
            _ => Err(super::step::refused(error, "to list its images")),
        }
    }

    /// Enters the first step that is left to do.
    pub(super) fn next_task(&mut self, talk: &mut Conversation, now: u64) {
        let tasks = &self.tasks;
        if let Some(index) = tasks.iter().position(|task| task.action == Action::Upload) {
            self.current = index as u16;
            // Recovery erases with the first chunk, and may not know the command.
            // When the upload is repeated the slot may be marked already; the first chunk makes room by itself.
            let erases = self.options.erase_first && self.boot != BootMode::Recovery && self.uploads == 0;
            return self.enter(talk, now, if erases { Step::Erase } else { Step::Upload });
        }
        if self.options.mode == UpdateMode::UploadOnly {
            return match self.boot != BootMode::Recovery && self.lies_in_other_slot() {
                true => self.enter(talk, now, Step::StateUploaded),
                false => self.succeed(talk, now),
            };
        }
        if let Some(index) = tasks.iter().position(|task| task.action == Action::Mark) {
            self.current = index as u16;
            if self.boot.marks() {
                return self.enter(talk, now, Step::Mark);
            }
            self.mark_nothing();
        }
        if self.tasks.iter().any(|task| task.action == Action::Boot) {
            return self.enter(talk, now, if self.unlisted { Step::Reset } else { Step::ListMarked });
        }
        if let Some(index) = self.tasks.iter().position(|task| task.action == Action::Confirm) {
            self.current = index as u16;
            self.ran = true;
            return self.begin_confirm(talk, now);
        }
        self.succeed(talk, now);
    }

    /// The bootloader chooses by itself: what was to be marked only waits for the reset.
    pub(super) fn mark_nothing(&mut self) {
        for task in &mut self.tasks {
            if task.action == Action::Mark {
                task.action = Action::Boot;
            }
        }
    }

    /// Whether any image of the update is one that lies in the slot that does not run.
    fn lies_in_other_slot(&self) -> bool {
        self.tasks.iter().any(|task| {
            task.action != Action::Nothing
                || !self.before.as_ref().is_some_and(|before| self.runs(task, before))
        })
    }

    /// Whether the image in hand is marked for good rather than for a trial.
    ///
    /// Over SMP only the image that the server itself runs in, image 0, can be confirmed after its trial (Zephyr answers
    /// `IMAGE_CONFIRMATION_DENIED` for the others, NCS 2.1 has no way at all), so the others are confirmed as they are marked.
    pub(super) fn marks_for_good(&self) -> bool {
        let other = self.image().is_some_and(|image| image.image_number != 0);
        let wanted = match self.options.mode {
            UpdateMode::ConfirmAtOnce => true,
            UpdateMode::TestAndConfirm => other && self.boot.reverts(),
            UpdateMode::TestOnly | UpdateMode::UploadOnly => false,
        };
        wanted && !self.trial_only
    }
}
