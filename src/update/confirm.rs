//! The caller's health check and the confirmation.

use super::plan::{self, Action};
use super::step::Step;
use super::{Listing, Update};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::status::Status;

impl Update {
    /// The first task whose image runs unconfirmed.
    pub(super) fn first_unconfirmed(&self, listing: &Listing) -> Option<usize> {
        self.tasks.iter().position(|task| {
            let image = self.task_image(task);
            listing.active(image.image_number).is_some_and(|active| !active.confirmed)
        })
    }

    pub(super) fn begin_confirm(&mut self, talk: &mut Conversation, now: u64) {
        if self.options.health_check {
            self.health_until = now.saturating_add(u64::from(self.options.health_timeout_ms));
            self.enter(talk, now, Step::HealthCheck);
        } else {
            self.select_unconfirmed();
            self.enter(talk, now, Step::Confirm);
        }
    }

    pub(super) fn select_unconfirmed(&mut self) {
        let index = match &self.listing {
            Some(listing) => self.first_unconfirmed(listing),
            None => self.tasks.iter().position(|task| task.action == Action::Confirm),
        };
        self.current = index.unwrap_or(0) as u16;
        self.confirms = 0;
    }

    /// The caller's word on the new image.
    pub fn health(&mut self, talk: &mut Conversation, now: u64, healthy: bool) -> Result<(), Failure> {
        if self.step != Step::HealthCheck || self.outcome.is_some() {
            return Err(Status::WrongState.into());
        }
        if healthy {
            self.enter(talk, now, Step::ListHealthy);
        } else {
            // A reset takes the unconfirmed image out of service at once.
            self.unhealthy = true;
            self.resets = 0;
            for task in &mut self.tasks {
                if task.action == Action::Confirm {
                    task.action = Action::Boot;
                }
            }
            self.enter(talk, now, Step::Reset);
        }
        Ok(())
    }

    /// The device may have rebooted while the caller looked.
    pub(super) fn verify_before_confirm(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        self.listing = Some(listing);
        self.select_unconfirmed();
        self.enter(talk, now, Step::Confirm);
        Ok(())
    }

    pub(super) fn check_running(&self, listing: &Listing) -> Result<(), Failure> {
        for task in self.tasks.iter().filter(|task| task.action == Action::Confirm) {
            let image = self.task_image(task);
            let runs = listing
                .active(image.image_number)
                .is_some_and(|active| active.holds(image.running_hash().as_bytes()));
            if !runs {
                return Err(plan::not_running(image, &task.from, listing, self.ran));
            }
        }
        Ok(())
    }

    pub(super) fn verify_confirmed(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        self.check_running(&listing)?;
        let unconfirmed = self.first_unconfirmed(&listing);
        self.listing = Some(listing);
        let Some(index) = unconfirmed else {
            self.succeed(talk, now);
            return Ok(());
        };
        if index == self.current as usize {
            self.confirms += 1;
            if self.confirms >= 3 {
                return Err(Failure::new(
                    Status::NotConfirmed,
                    "the device runs the new image and does not confirm it; it reverts at the next reset.",
                ));
            }
        } else {
            self.current = index as u16;
            self.confirms = 0;
        }
        self.enter(talk, now, Step::Confirm);
        Ok(())
    }
}
