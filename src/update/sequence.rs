//! From the plan to the next step that is left to do.

use super::plan::{self, Action, BootMode, Facts};
use super::step::Step;
use super::{Listing, Update, UpdateMode};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::status::Status;

impl Update {
    pub(super) fn plan(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
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
    pub(super) fn next_task(&mut self, talk: &mut Conversation, now: u64) {
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
}
