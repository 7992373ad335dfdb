//! The reset, the wait for the bootloader, and what runs afterwards.

use super::boot_mode::BootMode;
use super::plan::{Action, Task, listed_as};
use super::step::{self, Step};
use super::{Listing, Update, UpdateMode};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::Image;
use crate::smp::DeviceError;
use crate::status::Status;

/// How often a reset that had no effect is repeated.
const MOST_RESETS: u8 = 3;
/// How long after the reset request a device that still runs the old image is believed not to have reset at all. Zephyr
/// resets 250 ms after its answer (`CONFIG_MCUMGR_GRP_OS_RESET_MS`).
const RESET_TAKES_MS: u64 = 5_000;

impl Update {
    /// The reset hook of an application may refuse.
    pub(super) fn reset_refused(&self, error: DeviceError) -> Failure {
        let mut failure = step::refused(error, "to reset");
        failure.sentence.push_str(&format!(
            " Version {} is uploaded{}; the next reset starts it.",
            self.version(),
            if self.boot.marks() { " and marked" } else { "" }
        ));
        failure
    }

    pub(super) fn did_not_return(&self) -> Failure {
        let why = match self.boot {
            BootMode::Recovery => {
                "It left its recovery mode, or hangs there: an application without SMP on this line looks the same. Look \
                 at it by other means."
            }
            BootMode::FirmwareLoader => {
                "The firmware loader started the application, or hangs: an application without SMP looks the same. Look \
                 at it by other means."
            }
            _ => {
                "It may still be swapping, or neither image starts SMP. Read its image list before another update."
            }
        };
        Failure::new(
            Status::DidNotReturn,
            format!(
                "the device did not answer within {} s after the reset that was to start version {}. {why}",
                self.options.swap_timeout_ms / 1_000,
                self.version()
            ),
        )
    }

    pub(super) fn begin_look(&mut self, talk: &mut Conversation, now: u64) {
        if self.resets == 0 {
            self.reset_at = now;
        }
        self.resets += 1;
        self.link_reset_due = true;
        self.enter(talk, now, Step::Look);
    }

    /// Whether the device may be back from its reset: by its answer, by the caller's word on the link, or because the swap is
    /// over by the caller's estimate.
    pub(super) fn returned(&mut self, talk: &mut Conversation, now: u64, back: bool) {
        if self.step == Step::Look && self.outcome.is_none() && self.back != back {
            self.back = back;
            talk.note(now, EventKind::Phase(self.phase() as u32));
        }
    }

    /// The reset shows no effect yet: looks again a little later, or resets again. False when that was tried often enough.
    fn reset_again(&mut self, talk: &mut Conversation, now: u64) -> bool {
        // What counts is when the device was asked: an old answer may have been long on its way.
        if self.asked_at.saturating_sub(self.reset_at) < RESET_TAKES_MS * u64::from(self.resets) {
            self.not_before = now + 500;
            return true;
        }
        let looked_at = now.saturating_add(u64::from(self.options.swap_estimate_ms));
        if self.resets < MOST_RESETS && !self.swap_is_overdue(looked_at) {
            self.enter(talk, now, Step::Reset);
            return true;
        }
        false
    }

    pub(super) fn verify_boot(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        if self.unhealthy {
            return self.verify_gone_back(talk, now, &listing);
        }
        // Also what ran before the reset has to run after it.
        let Some(task) = self.tasks.iter().find(|task| !self.runs(task, &listing)).cloned() else {
            self.swap_ms = now.saturating_sub(self.reset_at).min(u64::from(u32::MAX)) as u32;
            self.booted(talk, now, listing);
            return Ok(());
        };
        let image = self.task_image(&task).clone();
        let not_reset_yet = match self.boot {
            BootMode::Recovery => !listing.slots.iter().any(|slot| slot.active),
            boot if boot.marks() => {
                listing.others(image.image_number).any(|slot| slot.pending && listed_as(slot, &image))
            }
            _ => listing.active(image.image_number).is_some(),
        };
        if not_reset_yet {
            if self.reset_again(talk, now) {
                return Ok(());
            }
            if let Some(failure) = self.never_reset(&image, &listing) {
                return Err(failure);
            }
        }
        let failure = self.not_running(&image, &task.from, &listing);
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

    /// The failure of a device that was asked often enough and shows no sign of a reset; `None` where it may have reset and
    /// chosen the old image again.
    fn never_reset(&self, image: &Image, listing: &Listing) -> Option<Failure> {
        let sentence = match self.boot {
            BootMode::Recovery => format!(
                "the device was asked {} times to reset and is still in its recovery mode; version {} lies in its slot. \
                 Release the button or pin that holds it there and reset it.",
                self.resets, image.version
            ),
            boot if boot.marks() => format!(
                "the device was asked {} times to reset and still runs version {}; version {} stays marked and the next \
                 reset starts it.",
                self.resets,
                running(listing, image),
                image.version
            ),
            _ => return None,
        };
        Some(Failure::new(Status::NotSwapped, sentence))
    }

    /// Every image runs.
    fn booted(&mut self, talk: &mut Conversation, now: u64, listing: Listing) {
        self.ran = true;
        let confirmed = self.first_unconfirmed(&listing).is_none();
        self.listing = Some(Box::new(listing));
        for task in &mut self.tasks {
            if task.action == Action::Boot {
                task.action = Action::Confirm;
            }
        }
        match self.options.mode {
            UpdateMode::TestOnly | UpdateMode::UploadOnly => self.succeed(talk, now),
            // Also where the image was confirmed already: the caller asked to be heard.
            _ if self.options.health_check => self.begin_confirm(talk, now),
            _ if confirmed => self.succeed(talk, now),
            _ => self.begin_confirm(talk, now),
        }
    }

    /// The unhealthy image was reset out of service, and the old one has to run again.
    fn verify_gone_back(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: &Listing,
    ) -> Result<(), Failure> {
        let runs_on = |task: &&Task| task.action == Action::Boot && self.runs(task, listing);
        let confirmed = |task: &Task| {
            listing.active(self.task_image(task).image_number).is_some_and(|slot| slot.confirmed)
        };
        if self.tasks.iter().filter(runs_on).any(|task| !confirmed(task)) {
            if self.reset_again(talk, now) {
                return Ok(());
            }
            return Err(self.found_unhealthy(&format!(
                "the device was asked {} times to reset and still runs it, unconfirmed; the next reset takes it back.",
                self.resets
            )));
        }
        let gone = self.tasks.iter().find(|task| task.action == Action::Boot && !self.runs(task, listing));
        let stays = self.tasks.iter().find(|task| self.runs(task, listing)).map(|task| self.task_image(task));
        Err(match gone {
            Some(task) => self.found_unhealthy(&format!(
                "the device was reset and runs version {} again{}.",
                running(listing, self.task_image(task)),
                stays.map_or_else(String::new, |image| format!(", and {} stays", self.title(image)))
            )),
            None => self.found_unhealthy(NO_WAY_BACK),
        })
    }

    /// Whether the device lists the image of a task as the one that runs.
    pub(super) fn runs(&self, task: &Task, listing: &Listing) -> bool {
        let image = self.task_image(task);
        listing.active(image.image_number).is_some_and(|slot| slot.holds(image.running_hash().as_bytes()))
    }

    /// What the device runs instead of the new image, in the words of an outcome.
    pub(super) fn not_running(&self, image: &Image, before: &str, listing: &Listing) -> Failure {
        let (number, version) = (image.image_number, &image.version);
        let what = self.title(image);
        let Some(active) = listing.active(number) else {
            return Failure::new(
                Status::Contradiction,
                format!(
                    "after the reset the device lists no active slot for image {number}, so that it cannot be told \
                     whether version {version} runs."
                ),
            );
        };
        let runs = &active.version;
        // A new build of the same version is told from the old one by its hash alone.
        let ran_before = match self.before.as_ref().and_then(|before| before.active(number)) {
            Some(slot) if slot.hash.is_some() => slot.hash == active.hash,
            _ => **runs == *before,
        };
        if **runs == *version.device_text() && !ran_before {
            return Failure::new(
                Status::WrongImageRunning,
                format!(
                    "after the reset the device runs another image than the one that was sent, although it is a version \
                     {runs} too: the hashes differ. Look who else updates this device."
                ),
            );
        }
        if !before.is_empty() && **runs != *before {
            return Failure::new(
                Status::WrongImageRunning,
                format!(
                    "after the reset the device runs version {runs}, which is neither {version} nor {before}. Look who \
                     else updates this device."
                ),
            );
        }
        // A refused image is erased by MCUboot; one that ran and was swapped back is listed again, except with swap using
        // offset, where both slots then show the running image. One that was marked for good is never swapped back.
        let on_trial = self.options.mode != UpdateMode::ConfirmAtOnce || self.trial_only;
        let swapped_back = on_trial
            && self.boot.swaps()
            && listing
                .others(number)
                .any(|slot| listed_as(slot, image) || (slot.hash.is_some() && slot.hash == active.hash));
        if self.ran || swapped_back {
            return Failure::new(
                Status::Reverted,
                format!("{what} ran on trial and the device went back to {runs}."),
            )
            .with_finding(Finding::NoConfirmation);
        }
        Failure::new(Status::NotSwapped, format!("after the reset the device still runs {runs}, not {what}."))
            .with_finding(Finding::BootloaderRefused)
    }
}

/// An image that is confirmed stays.
pub(super) const NO_WAY_BACK: &str =
    "it is confirmed already and stays: there is no way back but an update to another version.";

fn running(listing: &Listing, image: &Image) -> String {
    listing.active(image.image_number).map_or_else(|| "?".to_owned(), |slot| slot.version.to_string())
}
