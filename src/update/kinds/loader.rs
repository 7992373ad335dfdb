//! Firmware loader (MCUboot "firmware updater"): a loader in slot 1 takes uploads into slot 0, and a reset starts the application there.
//!
//! The running application is another server: it may have no image group at all, and the way to the loader is a reset with `boot_mode`
//! 1 (Zephyr `os_mgmt.c`, `CONFIG_MCUMGR_GRP_OS_RESET_BOOT_MODE`).

use super::{Doubt, Ended, Hold, Kind, Mark, Ran, Standing, View, rules, words};
use crate::failure::Failure;
use crate::update::UpdateMode;
use crate::update::listing::{ListedSlot, Listing};
use crate::update::plan::Action;

pub(super) struct Loader;
pub(super) static LOADER: Loader = Loader;

impl Kind for Loader {
    fn code(&self) -> u8 {
        7
    }

    fn name(&self) -> &'static str {
        "firmware_loader"
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        if view.active().is_some_and(|active| active.slot == 0) {
            // It is the application that answers.
            return match rules::runs_already(view, Hold::Confirmed) {
                Some(action) => Ok(action),
                None if view.options.enter_loader => Ok(Action::EnterLoader),
                None => Err(words::loader_needed(None)),
            };
        }
        rules::is_upgrade(view, self.replaced(view))?;
        if !view.force && view.others().any(|slot| rules::listed_as(slot, view.image)) {
            let only_upload = view.options.mode == UpdateMode::UploadOnly;
            return Ok(if only_upload { Action::Nothing } else { Action::Boot });
        }
        rules::fits(view, true)?;
        Ok(Action::Upload)
    }

    fn replaced<'a>(&self, view: &View<'a>) -> Option<&'a ListedSlot> {
        view.others().next()
    }

    fn landed(&self, _view: &View<'_>, _before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (Action::Boot, &LOADER)
    }

    fn mark(&self, _view: &View<'_>, _trial_only: bool) -> Mark {
        Mark::Nothing
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &LOADER
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &LOADER
    }

    fn standing(&self, view: &View<'_>) -> Standing {
        rules::standing_unmarked(view, self.stored(view), Hold::Confirmed)
    }

    fn ran(&self, view: &View<'_>, _before: Option<&Listing>) -> Ran {
        rules::ran_by_choice(view)
    }

    /// An application without image group: the loader is gone, and that is all that can be told.
    fn ran_unlisted(&self) -> Option<Ran> {
        Some(Ran::Untold(Doubt::NoList))
    }

    fn hold(&self, view: &View<'_>) -> Hold {
        match rules::hold(view) {
            // Without a trial the flag means nothing: "bare metal" builds never set it for what runs.
            Hold::OnTrial => Hold::Untold,
            hold => hold,
        }
    }

    fn never_reset(&self, _ended: &Ended<'_>) -> Option<Failure> {
        None
    }

    fn away(&self) -> &'static str {
        "The firmware loader started the application, or hangs: an application without SMP looks the same. Look at it by other means."
    }

    fn waiting(&self) -> &'static str {
        "uploaded"
    }
}
