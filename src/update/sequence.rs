//! From the plan to the next step that is left to do.

use super::kinds::{self, Erase, LastLook, Mark, WithoutList};
use super::listing::PackedListing;
use super::objections;
use super::plan::{self, Action};
use super::step::Step;
use super::{Listing, Update, UpdateMode, payload};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::smp::error::rc;

impl Update {
    pub(super) fn plan(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        if let Some(question) = kinds::open_question(&self.firmware, &listing, &self.told) {
            self.enter(talk, now, question);
            return Ok(());
        }
        let tasks = plan::plan(&self.firmware, &listing, &self.told, &self.options, self.tries.force)?;
        let uploads = tasks.iter().any(|task| task.action == Action::Upload);
        if uploads && self.tries.list_first && !self.tries.asked_again {
            // The first question was not answered; the device may have been away only, and an upload goes by its answer.
            self.tries.asked_again = true;
            self.enter(talk, now, Step::Parameters);
            return Ok(());
        }
        if !self.told.board_asked && objections::asks_board(&self.firmware, &tasks, &self.options) {
            self.keep_listing(listing);
            self.enter(talk, now, Step::Board);
            return Ok(());
        }
        self.tasks = tasks;
        self.count_unanswered();
        self.before = Some(PackedListing::new(&listing));
        self.current = 0;
        if self.options.check_only {
            return self.checked(talk, now);
        }
        self.told.board = None;
        if self.tasks.iter().any(|task| task.action == Action::EnterLoader) {
            return self.enter_loader(talk, now, None);
        }
        self.next_task(talk, now);
        Ok(())
    }

    /// An image that was under way is listed: its last chunks arrived although no answer to them did.
    fn count_unanswered(&mut self) {
        let reached = self.totals.reached;
        let in_hand = self.tasks.iter().find(|task| task.index == self.totals.reached_in);
        if let Some(task) = in_hand.filter(|task| task.action != Action::Upload && reached > 0) {
            let length = payload::length(self.task_image(task), &self.options);
            self.totals.moved(reached, length, true);
        }
    }

    /// The device told its board, or does not tell it.
    pub(super) fn board_told(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        board: Option<Box<str>>,
    ) -> Result<(), Failure> {
        self.told.board_asked = true;
        self.told.board = board.filter(|board| objections::is_board(board));
        match self.later().listing.take() {
            Some(listing) => self.plan(talk, now, listing)?,
            // Another process saw the list.
            None => self.enter(talk, now, Step::ListBefore),
        }
        Ok(())
    }

    /// The list was refused. Some servers have none; then what runs after the reset has the last word.
    pub(super) fn no_list(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: DeviceError,
    ) -> Result<(), Failure> {
        let missing = error.is_common(rc::NOT_SUPPORTED);
        match self.step {
            Step::ListBefore if missing => match kinds::without_list(&self.told, &self.options) {
                Some(Ok(WithoutList::GoOn)) => {
                    self.told.unlisted = true;
                    return self.plan(talk, now, Listing::default());
                }
                Some(Ok(WithoutList::EnterLoader)) if self.options.check_only => {
                    return self.checked_before_loader(talk, now);
                }
                Some(Ok(WithoutList::EnterLoader)) => return self.enter_loader(talk, now, Some(error)),
                Some(Err(failure)) => return Err(failure.with_device(error)),
                None => {}
            },
            Step::Look if missing && self.tasks.iter().all(|task| task.kind.ran_unlisted().is_some()) => {
                self.told.unlisted = true;
                return self.verify_boot(talk, now, Listing::default());
            }
            // The application answers still.
            Step::LookLoader if missing => {
                self.application_answers(talk, now);
                return Ok(());
            }
            _ if error.is_common(rc::MESSAGE_SIZE) => {
                let mut failure = super::step::refused(error, "to list its images");
                failure.sentence.push_str(
                    " Its buffers are too small for the list: enlarge CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE \
                     (CONFIG_MCUMGR_BUF_SIZE before NCS 2.2), or set CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST.",
                );
                return Err(failure);
            }
            _ => {}
        }
        Err(super::step::refused(error, "to list its images"))
    }

    /// Enters the first step that is left to do.
    pub(super) fn next_task(&mut self, talk: &mut Conversation, now: u64) {
        if let Some(index) = self.tasks.iter().position(|task| task.action == Action::Upload) {
            self.current = index as u16;
            // When the upload is repeated the slot may be marked already; the first chunk makes room by itself.
            let erases = self.options.erase_first && self.tries.uploads == 0 && self.has_to_erase();
            return self.enter(talk, now, if erases { Step::Erase } else { Step::Upload });
        }
        if self.options.mode == UpdateMode::UploadOnly {
            return match self.last_look() == LastLook::ListAndOffset && self.lies_in_other_slot() {
                true => self.enter(talk, now, Step::StateUploaded),
                false => self.succeed(talk, now),
            };
        }
        if self.wait_behind_upload(talk, now) {
            return;
        }
        // The application last: bootloaders of nRF Connect SDK 2.6 to 3.4 skip a network core that is marked after it (NCSDK-34106).
        while let Some(index) = self.tasks.iter().rposition(|task| task.action == Action::Mark) {
            self.current = index as u16;
            if self.mark_in_hand() != Mark::Nothing {
                return self.enter(talk, now, Step::Mark);
            }
            self.tasks[index].action = Action::Boot;
        }
        if self.tasks.iter().any(|task| task.action == Action::Boot) {
            let looks = self.last_look() != LastLook::Nothing;
            return self.enter(talk, now, if looks { Step::ListMarked } else { Step::Reset });
        }
        if let Some(index) = self.tasks.iter().position(|task| task.action == Action::Confirm) {
            self.current = index as u16;
            self.trial().ran = true;
            return self.begin_confirm(talk, now);
        }
        self.succeed(talk, now);
    }

    fn has_to_erase(&self) -> bool {
        let task = &self.tasks[self.current as usize];
        !matches!(self.with_before(task, |view| task.kind.erase(&view)), Erase::Nothing)
    }

    /// How the image in hand is marked.
    pub(super) fn mark_in_hand(&self) -> Mark {
        let task = &self.tasks[self.current as usize];
        self.with_before(task, |view| task.kind.mark(&view, self.tries.trial_only))
    }

    /// What is asked between the uploads and the reset: as much as every one of the images allows.
    pub(super) fn last_look(&self) -> LastLook {
        self.manners().map(|manner| manner.last_look).min().unwrap_or(LastLook::Nothing)
    }

    pub(super) fn manners(&self) -> impl Iterator<Item = kinds::Manner> {
        let before = self.before().unwrap_or_default();
        self.tasks.iter().map(move |task| task.kind.manner(&self.view(task, &before)))
    }

    /// Whether any image of the update is one that lies in the slot that does not run.
    fn lies_in_other_slot(&self) -> bool {
        let before = self.before();
        self.tasks.iter().any(|task| {
            task.action != Action::Nothing || !before.as_ref().is_some_and(|before| self.runs(task, before))
        })
    }
}
