//! The reset, the wait for the bootloader, and what runs afterwards.

use super::kinds::{self, Ended, Hold, Mark, Ran};
use super::parts::Later;
use super::plan::{Action, Task};
use super::step::{self, Step};
use super::{Listing, Update, UpdateMode};
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
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
            " Version {} is {}; the next reset starts it.",
            self.version(),
            self.what_waits()
        ));
        failure
    }

    /// `ignored` says that the link came up, by the caller's word, and nothing was answered since.
    pub(super) fn did_not_return(&self, ignored: bool) -> Failure {
        let away = match self.tasks.first() {
            // Something is up that keeps the link: the swap is over.
            Some(task) if !ignored => task.kind.away(),
            _ => "",
        };
        let failure = Failure::new(
            Status::DidNotReturn,
            format!(
                "the device did not answer within {} s after the reset that was to start version {}. {away}",
                self.options.swap_timeout_ms / 1_000,
                self.version(),
            )
            .trim_end(),
        );
        if ignored { failure.with_finding(Finding::BondsLost) } else { failure }
    }

    /// What the images are while they wait for the reset.
    pub(super) fn what_waits(&self) -> &'static str {
        self.tasks.first().map_or("uploaded", |task| task.kind.waiting())
    }

    /// The device was asked to reset; `step` asks until it answers again.
    pub(super) fn begin_look(&mut self, talk: &mut Conversation, now: u64, step: Step) {
        let reboot = self.reboot();
        if reboot.resets == 0 {
            reboot.reset_at = now;
        }
        reboot.last_reset_at = now;
        reboot.resets += 1;
        reboot.link_reset_due = true;
        self.enter(talk, now, step);
    }

    /// Whether the device may be back from its reset: by its answer, by the caller's word on the link, or because the swap is
    /// over by the caller's estimate.
    pub(super) fn returned(&mut self, talk: &mut Conversation, now: u64, back: bool) {
        if self.step == Step::Look
            && self.outcome.is_none()
            && let Some(Later { reboot: Some(reboot), .. }) = self.later.as_deref_mut()
            && reboot.back != back
        {
            reboot.back = back;
            talk.note(now, EventKind::Phase(self.phase() as u32));
        }
    }

    /// The reset shows no effect yet: looks again a little later, or resets again where nothing runs that it could take back. False when
    /// that was tried often enough.
    pub(super) fn reset_again(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        step: Step,
        may_reset: bool,
    ) -> bool {
        // What counts is when the device was asked: an old answer may have been long on its way, and so may the request to reset.
        let last_reset_at = self.rebooted().map_or(0, |reboot| reboot.last_reset_at);
        let takes = RESET_TAKES_MS + u64::from(talk.timeout());
        if self.clock.asked_at.saturating_sub(last_reset_at) < takes {
            self.clock.not_before = now + 500;
            return true;
        }
        let looked_at = now.saturating_add(u64::from(self.options.swap_estimate_ms));
        if may_reset && self.resets() < MOST_RESETS && !self.swap_is_overdue(looked_at) {
            self.enter(talk, now, step);
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
        if self.is_unhealthy() {
            return self.verify_gone_back(talk, now, &listing);
        }
        // Also what ran before the reset has to run after it.
        let before = self.before();
        let ran = |task| self.ran(task, &listing, before.as_ref());
        let rans: Vec<Ran> = self.tasks.iter().map(ran).collect();
        if let Some(index) = rans.iter().position(|ran| matches!(ran, Ran::NotYet | Ran::No)) {
            return self.not_running_yet(talk, now, listing, &rans, index);
        }
        if rans.contains(&Ran::AskB0) {
            self.keep_listing(listing);
            self.enter(talk, now, Step::B0SlotAfter);
            return Ok(());
        }
        for (task, ran) in self.tasks.iter_mut().zip(rans) {
            task.doubt = if let Ran::Untold(doubt) = ran { Some(doubt) } else { None };
        }
        self.totals.swap_ms = now.saturating_sub(self.reset_at()).min(u64::from(u32::MAX)) as u32;
        self.booted(talk, now, listing);
        Ok(())
    }

    /// What the device shows of an image after the reset.
    pub(super) fn ran(&self, task: &Task, listing: &Listing, before: Option<&Listing>) -> Ran {
        match task.kind.ran_unlisted().filter(|_| self.told.unlisted) {
            Some(ran) => ran,
            None => task.kind.ran(&self.view(task, listing), before),
        }
    }

    /// One of the images does not run: the reset may have had no effect, or the bootloader did not start it.
    fn not_running_yet(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
        rans: &[Ran],
        index: usize,
    ) -> Result<(), Failure> {
        if rans[index] == Ran::NotYet {
            // In the trial of another image a reset would take that back.
            let on_trial = self.tasks.iter().zip(rans).any(|(task, ran)| {
                *ran == Ran::Yes && task.kind.hold(&self.view(task, &listing)) == Hold::OnTrial
            });
            if self.reset_again(talk, now, Step::Reset, !on_trial) {
                return Ok(());
            }
            let task = &self.tasks[index];
            let before = self.before();
            if let Some(failure) = task.kind.never_reset(&self.ended(task, &listing, before.as_ref())) {
                return Err(failure);
            }
        }
        let task = &self.tasks[index];
        let before = self.before();
        let failure = task.kind.failed(&self.ended(task, &listing, before.as_ref()));
        // What lay in the slot may have been damaged although its hash is listed: from an earlier try, or by a late first chunk, which
        // leaves the list as it was and shows by its answer.
        let tries = &self.tries;
        let spoilt = match failure.status {
            Status::NotSwapped => self.lies_from_earlier() || tries.stray_chunk,
            // A late copy of its upload takes the mark from the image as well, which then lies there as one that was reverted.
            Status::Reverted => !self.has_run() && tries.stray_chunk,
            _ => false,
        };
        if spoilt && !tries.tried_anew && !rans.contains(&Ran::Yes) {
            self.start_anew(talk, now);
            return Ok(());
        }
        Err(failure)
    }

    /// Whether what was to be started lay in its slot before this update.
    pub(super) fn lies_from_earlier(&self) -> bool {
        self.totals.uploaded_bytes == 0 && !self.tries.force
    }

    /// Everything is planned again, and sent whatever is listed.
    pub(super) fn start_anew(&mut self, talk: &mut Conversation, now: u64) {
        (self.tries.force, self.tries.tried_anew, self.tries.stray_chunk) = (true, true, false);
        self.forget_reboot();
        talk.note(now, EventKind::Restarted(0));
        self.enter(talk, now, Step::ListBefore);
    }

    /// The update as it ended for an image that does not run.
    pub(super) fn ended<'a>(
        &'a self,
        task: &'a Task,
        listing: &'a Listing,
        before: Option<&'a Listing>,
    ) -> Ended<'a> {
        let view = self.view(task, listing);
        let for_good = task.kind.mark(&view, self.tries.trial_only) == Mark::ForGood;
        Ended {
            title: self.title(task),
            before,
            from: &task.from,
            resets: self.resets(),
            ran: self.has_run(),
            on_trial: !for_good,
            view,
        }
    }

    /// Every image runs.
    pub(super) fn booted(&mut self, talk: &mut Conversation, now: u64, listing: Listing) {
        self.trial().ran = true;
        for index in 0..self.tasks.len() {
            let task = &self.tasks[index];
            if let Some(kind) = task.kind.once_it_runs(&self.view(task, &listing)) {
                self.tasks[index].kind = kind;
            }
        }
        let confirmed = self.first_unconfirmed(&listing).is_none();
        self.keep_listing(listing);
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
        let confirmed = |task: &Task| listing.active(task.number).is_some_and(|slot| slot.confirmed);
        if self.tasks.iter().filter(runs_on).any(|task| !confirmed(task)) {
            if self.reset_again(talk, now, Step::Reset, true) {
                return Ok(());
            }
            return Err(self.found_unhealthy(&format!(
                "the device was asked {} times to reset and still runs it, unconfirmed; the next reset takes it back.",
                self.resets()
            )));
        }
        let gone = self.tasks.iter().find(|task| task.action == Action::Boot && !self.runs(task, listing));
        let stays = self.tasks.iter().find(|task| self.runs(task, listing));
        Err(match gone {
            Some(task) => self.found_unhealthy(&format!(
                "the device was reset and runs version {} again{}.",
                kinds::running(listing, task.number),
                stays.map_or_else(String::new, |task| format!(", and {} stays", self.title(task)))
            )),
            None => self.found_unhealthy(NO_WAY_BACK),
        })
    }

    /// Whether the device lists the image of a task as the one that runs.
    pub(super) fn runs(&self, task: &Task, listing: &Listing) -> bool {
        self.view(task, listing).running().is_some()
    }

    /// Whether an image that was started runs still, as far as the device shows it.
    pub(super) fn runs_on(&self, task: &Task, listing: &Listing) -> bool {
        task.doubt.is_some()
            || self.runs(task, listing)
            || self.ran(task, listing, self.before().as_ref()) == Ran::Yes
    }
}

/// An image that is confirmed stays.
pub(super) const NO_WAY_BACK: &str =
    "it is confirmed already and stays: there is no way back but an update to another version.";
