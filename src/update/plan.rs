//! What is to be done for each image, from what the device lists.

use super::listing::{ListedSlot, Listing};
use super::options::{UpdateMode, UpdateOptions};
use crate::failure::{Failure, Finding};
use crate::firmware::{Firmware, Image, Version};
use crate::status::Status;

/// How the bootloader starts images (MCUboot `enum mcuboot_mode`, told by the bootloader-information command).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BootMode {
    Unknown = 0,
    /// One slot only: nothing can be installed beside the running image.
    Single = 1,
    /// Scratch, move or offset: test, trial, revert.
    Swap = 2,
    /// What is marked becomes permanent at once.
    Overwrite = 3,
    /// Images run where they lie; the bootloader starts the newest.
    DirectXip = 4,
    DirectXipWithRevert = 5,
    RamLoad = 6,
    FirmwareLoader = 7,
}

impl BootMode {
    /// The mode with this number of a snapshot.
    pub const fn from_saved(number: u8) -> Option<BootMode> {
        Some(match number {
            0 => BootMode::Unknown,
            1 => BootMode::Single,
            2 => BootMode::Swap,
            3 => BootMode::Overwrite,
            4 => BootMode::DirectXip,
            5 => BootMode::DirectXipWithRevert,
            6 => BootMode::RamLoad,
            7 => BootMode::FirmwareLoader,
            _ => return None,
        })
    }

    pub const fn from_number(number: i64) -> BootMode {
        match number {
            0 | 8 => BootMode::Single,
            1 | 3 | 9 => BootMode::Swap,
            2 => BootMode::Overwrite,
            4 => BootMode::DirectXip,
            5 => BootMode::DirectXipWithRevert,
            6 => BootMode::RamLoad,
            7 => BootMode::FirmwareLoader,
            _ => BootMode::Unknown,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            BootMode::Unknown => "unknown",
            BootMode::Single => "single",
            BootMode::Swap => "swap",
            BootMode::Overwrite => "overwrite",
            BootMode::DirectXip => "direct_xip",
            BootMode::DirectXipWithRevert => "direct_xip_revert",
            BootMode::RamLoad => "ram_load",
            BootMode::FirmwareLoader => "firmware_loader",
        }
    }

    /// Whether images are marked for the next boot at all; otherwise the bootloader chooses by version.
    pub const fn marks(self) -> bool {
        !matches!(self, BootMode::DirectXip | BootMode::RamLoad | BootMode::FirmwareLoader)
    }

    /// Whether an image runs on trial first and can go back.
    pub const fn reverts(self) -> bool {
        matches!(self, BootMode::Unknown | BootMode::Swap | BootMode::DirectXipWithRevert)
    }
}

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
            _ => return None,
        })
    }
}

/// One image of the update and what is to be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// The index in the firmware.
    pub index: u16,
    pub action: Action,
    /// The slot that was found to hold the image, or the one that the upload goes to.
    pub from: Box<str>,
}

/// What decides beside the list.
pub(crate) struct Facts<'a> {
    pub options: &'a UpdateOptions,
    pub boot: BootMode,
    /// The smallest size that an upload may have, by image, where the device told slot sizes.
    pub slot_sizes: &'a [(u32, u32)],
    /// Upload whatever is listed.
    pub force: bool,
}

/// Chooses the images of `firmware` that fit the device and plans each of them.
pub(crate) fn plan(
    firmware: &Firmware,
    listing: &Listing,
    facts: &Facts<'_>,
) -> Result<Box<[Task]>, Failure> {
    let mut tasks: Vec<Task> = Vec::with_capacity(firmware.images.len());
    for (index, image) in firmware.images.iter().enumerate() {
        if !fits_half(image, listing) {
            continue;
        }
        let from = listing.active(image.image_number).map_or(Box::from(""), |slot| slot.version.clone());
        let action = plan_one(image, listing, facts)?;
        tasks.push(Task { index: index as u16, action, from });
    }
    if tasks.is_empty() {
        return Err(Failure::new(
            Status::ImageUnsupported,
            "no image of the package is made for the slot that is free on this device.",
        ));
    }
    Ok(tasks.into_boxed_slice())
}

/// Direct-XIP packages hold one image for each half of the flash; only the one for the half that does not run can be used.
fn fits_half(image: &Image, listing: &Listing) -> bool {
    let Some(half) = image.slot else { return true };
    let running = listing.active(image.image_number).map_or(0, |slot| slot.slot);
    half % 2 != running % 2
}

fn plan_one(image: &Image, listing: &Listing, facts: &Facts<'_>) -> Result<Action, Failure> {
    let number = image.image_number;
    let hash = image.running_hash().as_bytes();
    let mode = facts.options.mode;
    let active = listing.active(number);
    if let Some(active) = active
        && active.holds(hash)
        && !facts.force
    {
        let confirms = matches!(mode, UpdateMode::TestAndConfirm | UpdateMode::ConfirmAtOnce);
        return Ok(if !active.confirmed && confirms && facts.boot.reverts() {
            Action::Confirm
        } else {
            Action::Nothing
        });
    }
    let trial = active.filter(|active| !active.confirmed && facts.boot.reverts());
    if let Some(listed) = listing.others(number).find(|slot| listed_as(slot, image))
        && !facts.force
        && trial.is_none()
    {
        if mode == UpdateMode::UploadOnly {
            return Ok(Action::Nothing);
        }
        if listed.pending && (mode != UpdateMode::ConfirmAtOnce || listed.permanent) {
            return Ok(Action::Boot);
        }
        return Ok(Action::Mark);
    }
    if let Some(trial) = trial
        && listing.others(number).any(|slot| slot.confirmed)
    {
        return Err(Failure::new(
            Status::SlotInUse,
            format!(
                "the device runs version {} on trial and keeps the image it came from in the other slot; confirm the \
                 running image or reset the device before another update.",
                trial.version
            ),
        ));
    }
    if let Some(pending) = listing.others(number).find(|slot| slot.pending && !slot.holds(hash))
        && !facts.options.erase_first
    {
        return Err(Failure::new(
            Status::SlotInUse,
            format!(
                "version {} waits in the slot for the next reset; reset the device, or erase the slot first.",
                pending.version
            ),
        ));
    }
    check_version(image, active, facts.options)?;
    check_size(image, facts)?;
    Ok(Action::Upload)
}

/// Whether a slot that does not run holds the image; encrypted and plain form share the hash.
fn listed_as(slot: &ListedSlot, image: &Image) -> bool {
    slot.holds(image.hash.as_bytes()) || slot.holds(image.running_hash().as_bytes())
}

fn check_version(image: &Image, active: Option<&ListedSlot>, options: &UpdateOptions) -> Result<(), Failure> {
    if !options.upgrade_only {
        return Ok(());
    }
    let Some(running) = active.and_then(|slot| Version::parse(&slot.version)) else { return Ok(()) };
    // Zephyr compares without the build number by default (`img_mgmt_vercmp`).
    let key = |version: &Version| (version.major, version.minor, version.revision);
    if key(&image.version) <= key(&running) {
        return Err(Failure::new(
            Status::DowngradeRefused,
            format!(
                "version {} is not newer than the running version {running}, and the update was asked to upgrade only.",
                image.version
            ),
        ));
    }
    Ok(())
}

fn check_size(image: &Image, facts: &Facts<'_>) -> Result<(), Failure> {
    let told =
        facts.slot_sizes.iter().find(|(number, _)| *number == image.image_number).map(|(_, size)| *size);
    let size = match (told, facts.options.slot_size) {
        (Some(told), 0) => told,
        (Some(told), given) => told.min(given),
        (None, 0) => return Ok(()),
        (None, given) => given,
    };
    if image.length() > size {
        // Old servers take what is too large, answer "success" and then stop answering (Zephyr issue 60899).
        return Err(Failure::new(
            Status::SlotTooSmall,
            format!(
                "the image has {} bytes and the slot of image {} {size}.",
                image.length(),
                image.image_number
            ),
        ));
    }
    Ok(())
}

/// What the device runs instead of the new image, in the words of an outcome.
///
/// `ran` says that the new image was seen running before.
pub(crate) fn not_running(image: &Image, before: &str, listing: &Listing, ran: bool) -> Failure {
    let number = image.image_number;
    let Some(active) = listing.active(number) else {
        return Failure::new(
            Status::Contradiction,
            format!("after the reset the device lists no active slot for image {number}."),
        );
    };
    if !before.is_empty() && *active.version != *before {
        return Failure::new(
            Status::WrongImageRunning,
            format!(
                "after the reset the device runs version {}, which is neither {} nor {before}.",
                active.version, image.version
            ),
        );
    }
    // A refused image is erased by MCUboot; one that ran and was swapped back is listed again, except with swap using
    // offset, where both slots then show the running image.
    let swapped_back = listing
        .others(number)
        .any(|slot| listed_as(slot, image) || (slot.hash.is_some() && slot.hash == active.hash));
    if ran || swapped_back {
        return Failure::new(
            Status::Reverted,
            format!("version {} ran on trial and the device went back to {}.", image.version, active.version),
        )
        .with_finding(Finding::NoConfirmation);
    }
    Failure::new(
        Status::NotSwapped,
        format!("after the reset the device still runs version {}, not {}.", active.version, image.version),
    )
    .with_finding(Finding::BootloaderRefused)
}
