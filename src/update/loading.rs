//! From the application into the server that takes its images: a reset with `boot_mode` 1, the wait for the other server, and the plan
//! anew from its list.

use super::plan::{self, Action};
use super::step::{self, Step};
use super::{Listing, Update, kinds};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::status::Status;

/// How soon a server that is still the application is looked at again.
const LOOK_AGAIN_MS: u64 = 500;

impl Update {
    /// The application answers: resets into the loader, once.
    pub(super) fn enter_loader(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
    ) -> Result<(), Failure> {
        if self.tries.entered_loader {
            return Err(kinds::loader_needed(error));
        }
        self.tries.entered_loader = true;
        self.tasks = Box::default();
        self.before = None;
        self.enter(talk, now, Step::EnterLoader);
        Ok(())
    }

    /// The application refused to leave.
    pub(super) fn loader_refused(&self, error: DeviceError) -> Failure {
        let mut failure = step::refused(error, "to reset into its firmware loader");
        failure.sentence.push_str(" Start the loader by its button or pin, and update again.");
        failure
    }

    /// Something answers after the reset: the loader, or the application still.
    pub(super) fn loader_answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        let tasks = plan::plan(&self.firmware, &listing, &self.told, &self.options, self.tries.force)?;
        if tasks.iter().any(|task| task.action == Action::EnterLoader) {
            self.application_answers(talk, now);
            return Ok(());
        }
        // Another server, with limits of its own.
        self.forget_reboot();
        self.enter(talk, now, Step::Parameters);
        Ok(())
    }

    /// It is the application still: the reset may have been lost.
    pub(super) fn application_answers(&mut self, talk: &mut Conversation, now: u64) {
        if !self.reset_again(talk, now, Step::EnterLoader, true) {
            self.clock.not_before = now + LOOK_AGAIN_MS;
        }
    }

    /// The loader did not answer in time.
    ///
    /// `moved` says that the link came up under another address, by the caller's word.
    pub(super) fn loader_away(&self, moved: bool) -> Failure {
        let hint = match moved {
            true => "What has the other address answers nothing.",
            false => {
                "It may have another address or name than the application: connect to that and update again."
            }
        };
        Failure::new(
            Status::DidNotReturn,
            format!(
                "no firmware loader answered within {} s after the reset with boot_mode 1. {hint}",
                self.options.swap_timeout_ms / 1_000
            ),
        )
    }
}
