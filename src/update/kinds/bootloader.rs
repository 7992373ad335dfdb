//! MCUboot itself, where an immutable bootloader (sdk-nrf `b0`, NSIB) starts it from one of two slots, S0 and S1. The file for the
//! slot that does not run goes through slot 1 of an image; NSIB starts the newer one at the next boot. No image list shows it: the query
//! `active_b0_slot` does, where the server has it (sdk-nrf `subsys/mgmt/mcumgr/grp/os_mgmt`).

use super::{Address, Doubt, Ended, Fit, Hold, Kind, Mark, Ran, View, WayBack, rules, words};
use crate::failure::Failure;
use crate::status::Status;
use crate::update::listing::{ListedSlot, Listing};
use crate::update::plan::Action;

pub(super) struct Bootloader;
pub(super) static BOOTLOADER: Bootloader = Bootloader;

impl Kind for Bootloader {
    fn code(&self) -> u8 {
        13
    }

    fn name(&self) -> &'static str {
        "bootloader"
    }

    /// The file for the slot that is not in use. Between two files nobody may guess: the wrong one is written over what runs.
    fn fit(&self, view: &View<'_>) -> Result<Fit, Failure> {
        let Some(half) = view.image.slot.map(|half| half % 2) else { return Ok(Fit::This) };
        let alone = view.firmware.alternatives(view.image.image_number).count() < 2;
        match view.told.b0_slot {
            Some(active) if active as u32 != half => Ok(Fit::This),
            Some(_) if !alone => Ok(Fit::Other),
            Some(active) => Err(Failure::new(
                Status::ImageUnsupported,
                format!(
                    "version {} of the bootloader is built for slot S{half}, and S{} is the one that runs; open the package or \
                     the file that is built for S{}.",
                    view.image.version,
                    active as u32,
                    1 - active as u32
                ),
            )),
            None if alone => Ok(Fit::This),
            None => Err(Failure::new(
                Status::ImageUnsupported,
                format!(
                    "the package holds version {} of the bootloader for S0 and for S1, and the device does not tell which of them runs \
                     (no query active_b0_slot); open the file for the slot that is not in use.",
                    view.image.version
                ),
            )),
        }
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        rules::runs_from_slot_0(view)?;
        rules::nothing_waits(view)?;
        rules::no_other_trial(view)?;
        if let Some(action) = rules::lies_there(view, false)? {
            return Ok(action);
        }
        rules::fits(view, false)?;
        Ok(Action::Upload)
    }

    /// The version that runs beside it is the application's.
    fn replaced<'a>(&self, _view: &View<'a>) -> Option<&'a ListedSlot> {
        None
    }

    fn address(&self, view: &View<'_>) -> Result<Address, Failure> {
        Ok(Address { number: view.number, in_every_chunk: false, upgrade: false })
    }

    fn landed(&self, _view: &View<'_>, _before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (Action::Mark, &BOOTLOADER)
    }

    /// There is no trial of a bootloader.
    fn mark(&self, _view: &View<'_>, trial_only: bool) -> Mark {
        if trial_only { Mark::Trial } else { Mark::ForGood }
    }

    fn way_back(&self, _view: &View<'_>) -> WayBack {
        WayBack::None
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &BOOTLOADER
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &BOOTLOADER
    }

    fn ran(&self, view: &View<'_>, _before: Option<&Listing>) -> Ran {
        match view.others().find(|slot| rules::listed_as(slot, view.image)) {
            Some(slot) if slot.pending => Ran::NotYet,
            Some(_) => Ran::No,
            None => match (view.told.b0_slot, view.told.b0_slot_after) {
                (Some(_), None) => Ran::AskB0,
                (Some(before), Some(Some(after))) if before != after => Ran::Yes,
                (Some(_), Some(Some(_))) => Ran::No,
                _ => Ran::Untold(Doubt::NotShown),
            },
        }
    }

    fn hold(&self, _view: &View<'_>) -> Hold {
        Hold::Untold
    }

    fn failed(&self, ended: &Ended<'_>) -> Failure {
        words::old_bootloader(ended)
    }

    fn remark(&self, image: &crate::firmware::Image, _number: u32, _doubt: Doubt) -> String {
        words::bootloader(image)
    }
}
