//! What is to be done for each image, from what the device lists. `docs/UPDATE.md` has the same as a table; the rows of a kind stand in
//! its file under `kinds/`.

use super::kinds::{self, Fit, Kind, View};
use super::listing::Listing;
use super::objections;
use super::options::UpdateOptions;
use super::told::Told;
use crate::failure::Failure;
use crate::firmware::{Firmware, FirmwareKind, Image};
use crate::status::Status;

/// What is to be done with one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Action {
    /// It is where it shall be.
    Nothing = 0,
    /// Upload it, then mark it.
    Upload = 1,
    /// It lies in the other slot already: mark it.
    Mark = 2,
    /// It is already marked: reset.
    Boot = 3,
    /// It runs on trial: confirm it.
    Confirm = 4,
    /// Another server of the device takes it: reset into that one, then plan again.
    EnterLoader = 5,
}

impl Action {
    /// The action with this number of a snapshot.
    pub const fn from_number(number: u8) -> Option<Action> {
        Some(match number {
            0 => Action::Nothing,
            1 => Action::Upload,
            2 => Action::Mark,
            3 => Action::Boot,
            4 => Action::Confirm,
            5 => Action::EnterLoader,
            _ => return None,
        })
    }
}

/// One image of the update and what is to be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// The index in the firmware.
    pub index: u16,
    /// The number of the image on the device.
    pub number: u32,
    pub action: Action,
    pub kind: &'static dyn Kind,
    /// Why it cannot be told that it runs.
    pub doubt: Option<kinds::Doubt>,
    /// The version to which the device goes back if the image is not confirmed; empty when it told none.
    pub from: Box<str>,
}

/// Chooses the images of `firmware` that fit the device and plans each of them.
pub(crate) fn plan(
    firmware: &Firmware,
    listing: &Listing,
    told: &Told,
    options: &UpdateOptions,
    force: bool,
) -> Result<Box<[Task]>, Failure> {
    let mut tasks: Vec<Task> = Vec::with_capacity(firmware.images.len());
    for (index, image) in firmware.images.iter().enumerate() {
        let number = number_of(image, firmware, listing);
        let view = View { firmware, image, number, listing, told, options, force };
        let kind = kinds::kind_of(&view)?;
        if let Fit::Other = kind.fit(&view)? {
            continue;
        }
        let action = kind.plan(&view)?;
        tasks.push(Task { index: index as u16, number, action, kind, doubt: None, from: from(kind, &view) });
    }
    if tasks.is_empty() {
        return Err(Failure::new(
            Status::ImageUnsupported,
            "no image of the package is built for the slot that is free on this device; use the package that holds \
             both halves.",
        ));
    }
    check_trials(firmware, &tasks)?;
    for task in &tasks {
        let image = &firmware.images[task.index as usize];
        let view = View { firmware, image, number: task.number, listing, told, options, force };
        objections::raise(&view, task, &tasks)?;
    }
    kinds::check_order(firmware, &tasks)?;
    Ok(tasks.into_boxed_slice())
}

/// The number of an image on the device. A single file tells none: where the device lists one image alone, and that by another number
/// than 0, it is that one.
fn number_of(image: &Image, firmware: &Firmware, listing: &Listing) -> u32 {
    let is_single = matches!(firmware.kind, FirmwareKind::Image);
    let listed = |number| listing.slots.iter().any(|slot| slot.image == number);
    match listing.slots.first() {
        Some(first) if is_single && listing.active(first.image).is_some() && !listed(0) => first.image,
        _ => image.image_number,
    }
}

/// The reset that one image needs would take back another that runs on trial.
fn check_trials(firmware: &Firmware, tasks: &[Task]) -> Result<(), Failure> {
    let trial = tasks.iter().find(|task| task.action == Action::Confirm);
    let other = tasks.iter().find(|task| !matches!(task.action, Action::Confirm | Action::Nothing));
    let (Some(trial), Some(other)) = (trial, other) else { return Ok(()) };
    Err(trial_in_the_way(firmware, trial, other))
}

/// One image runs on trial and another needs a reset.
pub(crate) fn trial_in_the_way(firmware: &Firmware, trial: &Task, other: &Task) -> Failure {
    let version = |task: &Task| firmware.images[task.index as usize].version;
    Failure::new(
        Status::SlotInUse,
        format!(
            "version {} of image {} runs on trial, and the reset that version {} of image {} needs would take it back; confirm it, or \
             reset the device to go back, before this update.",
            version(trial),
            trial.number,
            version(other),
            other.number
        ),
    )
}

/// The version to go back to: what runs, or what waits in the other slot while the image itself is on trial.
fn from(kind: &dyn Kind, view: &View<'_>) -> Box<str> {
    let slot = match kind.replaced(view) {
        Some(active) if view.running().is_some_and(|running| running == active) && !active.confirmed => {
            view.others().find(|slot| slot.confirmed).or(Some(active))
        }
        other => other,
    };
    slot.map_or_else(Box::default, |slot| slot.version.clone())
}
