//! One slot: nothing can be installed beside the running image (MCUboot `CONFIG_SINGLE_APPLICATION_SLOT`).

use super::{Hold, Kind, View, WayBack, rules, swap};
use crate::failure::Failure;
use crate::status::Status;
use crate::update::listing::Listing;
use crate::update::plan::Action;

pub(super) struct Single;
pub(super) static SINGLE: Single = Single;

impl Kind for Single {
    fn code(&self) -> u8 {
        1
    }

    fn name(&self) -> &'static str {
        "single"
    }

    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        if let Some(action) = rules::runs_already(view, Hold::Confirmed) {
            return Ok(action);
        }
        Err(Failure::new(
            Status::ImageUnsupported,
            format!(
                "version {} cannot be installed beside the running image: the bootloader of this device has one slot only. Use its \
                 recovery mode.",
                view.image.version
            ),
        ))
    }

    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (swap::landed(view, before), &SINGLE)
    }

    fn way_back(&self, _view: &View<'_>) -> WayBack {
        WayBack::None
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &SINGLE
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &SINGLE
    }

    fn hold(&self, view: &View<'_>) -> Hold {
        match rules::hold(view) {
            // Without a trial the flag means nothing: "bare metal" builds never set it for what runs.
            Hold::OnTrial => Hold::Untold,
            hold => hold,
        }
    }
}
