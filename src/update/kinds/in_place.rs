//! Direct XIP and RAM load: the newest image is started where it lies, or copied to RAM (MCUboot `docs/design.md`, "Direct Execute
//! In Place" and "RAM Load"). The slot that does not run is filled, whichever it is.
//!
//! Built with revert, a new image has to be marked, runs on trial and goes back. Direct XIP tells that by a number of its own, RAM load
//! does not (Zephyr `CONFIG_MCUBOOT_BOOTLOADER_MODE_RAM_LOAD_WITH_REVERT`): where it is not told, the mark is tried, and a server
//! without the command needs none.

use super::{Ended, Fit, Hold, Kind, Mark, Ran, Standing, View, WayBack, presumed, rules, swap, words};
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::smp::error::rc;
use crate::update::UpdateMode;
use crate::update::listing::Listing;
use crate::update::plan::Action;
use crate::update::told::BootMode;

/// What is known of the build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Revert {
    Told,
    Untold,
    /// The server took the mark although it did not tell.
    Found,
    None,
}

pub(super) struct InPlace {
    code: u8,
    name: &'static str,
    revert: Revert,
    /// The kinds that it may turn out to be.
    without: &'static InPlace,
    with: &'static InPlace,
}

pub(super) static DIRECT_XIP: InPlace = InPlace {
    code: 4,
    name: "direct_xip",
    revert: Revert::Untold,
    without: &DIRECT_XIP_WITHOUT_MARKS,
    with: &DIRECT_XIP_WITH_REVERT,
};
pub(super) static DIRECT_XIP_WITHOUT_MARKS: InPlace = InPlace {
    code: 9,
    name: "direct_xip",
    revert: Revert::None,
    without: &DIRECT_XIP_WITHOUT_MARKS,
    with: &DIRECT_XIP_WITHOUT_MARKS,
};
pub(super) static DIRECT_XIP_WITH_REVERT: InPlace = InPlace {
    code: 5,
    name: "direct_xip_revert",
    revert: Revert::Told,
    without: &DIRECT_XIP_WITHOUT_MARKS,
    with: &DIRECT_XIP_WITH_REVERT,
};
pub(super) static RAM_LOAD: InPlace = InPlace {
    code: 6,
    name: "ram_load",
    revert: Revert::Untold,
    without: &RAM_LOAD_WITHOUT_MARKS,
    with: &RAM_LOAD_WITH_REVERT,
};
pub(super) static RAM_LOAD_WITHOUT_MARKS: InPlace = InPlace {
    code: 10,
    name: "ram_load",
    revert: Revert::None,
    without: &RAM_LOAD_WITHOUT_MARKS,
    with: &RAM_LOAD_WITHOUT_MARKS,
};
pub(super) static RAM_LOAD_WITH_REVERT: InPlace = InPlace {
    code: 11,
    name: "ram_load_revert",
    revert: Revert::Found,
    without: &RAM_LOAD_WITHOUT_MARKS,
    with: &RAM_LOAD_WITH_REVERT,
};

impl InPlace {
    fn reverts(&self) -> bool {
        matches!(self.revert, Revert::Told | Revert::Found)
    }
}

impl Kind for InPlace {
    fn code(&self) -> u8 {
        self.code
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn fit(&self, view: &View<'_>) -> Result<Fit, Failure> {
        rules::half(view, 1 - view.active().map_or(0, |slot| slot.slot % 2))
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        words::something_runs(view)?;
        // A mark that a bootloader without marks was left with is never cleared, and nothing waits for it (MCUboot issue 1856).
        if self.revert == Revert::Told {
            rules::nothing_waits(view)?;
        }
        if let Some(action) = rules::runs_already(view, self.hold(view)) {
            return Ok(action);
        }
        if self.revert != Revert::None {
            rules::no_other_trial(view)?;
        }
        rules::is_upgrade(view, view.active())?;
        rules::is_newest(view, self.name)?;
        if let Some(action) = rules::lies_there(view, self.reverts())? {
            return Ok(action);
        }
        rules::fits(view, true)?;
        Ok(Action::Upload)
    }

    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (swap::landed(view, before), ALL[self.place()])
    }

    fn mark(&self, view: &View<'_>, trial_only: bool) -> Mark {
        if self.revert == Revert::None { Mark::Nothing } else { rules::mark(view, trial_only, true) }
    }

    fn way_back(&self, view: &View<'_>) -> WayBack {
        match self.mark(view, false) {
            Mark::Trial if !self.reverts() => WayBack::Unknown,
            Mark::Trial => WayBack::UntilConfirmed,
            _ => WayBack::None,
        }
    }

    fn without_marks(&self) -> &'static dyn Kind {
        self.without
    }

    fn with_marks(&self) -> &'static dyn Kind {
        self.with
    }

    /// Where the mode is not told, the missing command alone spoke for this kind. From slot 0 an image was sent to slot 1, and one that then runs
    /// from slot 0 was moved there, as this kind never does: the device marks by itself.
    fn once_it_runs(&self, view: &View<'_>) -> Option<&'static dyn Kind> {
        let ran_slot_0 = view.told.markless != Some(true) && view.image.slot.is_none();
        let guessed = self.revert == Revert::None && view.told.boot == BootMode::Unknown && ran_slot_0;
        let moved = view.running().is_some_and(|slot| slot.slot == 0);
        if guessed && moved { Some(&presumed::PRESUMED) } else { None }
    }

    /// No bootloader that chooses by version starts an older image. Where the mode is told, the plan has refused it; else it is sent again
    /// before any reset, since a device that marks by itself does so behind an upload.
    fn unmarked(&self, view: &View<'_>) -> Action {
        let told = view.told.boot != BootMode::Unknown;
        if told || rules::may_be_newest(view) { Action::Boot } else { Action::Upload }
    }

    fn standing(&self, view: &View<'_>) -> Standing {
        match self.revert {
            Revert::Told => rules::standing(view, self.stored(view), self.hold(view)),
            _ => rules::standing_unmarked(view, self.stored(view), self.hold(view)),
        }
    }

    fn ran(&self, view: &View<'_>, _before: Option<&Listing>) -> Ran {
        match self.revert {
            Revert::Told | Revert::Found => rules::ran_when_marked(view),
            Revert::Untold | Revert::None => rules::ran_by_choice(view),
        }
    }

    fn hold(&self, view: &View<'_>) -> Hold {
        match rules::hold(view) {
            Hold::OnTrial if self.revert == Revert::None => Hold::Untold,
            // Zephyr 4.3 and 4.4 list a trial of RAM load as confirmed, and the image that it came from as pending (Zephyr issue 107960).
            Hold::Confirmed
                if self.revert == Revert::Found
                    && view.options.mode != UpdateMode::ConfirmAtOnce
                    && view.others().any(|slot| slot.pending) =>
            {
                Hold::OnTrial
            }
            hold => hold,
        }
    }

    fn hold_unseen(&self) -> Hold {
        if self.reverts() { Hold::OnTrial } else { Hold::Untold }
    }

    /// A server without the command has a bootloader without a trial.
    fn confirm_refused(&self, error: DeviceError) -> Option<Hold> {
        (self.revert != Revert::Told && error.is_common(rc::NOT_SUPPORTED)).then_some(Hold::Confirmed)
    }

    fn never_reset(&self, ended: &Ended<'_>) -> Option<Failure> {
        self.reverts().then(|| words::swap_not_performed(ended))
    }

    fn waiting(&self) -> &'static str {
        if self.reverts() { "uploaded and marked" } else { "uploaded" }
    }
}

static ALL: [&InPlace; 6] = [
    &DIRECT_XIP,
    &DIRECT_XIP_WITHOUT_MARKS,
    &DIRECT_XIP_WITH_REVERT,
    &RAM_LOAD,
    &RAM_LOAD_WITHOUT_MARKS,
    &RAM_LOAD_WITH_REVERT,
];

impl InPlace {
    fn place(&self) -> usize {
        ALL.iter().position(|kind| kind.code == self.code).unwrap_or(0)
    }
}
