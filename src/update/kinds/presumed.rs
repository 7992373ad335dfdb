//! Where the device tells too little, as NCS 2.1: taken for one that swaps until something else shows.

use super::{Ended, Fit, Hold, Kind, Mark, View, WayBack, in_place, recovery, rules, swap, words};
use crate::failure::Failure;
use crate::update::listing::Listing;
use crate::update::plan::Action;

pub(super) struct Presumed;
pub(super) static PRESUMED: Presumed = Presumed;

impl Kind for Presumed {
    fn code(&self) -> u8 {
        0
    }

    fn name(&self) -> &'static str {
        "unknown"
    }

    /// Halves are built for direct XIP alone, so the free slot decides.
    fn fit(&self, view: &View<'_>) -> Result<Fit, Failure> {
        rules::half(view, 1 - view.active().map_or(0, |slot| slot.slot % 2))
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        if view.image.slot.is_some() {
            // Its half was chosen for the slot that is free.
            return in_place::DIRECT_XIP_WITH_REVERT.plan(view);
        }
        swap::plan(view)
    }

    /// An image that runs without a reset of ours was started by the device itself, or written by recovery over the one that ran. An
    /// application's list mostly shows which. Where it could be either: after a swap the image from before lies in the other slot, or the new
    /// one is on trial; recovery leaves the other slot as it was.
    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        let action = swap::landed(view, before);
        let Some(running) = view.running().filter(|_| action == Action::Boot) else {
            return (action, &PRESUMED);
        };
        if view.listing.is_of_application() {
            return (action, &PRESUMED);
        }
        let old = before.and_then(|before| before.active(view.number));
        let moved = old.is_some_and(|old| {
            let holds = |slots: &Listing| slots.others(view.number).any(|slot| slot.hash == old.hash);
            old.hash.is_some() && holds(view.listing) && !before.is_some_and(holds)
        });
        if moved || !running.confirmed { (action, &PRESUMED) } else { (action, &recovery::RECOVERY) }
    }

    /// The command is missing where the bootloader chooses by version.
    fn way_back(&self, view: &View<'_>) -> WayBack {
        match self.mark(view, false) {
            Mark::Trial => WayBack::Unknown,
            _ => WayBack::None,
        }
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &in_place::DIRECT_XIP_WITHOUT_MARKS
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &PRESUMED
    }

    fn hold_unseen(&self) -> Hold {
        Hold::OnTrial
    }

    fn failed(&self, ended: &Ended<'_>) -> Failure {
        words::not_running(ended, rules::shows_return(ended))
    }
}
