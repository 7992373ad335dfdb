//! Devices that reset by themselves, or by somebody's hand: they are looked at for as long as the caller says, and their list decides.

use super::kinds::Standing;
use super::plan::Action;
use super::step::Step;
use super::{Listing, Update};
use crate::conversation::Conversation;

/// How often such a device is looked at.
const LOOK_AGAIN_MS: u64 = 1_000;

impl Update {
    /// Behind the last byte: the device may mark what it got and reset. False where nobody said so, or that was waited for.
    pub(super) fn wait_behind_upload(&mut self, talk: &mut Conversation, now: u64) -> bool {
        let starts = |action| matches!(action, Action::Mark | Action::Boot);
        let waits = self.totals.uploaded_bytes > 0
            && self.tasks.iter().any(|task| starts(task.action))
            && !std::mem::replace(&mut self.tries.waited, true);
        waits && self.wait_for_own_reset(talk, now)
    }

    /// The server has no command to reset with, so somebody else has to. False where nobody said so, or that was waited for.
    pub(super) fn wait_without_reset(&mut self, talk: &mut Conversation, now: u64) -> bool {
        !std::mem::replace(&mut self.tries.waited_marked, true) && self.wait_for_own_reset(talk, now)
    }

    fn wait_for_own_reset(&mut self, talk: &mut Conversation, now: u64) -> bool {
        let wait = u64::from(self.options.self_reset_ms);
        if wait == 0 {
            return false;
        }
        self.forget_reboot();
        // From then on the device may stay away as long as after a reset of ours.
        self.reboot().reset_at = now.saturating_add(wait);
        self.enter(talk, now, Step::Look);
        true
    }

    /// The list of a device that was not asked to reset. False where it is one after a reset: everything runs, or a reset was asked for.
    pub(super) fn listed_by_itself(&mut self, talk: &mut Conversation, now: u64, listing: &Listing) -> bool {
        let waits = self.step == Step::Look && self.resets() == 0;
        if !waits || !(self.tries.waited || self.tries.waited_marked) {
            return false;
        }
        let before = self.before();
        let starting = |action| matches!(action, Action::Mark | Action::Boot);
        let runs: Vec<bool> = self
            .tasks
            .iter()
            .map(|task| {
                let standing = task.kind.standing(&self.view(task, listing));
                !starting(task.action) || matches!(standing, Standing::Runs | Standing::OnTrial)
            })
            .collect();
        if runs.iter().all(|runs| *runs) {
            for index in 0..self.tasks.len() {
                let task = &self.tasks[index];
                if task.action == Action::Mark {
                    let (action, kind) = task.kind.landed(&self.view(task, listing), before.as_ref());
                    (self.tasks[index].action, self.tasks[index].kind) = (action, kind);
                }
            }
            return false;
        }
        if now < self.reset_at() {
            self.clock.not_before = self.reset_at().min(now + LOOK_AGAIN_MS);
        } else {
            self.forget_reboot();
            self.next_task(talk, now);
        }
        true
    }
}
