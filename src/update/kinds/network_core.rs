//! The image of a network core, as on the nRF5340: MCUboot hands it to the other core, whose bootloader installs it (sdk-nrf
//! "Simultaneous multi-image DFU", `pcd`). Its primary slot is a place in RAM that no list shows, so after the reset the image has left
//! slot 1 and that is all there is to see.

use super::{Doubt, Fit, Hold, Kind, Ran, View, WayBack, rules, words};
use crate::failure::Failure;
use crate::update::listing::{ListedSlot, Listing};
use crate::update::plan::Action;

pub(super) struct NetworkCore;
pub(super) static NETWORK_CORE: NetworkCore = NetworkCore;

impl Kind for NetworkCore {
    fn code(&self) -> u8 {
        12
    }

    fn name(&self) -> &'static str {
        "network_core"
    }

    fn fit(&self, _view: &View<'_>) -> Result<Fit, Failure> {
        Ok(Fit::This)
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        rules::runs_from_slot_0(view)?;
        rules::nothing_waits(view)?;
        // Where it is listed after all, it is known to run.
        if let Some(action) = rules::runs_already(view, Hold::Confirmed) {
            return Ok(action);
        }
        rules::no_other_trial(view)?;
        if let Some(action) = rules::lies_there(view, false)? {
            return Ok(action);
        }
        rules::fits(view, false)?;
        Ok(Action::Upload)
    }

    /// In the slot of image 0 the version beside it is the application's.
    fn replaced<'a>(&self, view: &View<'a>) -> Option<&'a ListedSlot> {
        view.active().filter(|_| view.number != 0)
    }

    /// The device would compare it with the version of its application.
    fn address(&self, view: &View<'_>) -> Result<super::Address, Failure> {
        Ok(super::Address { number: view.number, in_every_chunk: false, upgrade: false })
    }

    fn landed(&self, _view: &View<'_>, _before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (Action::Mark, &NETWORK_CORE)
    }

    fn way_back(&self, _view: &View<'_>) -> WayBack {
        WayBack::None
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &NETWORK_CORE
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &NETWORK_CORE
    }

    fn ran(&self, view: &View<'_>, _before: Option<&Listing>) -> Ran {
        if let Some(ran) = rules::shown(view).filter(|_| view.number != 0) {
            return ran;
        }
        match view.others().find(|slot| rules::listed_as(slot, view.image)) {
            Some(slot) if slot.pending => Ran::NotYet,
            // Handed over, it may stay where it was, without its mark; one that is refused is erased.
            _ => Ran::Untold(Doubt::NotShown),
        }
    }

    /// What runs beside it, if anything is listed, is another image.
    fn hold(&self, view: &View<'_>) -> Hold {
        if view.running().is_some() { rules::hold(view) } else { Hold::Untold }
    }

    fn remark(&self, image: &crate::firmware::Image, number: u32, doubt: Doubt) -> String {
        words::network_core(image, number, doubt)
    }
}
