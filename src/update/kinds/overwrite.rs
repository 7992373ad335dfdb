//! Overwrite only: what is marked is copied over the running image at the next boot, for good (MCUboot `docs/design.md`,
//! "Overwrite Modes"). There is no trial and no way back.

use super::{Hold, Kind, Mark, View, WayBack, rules, swap};
use crate::failure::Failure;
use crate::update::listing::Listing;
use crate::update::plan::Action;

pub(super) struct Overwrite;
pub(super) static OVERWRITE: Overwrite = Overwrite;

impl Kind for Overwrite {
    fn code(&self) -> u8 {
        3
    }

    fn name(&self) -> &'static str {
        "overwrite"
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        rules::runs_from_slot_0(view)?;
        rules::nothing_waits(view)?;
        if let Some(action) = rules::runs_already(view, Hold::Confirmed) {
            return Ok(action);
        }
        rules::is_upgrade(view, view.active())?;
        if let Some(action) = rules::lies_there(view, false)? {
            return Ok(action);
        }
        rules::fits(view, false)?;
        Ok(Action::Upload)
    }

    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (swap::landed(view, before), &OVERWRITE)
    }

    fn mark(&self, view: &View<'_>, trial_only: bool) -> Mark {
        rules::mark(view, trial_only, false)
    }

    fn way_back(&self, _view: &View<'_>) -> WayBack {
        WayBack::None
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &OVERWRITE
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &OVERWRITE
    }
}
