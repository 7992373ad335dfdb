//! Lists that come late, and marks and confirmations whose answer is lost.
//!
//! Nothing is called a failure for want of an answer while the device's own list says that the goal is reached.

use super::kinds::Ran;
use super::plan::{self, Action};
use super::step::Step;
use super::{Listing, Update, UpdateMode, kinds};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::{Frame, group};

impl Update {
    /// Keeps a list that answers one of the last requests of this session, but not the one that is open: a copy that the way made of an
    /// earlier request was answered later, or an answer was given up.
    pub(super) fn look_for_late_list(&mut self, talk: &Conversation, frame: &Frame<'_>) {
        let header = frame.header;
        if (header.group, header.command) != (group::IMAGE, group::image::STATE)
            || !talk.sent_lately(header.sequence)
        {
            return;
        }
        if let Some(listing) = Listing::decode(frame.body).ok().filter(|listing| !listing.slots.is_empty()) {
            self.later().late = Some(listing.with_other_images_running());
        }
    }

    /// No answer comes any more. Whether a late list shows that the update is where it was to come; then it has ended.
    ///
    /// Such a list is believed only in that: the image was not there before, and nothing but another update takes it away.
    pub(super) fn reached_late(&mut self, talk: &mut Conversation, now: u64) -> bool {
        let Some(listing) = self.later.as_mut().and_then(|later| later.late.take()) else { return false };
        match self.step {
            Step::Confirm | Step::ListConfirmed | Step::ListHealthy => {
                if self.check_running(&listing).is_err() || self.first_unconfirmed(&listing).is_some() {
                    return false;
                }
                self.keep_listing(listing);
                self.succeed(talk, now);
                true
            }
            Step::Look | Step::Upload if self.may_end_at_once() => {
                let before = self.before();
                let runs =
                    self.tasks.iter().all(|task| self.ran(task, &listing, before.as_ref()) == Ran::Yes);
                let enough =
                    self.options.mode == UpdateMode::TestOnly || self.first_unconfirmed(&listing).is_none();
                if runs && enough {
                    self.booted(talk, now, listing);
                }
                runs && enough
            }
            Step::ListBefore if self.options.mode != UpdateMode::UploadOnly => {
                let told = &self.told;
                let open = kinds::open_question(&self.firmware, &listing, told).is_some();
                let plan = plan::plan(&self.firmware, &listing, told, &self.options, self.tries.force);
                let done = plan.is_ok_and(|tasks| tasks.iter().all(|task| task.action == Action::Nothing));
                !open && done && self.plan(talk, now, listing).is_ok()
            }
            _ => false,
        }
    }

    /// Whether nothing but what the list shows is asked for: no word of the caller, and no upload that is to be made in any case.
    fn may_end_at_once(&self) -> bool {
        let options = &self.options;
        let asks = options.health_check || options.force_upload || options.mode == UpdateMode::UploadOnly;
        !asks && !self.is_unhealthy()
    }

    /// A mark or a confirmation went unanswered, and the list is asked what became of it.
    pub(super) fn ask_the_list(&mut self, talk: &mut Conversation, now: u64, failure: Failure) {
        self.refusal = None;
        self.later().unanswered = Some(failure);
        if self.step == Step::Confirm {
            return self.enter(talk, now, Step::ListConfirmed);
        }
        self.tasks[self.current as usize].action = Action::Boot;
        self.enter(talk, now, Step::ListMarked);
    }

    /// The failure of the request that the list was asked for.
    pub(super) fn unanswered(&mut self) -> Option<Failure> {
        self.later.as_mut()?.unanswered.take()
    }
}
