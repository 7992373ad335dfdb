//! Swap with scratch, by moving or with offset: images trade places, run on trial and go back unless they are confirmed (MCUboot
//! `docs/design.md`, "Swap"). It runs from slot 0, and slot 1 is filled.

use super::{Ended, Hold, Kind, View, rules, words};
use crate::failure::Failure;
use crate::update::listing::Listing;
use crate::update::plan::Action;

pub(super) struct Swap;
pub(super) static SWAP: Swap = Swap;

impl Kind for Swap {
    fn code(&self) -> u8 {
        2
    }

    fn name(&self) -> &'static str {
        "swap"
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        plan(view)
    }

    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (landed(view, before), &SWAP)
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &SWAP
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &SWAP
    }

    fn hold_unseen(&self) -> Hold {
        Hold::OnTrial
    }

    fn failed(&self, ended: &Ended<'_>) -> Failure {
        words::not_running(ended, rules::shows_return(ended))
    }
}

/// The plan for an image that trades places with the running one and has a trial.
pub(super) fn plan(view: &View<'_>) -> Result<Action, Failure> {
    rules::has_image(view)?;
    rules::runs_from_slot_0(view)?;
    rules::nothing_waits(view)?;
    if let Some(action) = rules::runs_already(view, rules::hold(view)) {
        return Ok(action);
    }
    rules::no_other_trial(view)?;
    rules::is_upgrade(view, view.active())?;
    if let Some(action) = rules::lies_there(view, true)? {
        return Ok(action);
    }
    rules::fits(view, false)?;
    Ok(Action::Upload)
}

/// What is left to do for an image that is listed: nothing where it runs and ran before, since a device finds images by their hash,
/// the running one first; no mark where the device started it by itself.
pub(super) fn landed(view: &View<'_>, before: Option<&Listing>) -> Action {
    match view.running() {
        Some(_) if before.is_some_and(|before| view.with(before).running().is_some()) => Action::Nothing,
        Some(_) => Action::Boot,
        None => Action::Mark,
    }
}
