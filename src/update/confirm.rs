//! The caller's health check and the confirmation.

use super::boot::NO_WAY_BACK;
use super::kinds::Hold;
use super::plan::Action;
use super::step::{self, Step};
use super::{Listing, Update};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::smp::error::rc;
use crate::status::Status;

/// How often a confirmation without effect is asked for.
const MOST_CONFIRMS: u8 = 3;

impl Update {
    /// The first task whose image runs unconfirmed.
    pub(super) fn first_unconfirmed(&self, listing: &Listing) -> Option<usize> {
        self.tasks.iter().position(|task| task.kind.hold(&self.view(task, listing)) == Hold::OnTrial)
    }

    pub(super) fn begin_confirm(&mut self, talk: &mut Conversation, now: u64) {
        self.select_unconfirmed();
        if self.options.health_check {
            let timeout = u64::from(self.options.health_timeout_ms);
            self.trial().health_until = now.saturating_add(timeout);
            self.enter(talk, now, Step::HealthCheck);
        } else {
            self.enter(talk, now, Step::Confirm);
        }
    }

    fn select_unconfirmed(&mut self) {
        let index = match self.listing() {
            Some(listing) => self.first_unconfirmed(listing),
            None => self.tasks.iter().position(|task| task.action == Action::Confirm),
        };
        self.current = index.unwrap_or(0) as u16;
        self.trial().confirms = 0;
    }

    /// Whether all images were listed as confirmed when they were last seen.
    pub(super) fn is_confirmed(&self) -> bool {
        self.listing().is_some_and(|listing| self.first_unconfirmed(listing).is_none())
    }

    /// The caller's word on the new image.
    pub fn health(&mut self, talk: &mut Conversation, now: u64, healthy: bool) -> Result<(), Failure> {
        if self.step != Step::HealthCheck || self.outcome.is_some() {
            return Err(Status::WrongState.into());
        }
        if healthy && self.told.unlisted {
            // What answers has no list to look at again.
            self.succeed(talk, now);
            return Ok(());
        }
        if healthy {
            self.enter(talk, now, Step::ListHealthy);
            return Ok(());
        }
        self.trial().unhealthy = true;
        if self.is_confirmed() {
            let failure = self.found_unhealthy(NO_WAY_BACK);
            self.fail(now, failure);
            return Ok(());
        }
        // A reset takes the unconfirmed image out of service at once.
        self.forget_reboot();
        for task in &mut self.tasks {
            if task.action == Action::Confirm {
                task.action = Action::Boot;
            }
        }
        self.enter(talk, now, Step::Reset);
        Ok(())
    }

    pub(super) fn found_unhealthy(&self, what: &str) -> Failure {
        Failure::new(
            Status::HealthCheckFailed,
            format!("the caller found version {} unhealthy; {what}", self.version()),
        )
    }

    /// The caller said nothing in time.
    pub(super) fn health_unknown(&self) -> Failure {
        let left = if self.is_confirmed() {
            NO_WAY_BACK
        } else {
            "it was left unconfirmed and the next reset takes it back."
        };
        Failure::new(
            Status::HealthCheckFailed,
            format!(
                "the caller's health check of version {} did not end within {} s; {left}",
                self.version(),
                self.options.health_timeout_ms / 1_000
            ),
        )
    }

    /// The device may have rebooted while the caller looked.
    pub(super) fn verify_before_confirm(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        let confirmed = self.first_unconfirmed(&listing).is_none();
        self.keep_listing(listing);
        if confirmed {
            self.succeed(talk, now);
        } else {
            self.select_unconfirmed();
            self.enter(talk, now, Step::Confirm);
        }
        Ok(())
    }

    /// Old servers answer success whatever happened (Zephyr issue 56617), so the list decides: that of the answer itself, where it shows
    /// every image confirmed, or else the next one.
    pub(super) fn confirm_answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
        body: &[u8],
    ) -> Result<(), Failure> {
        if let Some(error) = error
            && error.is_common(rc::ACCESS_DENIED)
        {
            return Err(step::refused(error, "to confirm the image"));
        }
        self.refusal = error;
        if let Some(error) = error
            && self.tasks[self.current as usize].kind.confirm_refused(error).is_some()
        {
            let task = &mut self.tasks[self.current as usize];
            task.kind = task.kind.without_marks();
        }
        let listing =
            Listing::decode(body).ok().filter(|listing| error.is_none() && !listing.slots.is_empty());
        if let Some(listing) = listing.map(Listing::with_other_images_running)
            && self.check_running(&listing).is_ok()
            && self.first_unconfirmed(&listing).is_none()
        {
            self.keep_listing(listing);
            self.succeed(talk, now);
            return Ok(());
        }
        self.enter(talk, now, Step::ListConfirmed);
        Ok(())
    }

    pub(super) fn check_running(&self, listing: &Listing) -> Result<(), Failure> {
        match self.tasks.iter().find(|task| !self.runs_on(task, listing)) {
            None => Ok(()),
            Some(task) => {
                let before = self.before();
                Err(task.kind.failed(&self.ended(task, listing, before.as_ref())))
            }
        }
    }

    pub(super) fn verify_confirmed(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        let unconfirmed = self.first_unconfirmed(&listing);
        self.keep_listing(listing);
        let Some(index) = unconfirmed else {
            self.succeed(talk, now);
            return Ok(());
        };
        if let Some(failure) = self.unanswered() {
            return Err(failure);
        }
        if index == self.current as usize {
            let trial = self.trial();
            trial.confirms += 1;
            if trial.confirms >= MOST_CONFIRMS {
                return Err(self.not_confirmed());
            }
        } else {
            self.current = index as u16;
            self.trial().confirms = 0;
        }
        self.enter(talk, now, Step::Confirm);
        Ok(())
    }

    fn not_confirmed(&self) -> Failure {
        let what = self.tasks.get(self.current as usize).map_or_else(String::new, |task| self.title(task));
        let said = self.refusal.map_or_else(String::new, |error| format!(" ({error})"));
        let failure = Failure::new(
            Status::NotConfirmed,
            format!(
                "the device runs {what} and does not confirm it{said}; the next reset takes it back. Let the application \
                 confirm itself, or find out what the device waits for."
            ),
        );
        match self.refusal {
            Some(error) => failure.with_device(error),
            None => failure,
        }
    }
}
