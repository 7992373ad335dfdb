//! What is to be done for each image, from what the device lists. `docs/UPDATE.md` has the same as a table.

use super::boot_mode::BootMode;
use super::listing::{ListedSlot, Listing};
use super::options::{UpdateMode, UpdateOptions};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image, Version};
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
    /// The version to which the device goes back if the image is not confirmed; empty when it told none.
    pub from: Box<str>,
}

/// What decides beside the list.
pub(crate) struct Facts<'a> {
    pub options: &'a UpdateOptions,
    pub boot: BootMode,
    /// The greatest size that an upload may have, by image, where the device told slot sizes.
    pub slot_sizes: &'a [(u32, u32)],
    /// Upload whatever is listed.
    pub force: bool,
}

impl Facts<'_> {
    /// Whether the caller wants to be able to go back.
    fn wants_trial(&self) -> bool {
        self.options.mode == UpdateMode::TestOnly || self.options.health_check
    }
}

/// Chooses the images of `firmware` that fit the device and plans each of them.
pub(crate) fn plan(
    firmware: &Firmware,
    listing: &Listing,
    facts: &Facts<'_>,
) -> Result<Box<[Task]>, Failure> {
    let mut tasks: Vec<Task> = Vec::with_capacity(firmware.images.len());
    for (index, image) in firmware.images.iter().enumerate() {
        if !is_chosen(firmware, image, listing, facts) {
            continue;
        }
        check_number(image, listing, facts)?;
        let action = plan_one(image, listing, facts)?;
        if action == Action::Upload && facts.boot == BootMode::Single {
            return Err(Failure::new(
                Status::ImageUnsupported,
                format!(
                    "version {} cannot be installed beside the running image: the bootloader of this device has one \
                     slot only. Use its recovery mode.",
                    image.version
                ),
            ));
        }
        tasks.push(Task { index: index as u16, action, from: from(image, listing, facts) });
    }
    if tasks.is_empty() {
        return Err(Failure::new(
            Status::ImageUnsupported,
            "no image of the package is built for the slot that is free on this device; use the package that holds \
             both halves.",
        ));
    }
    check_trials(firmware, &tasks)?;
    Ok(tasks.into_boxed_slice())
}

/// The reset that one image needs would take back another that runs on trial.
fn check_trials(firmware: &Firmware, tasks: &[Task]) -> Result<(), Failure> {
    let of = |task: &Task| &firmware.images[task.index as usize];
    let trial = tasks.iter().find(|task| task.action == Action::Confirm);
    let other = tasks.iter().find(|task| !matches!(task.action, Action::Confirm | Action::Nothing));
    let (Some(trial), Some(other)) = (trial.map(of), other.map(of)) else { return Ok(()) };
    Err(in_use(format!(
        "version {} of image {} runs on trial, and the reset that version {} of image {} needs would take it back; \
         confirm it, or reset the device to go back, before this update.",
        trial.version, trial.image_number, other.version, other.image_number
    )))
}

/// Direct-XIP packages hold one image for each half of the flash.
///
/// What runs is what it is; otherwise the half that does not run is the one to fill. A bootloader that moves images starts
/// them from the primary half, whatever slot they were uploaded to.
fn is_chosen(firmware: &Firmware, image: &Image, listing: &Listing, facts: &Facts<'_>) -> bool {
    let Some(half) = image.slot else { return true };
    let active = listing.active(image.image_number);
    let runs = |image: &Image| active.is_some_and(|slot| slot.holds(image.running_hash().as_bytes()));
    if !facts.force && firmware.alternatives(image.image_number).any(runs) {
        return runs(image);
    }
    let wanted = match facts.boot {
        BootMode::Swap | BootMode::Overwrite | BootMode::Recovery | BootMode::FirmwareLoader => 0,
        _ => 1 - active.map_or(0, |slot| slot.slot % 2),
    };
    half % 2 == wanted
}

/// A server with one image ignores the image number and would take the network core's image for its own.
fn check_number(image: &Image, listing: &Listing, facts: &Facts<'_>) -> Result<(), Failure> {
    let number = image.image_number;
    let single = !listing.numbered && !listing.slots.is_empty();
    let unknown = !facts.slot_sizes.is_empty() && facts.slot_sizes.iter().all(|(known, _)| *known != number);
    if number == 0 || !(single || unknown) {
        return Ok(());
    }
    let has = if single { "has one image only" } else { "has no image of that number" };
    Err(Failure::new(
        Status::ImageUnsupported,
        format!(
            "the package holds version {} for image {number}, and the device {has}: it is made for another device.",
            image.version
        ),
    ))
}

/// The version to go back to: what runs, or what waits in the other slot while the image itself is on trial.
fn from(image: &Image, listing: &Listing, facts: &Facts<'_>) -> Box<str> {
    let number = image.image_number;
    let slot = match replaced(image, listing, facts) {
        Some(active) if active.holds(image.running_hash().as_bytes()) && !active.confirmed => {
            listing.others(number).find(|slot| slot.confirmed).or(Some(active))
        }
        other => other,
    };
    slot.map_or_else(Box::default, |slot| slot.version.clone())
}

/// The slot whose image is replaced by the update.
fn replaced<'a>(image: &Image, listing: &'a Listing, facts: &Facts<'_>) -> Option<&'a ListedSlot> {
    let number = image.image_number;
    match facts.boot {
        BootMode::Recovery => listing.slots.iter().find(|slot| slot.image == number && slot.slot == 0),
        BootMode::FirmwareLoader => listing.others(number).next(),
        _ => listing.active(number),
    }
}

fn plan_one(image: &Image, listing: &Listing, facts: &Facts<'_>) -> Result<Action, Failure> {
    let number = image.image_number;
    let mode = facts.options.mode;
    let replaced = replaced(image, listing, facts);
    let active = listing.active(number);
    let runs = active.is_some_and(|active| active.holds(image.running_hash().as_bytes()));
    // Where the bootloader chooses by itself, nothing is ever pending that could be in the way.
    let waiting = listing
        .others(number)
        .find(|slot| slot.pending && !listed_as(slot, image) && facts.boot != BootMode::FirmwareLoader);
    if let Some(waiting) = waiting
        && (!facts.options.erase_first || runs)
    {
        return Err(in_use(format!(
            "version {} waits in the slot for the next reset; reset the device or erase the slot first, then update to \
             version {}.",
            waiting.version, image.version
        )));
    }
    if let Some(active) = active
        && runs
        && !facts.force
    {
        let confirms = matches!(mode, UpdateMode::TestAndConfirm | UpdateMode::ConfirmAtOnce);
        return Ok(if !active.confirmed && confirms && facts.boot.reverts() {
            Action::Confirm
        } else {
            Action::Nothing
        });
    }
    if let Some(trial) = active.filter(|active| !active.confirmed && facts.boot.reverts())
        && listing.others(number).any(|slot| slot.confirmed)
    {
        return Err(in_use(format!(
            "the device runs version {} on trial and keeps the image it came from in the other slot; confirm the \
             running image, or reset the device to go back, before the update to version {}.",
            trial.version, image.version
        )));
    }
    check_version(image, replaced, facts.options)?;
    check_is_newest(image, active, facts)?;
    if !facts.force
        && let Some(action) = already_there(image, listing, facts)?
    {
        return Ok(action);
    }
    check_size(image, facts)?;
    Ok(Action::Upload)
}

/// What is left to do for an image that is uploaded already; `None` when it is not.
fn already_there(image: &Image, listing: &Listing, facts: &Facts<'_>) -> Result<Option<Action>, Failure> {
    let number = image.image_number;
    if facts.boot == BootMode::Recovery {
        let there = listing.slots.iter().any(|slot| slot.image == number && listed_as(slot, image));
        let only_upload = facts.options.mode == UpdateMode::UploadOnly;
        return Ok(there.then_some(if only_upload { Action::Nothing } else { Action::Boot }));
    }
    let Some(listed) = listing.others(number).find(|slot| listed_as(slot, image)) else { return Ok(None) };
    if facts.options.mode == UpdateMode::UploadOnly {
        return Ok(Some(Action::Nothing));
    }
    if !listed.pending {
        return Ok(Some(Action::Mark));
    }
    if listed.permanent && facts.boot.reverts() && facts.wants_trial() {
        if facts.options.erase_first {
            return Ok(None);
        }
        return Err(in_use(format!(
            "version {} is marked for good from an earlier try, so it cannot run on trial; erase the slot first, or \
             reset the device to install it.",
            listed.version
        )));
    }
    Ok(Some(Action::Boot))
}

fn in_use(sentence: String) -> Failure {
    Failure::new(Status::SlotInUse, sentence)
}

/// Whether a slot holds the image, as uploaded or as it runs; encrypted and plain form share the hash.
pub(super) fn listed_as(slot: &ListedSlot, image: &Image) -> bool {
    slot.holds(image.hash.as_bytes()) || slot.holds(image.running_hash().as_bytes())
}

/// Zephyr compares without the build number by default (`img_mgmt_vercmp`), and so does MCUboot.
fn key(version: &Version) -> (u8, u8, u16) {
    (version.major, version.minor, version.revision)
}

fn check_version(
    image: &Image,
    replaced: Option<&ListedSlot>,
    options: &UpdateOptions,
) -> Result<(), Failure> {
    if !options.upgrade_only {
        return Ok(());
    }
    let Some(old) = replaced.and_then(|slot| Version::parse(&slot.version)) else { return Ok(()) };
    if key(&image.version) > key(&old) {
        return Ok(());
    }
    Err(Failure::new(
        Status::DowngradeRefused,
        format!(
            "version {} is not newer than version {old} on the device, and the update was asked to upgrade only.",
            image.version
        ),
    ))
}

/// Where the bootloader starts the newest image, an older one would never run.
fn check_is_newest(image: &Image, active: Option<&ListedSlot>, facts: &Facts<'_>) -> Result<(), Failure> {
    if !facts.boot.starts_newest() || facts.options.mode == UpdateMode::UploadOnly {
        return Ok(());
    }
    let Some(running) = active.and_then(|slot| Version::parse(&slot.version)) else { return Ok(()) };
    if key(&image.version) >= key(&running) {
        return Ok(());
    }
    Err(Failure::new(
        Status::DowngradeRefused,
        format!(
            "version {} would never start: the bootloader of this device ({}) starts the newest image, and version \
             {running} runs.",
            image.version,
            facts.boot.name()
        ),
    ))
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
                "version {} has {} bytes and the slot of image {} takes {size}; build a smaller image.",
                image.version,
                image.length(),
                image.image_number
            ),
        ));
    }
    Ok(())
}
