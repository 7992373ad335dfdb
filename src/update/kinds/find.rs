//! Which kind an image is on a device. Everything that tells one kind from another stands here.

use super::{
    Kind, View, bootloader, in_place, loader, network_core, overwrite, presumed, recovery, single, swap,
    words,
};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image};
use crate::status::Status;
use crate::update::listing::Listing;
use crate::update::options::{UpdateMode, UpdateOptions};
use crate::update::step::Step;
use crate::update::told::{BootMode, Told};

/// The kind of an image. `Err` where the server that answers cannot take it at all.
pub(crate) fn kind_of(view: &View<'_>) -> Result<&'static dyn Kind, Failure> {
    let image = view.image;
    if is_recovery(view.told, view.listing) {
        // It would be written over the application.
        if image.is_bootloader() || (view.number == 0 && image.is_network_core()) {
            return Err(words::not_in_recovery(image));
        }
        return Ok(&recovery::RECOVERY);
    }
    Ok(match view.told.boot {
        BootMode::Single => &single::SINGLE,
        BootMode::FirmwareLoader => &loader::LOADER,
        _ if image.is_bootloader() => &bootloader::BOOTLOADER,
        _ if image.is_network_core() || has_hidden_primary(view) => &network_core::NETWORK_CORE,
        mode => kind_of_mode(mode, view.told),
    })
}

fn kind_of_mode(mode: BootMode, told: &Told) -> &'static dyn Kind {
    match mode {
        BootMode::Unknown if told.markless == Some(true) => &in_place::DIRECT_XIP_WITHOUT_MARKS,
        BootMode::Unknown => &presumed::PRESUMED,
        BootMode::Single => &single::SINGLE,
        BootMode::Swap => &swap::SWAP,
        BootMode::Overwrite => &overwrite::OVERWRITE,
        BootMode::DirectXip => &in_place::DIRECT_XIP,
        BootMode::DirectXipWithRevert => &in_place::DIRECT_XIP_WITH_REVERT,
        BootMode::RamLoad => &in_place::RAM_LOAD,
        BootMode::FirmwareLoader => &loader::LOADER,
    }
}

/// Serial recovery lists no flags, or writes them before the slot, and tells neither its boot mode nor, without direct upload, a number
/// for slot 0 (`boot_serial.c`, `bs_list` and `bs_slot_info`).
fn is_recovery(told: &Told, listing: &Listing) -> bool {
    if told.unlisted {
        return true;
    }
    if told.tells_of_itself() || !listing.is_of_recovery() {
        return false;
    }
    let numbers_slots = told.upload_number(0, 0).is_some() && told.upload_number(0, 1).is_some();
    !told.tells_slots() || !listing.slots.is_empty() || numbers_slots
}

/// An image beside the application whose primary slot no list shows, as a network core's in RAM.
fn has_hidden_primary(view: &View<'_>) -> bool {
    let swaps = matches!(view.told.boot, BootMode::Unknown | BootMode::Swap | BootMode::Overwrite);
    view.number != 0
        && swaps
        && view.image.slot.is_none()
        && view.listing.active(0).is_some()
        && view.slot(0).is_none()
        && view.active().is_none()
}

/// The name of the boot mode where no image was planned.
pub(crate) fn boot_name(told: &Told, listing: &Listing) -> &'static str {
    if is_recovery(told, listing) { recovery::RECOVERY.name() } else { kind_of_mode(told.boot, told).name() }
}

/// The kind of what only a loader takes.
pub(crate) fn behind_loader() -> &'static dyn Kind {
    &loader::LOADER
}

/// What has to be asked before the plan, for these images on this device.
pub(crate) fn open_question(firmware: &Firmware, listing: &Listing, told: &Told) -> Option<Step> {
    if is_recovery(told, listing) {
        return None;
    }
    if !told.b0_asked && firmware.images.iter().any(Image::is_bootloader) {
        return Some(Step::B0Slot);
    }
    // A device that runs slot 1 either runs images where they lie, or misjudges its slots. Where nothing else tells, the missing command to
    // mark with tells the first; what is asked changes nothing where there is one.
    let runs_elsewhere = |image: &Image| {
        image.slot.is_none() && listing.active(image.image_number).is_some_and(|slot| slot.slot != 0)
    };
    let open = told.boot == BootMode::Unknown && told.markless.is_none();
    (open && firmware.images.iter().any(runs_elsewhere)).then_some(Step::MarkProbe)
}

/// What is done where the list is refused as unknown.
pub(crate) enum WithoutList {
    /// The application that runs after the reset has the last word.
    GoOn,
    EnterLoader,
}

/// What a device without a list is. `None` where its kind has one.
pub(crate) fn without_list(told: &Told, options: &UpdateOptions) -> Option<Result<WithoutList, Failure>> {
    match told.boot {
        BootMode::FirmwareLoader if options.enter_loader => Some(Ok(WithoutList::EnterLoader)),
        BootMode::FirmwareLoader => Some(Err(words::loader_needed(None))),
        BootMode::Unknown if told.boot_known => None,
        BootMode::Unknown if options.mode == UpdateMode::UploadOnly => Some(Err(Failure::new(
            Status::NotSupported,
            "the device does not list its images, so an upload alone could not be verified; let the update reset it, then its application \
             tells what runs.",
        ))),
        BootMode::Unknown => Some(Ok(WithoutList::GoOn)),
        _ => None,
    }
}
