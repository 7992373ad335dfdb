//! The reset, the wait for the bootloader, and what runs afterwards.

use super::plan::{self, Action, Task};
use super::step::Step;
use super::{Listing, Update, UpdateMode};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::firmware::Image;
use crate::status::Status;

/// How often a reset that had no effect is repeated.
const MOST_RESETS: u8 = 3;
/// How long after the reset request a device that still runs the old image is believed not to have reset at all. Zephyr
/// resets 250 ms after its answer (`CONFIG_MCUMGR_GRP_OS_RESET_MS`).
const RESET_TAKES_MS: u64 = 5_000;

impl Update {
    pub(super) fn lost_link(&self) -> Failure {
        if matches!(self.step, Step::Reset | Step::Look) {
            return self.did_not_return();
        }
        Failure::new(Status::LinkLost, "the device link went down and did not come up again in time.")
            .with_finding(Finding::LinkDrops)
    }

    pub(super) fn did_not_return(&self) -> Failure {
        Failure::new(
            Status::DidNotReturn,
            format!(
                "the device did not answer within {} s after the reset: it may still be swapping, or neither image \
                 starts SMP.",
                self.options.swap_timeout_ms / 1_000
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

    pub(super) fn verify_boot(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
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
            if since < RESET_TAKES_MS * u64::from(self.resets) {
                self.not_before = now + 500;
                return Ok(());
            }
            if self.resets < MOST_RESETS {
                self.enter(talk, now, Step::Reset);
                return Ok(());
            }
            if self.boot.marks() {
                return Err(Failure::new(
                    Status::NotSwapped,
                    format!(
                        "the device was asked {} times to reset and still runs the old image, the new one marked.",
                        self.resets
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
    pub(super) fn booted(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
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
}

fn running(listing: &Listing, image: &Image) -> String {
    listing.active(image.image_number).map_or_else(|| "?".to_owned(), |slot| slot.version.to_string())
}

fn unhealthy(what: &str) -> Failure {
    Failure::new(
        Status::HealthCheckFailed,
        format!("the caller found the new image unhealthy and it was not confirmed; {what}."),
    )
}
