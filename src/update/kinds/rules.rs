//! What several kinds share: the rows of a plan, and how a list is read.

use super::{Ended, Erase, Fit, Hold, Mark, Ran, Standing, Stored, View};
use crate::failure::Failure;
use crate::firmware::{Expected, Image, Version};
use crate::status::Status;
use crate::update::UpdateMode;
use crate::update::listing::ListedSlot;
use crate::update::plan::Action;

// ---- how a list is read

/// Whether a slot holds the image, as uploaded or as it runs; encrypted and plain form share the hash.
pub(super) fn listed_as(slot: &ListedSlot, image: &Image) -> bool {
    slot.holds(image.hash.as_bytes()) || slot.holds(image.running_hash().as_bytes())
}

/// Whether a slot that runs runs the image: by the hash or the version that the caller named, or else by the hash of the file.
pub(super) fn runs(image: &Image, slot: &ListedSlot) -> bool {
    match &image.expected {
        Some(Expected::Hash(hash)) => slot.holds(hash.as_bytes()),
        Some(Expected::Version(version)) => Version::parse(&slot.version).as_ref() == Some(version),
        None => slot.holds(image.running_hash().as_bytes()),
    }
}

/// How a listed version compares with that of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    Same,
    Different,
    /// The text is no version.
    Unknown,
}

/// Compares numbers, never text: recovery up to MCUboot 1.10 always writes four, later ones leave out a build number of 0, and one
/// release lost the dot before it (`boot_serial.c`, MCUboot commits e5c57dd1 and 827118f2).
pub(super) fn compare_versions(slot: &ListedSlot, image: &Image) -> Versions {
    let version = image.version;
    let Version { major, minor, revision, build } = version;
    if *slot.version == *format!("{major}.{minor}.{revision}{build}") && build != 0 {
        return Versions::Same;
    }
    let leading_zero = slot.version.split(['.', '+']).any(|part| part.len() > 1 && part.starts_with('0'));
    match Version::parse(&slot.version).filter(|_| !leading_zero) {
        Some(listed) if listed == version => Versions::Same,
        Some(_) => Versions::Different,
        None => Versions::Unknown,
    }
}

/// What slots show of an upload.
pub(super) fn stored_in<'a>(slots: impl Iterator<Item = &'a ListedSlot>, image: &Image) -> Stored {
    let mut stored = Stored::No;
    for slot in slots {
        if listed_as(slot, image) {
            return Stored::Yes;
        }
        if slot.hash.is_none() && compare_versions(slot, image) != Versions::Different {
            stored = Stored::Untold;
        }
    }
    stored
}

/// Whether the running image stays, by its flag.
pub(super) fn hold(view: &View<'_>) -> Hold {
    match view.active() {
        Some(active) if active.confirmed => Hold::Confirmed,
        Some(_) => Hold::OnTrial,
        None => Hold::Untold,
    }
}

/// Where an image stands that needs a mark.
pub(super) fn standing(view: &View<'_>, stored: Stored, hold: Hold) -> Standing {
    if let Some(standing) = running(view, hold) {
        standing
    } else if stored == Stored::No {
        Standing::Gone
    } else if view.others().all(|slot| !slot.pending && !slot.permanent) {
        Standing::Unmarked
    } else {
        Standing::Waits
    }
}

/// Where an image stands that needs none.
pub(super) fn standing_unmarked(view: &View<'_>, stored: Stored, hold: Hold) -> Standing {
    match running(view, hold) {
        Some(standing) => standing,
        None if stored == Stored::No => Standing::Gone,
        None => Standing::Waits,
    }
}

fn running(view: &View<'_>, hold: Hold) -> Option<Standing> {
    view.running().map(|_| if hold == Hold::OnTrial { Standing::OnTrial } else { Standing::Runs })
}

/// What a list after the reset shows of the running image; `None` when another one runs or none.
pub(super) fn shown(view: &View<'_>) -> Option<Ran> {
    if view.running().is_some() {
        return Some(Ran::Yes);
    }
    let active = view.active()?;
    // Without a hash the version is all there is.
    let same = active.hash.is_none() && compare_versions(active, view.image) == Versions::Same;
    same.then_some(Ran::Untold(super::Doubt::NoHash))
}

/// What a list after the reset shows where a mark waits for it.
pub(super) fn ran_when_marked(view: &View<'_>) -> Ran {
    let waits = |slot: &ListedSlot| {
        slot.pending
            && (listed_as(slot, view.image) || stored_in(std::iter::once(slot), view.image) != Stored::No)
    };
    match shown(view) {
        Some(ran) => ran,
        None if view.others().any(waits) => Ran::NotYet,
        None => Ran::No,
    }
}

/// What a list after the reset shows where the bootloader chooses by itself: nothing tells a device that has not reset from one
/// that chose the old image again.
pub(super) fn ran_by_choice(view: &View<'_>) -> Ran {
    shown(view).unwrap_or(if view.active().is_some() { Ran::NotYet } else { Ran::No })
}

/// Where images trade places, one that was taken back is listed in the other slot again; with swap using offset both slots list
/// the image that runs.
pub(super) fn shows_return(ended: &Ended<'_>) -> bool {
    let view = &ended.view;
    let active = view.active();
    ended.on_trial
        && view.others().any(|slot| {
            listed_as(slot, view.image)
                || (slot.hash.is_some() && active.is_some_and(|active| slot.hash == active.hash))
        })
}

// ---- which file, which slot, which mark

/// The file for a half of the flash, `wanted` unless one of the alternatives runs.
pub(super) fn half(view: &View<'_>, wanted: u32) -> Result<Fit, Failure> {
    let Some(half) = view.image.slot else { return Ok(Fit::This) };
    let mut alternatives = view.firmware.alternatives(view.image.image_number);
    let one_runs = alternatives.any(|image| view.active().is_some_and(|slot| runs(image, slot)));
    let fits = if one_runs && !view.force { view.running().is_some() } else { half % 2 == wanted };
    Ok(if fits { Fit::This } else { Fit::Other })
}

/// The slot beside the running one; image 0 is the server's default.
pub(super) fn other_slot(view: &View<'_>) -> Erase {
    let running = view.active().map_or(0, |slot| slot.slot);
    match view.number {
        0 => Erase::Servers,
        number => Erase::Slot(number * 2 + (1 - running % 2)),
    }
}

/// Over SMP only the image that the server itself runs in, image 0, can be confirmed after its trial (Zephyr answers
/// `IMAGE_CONFIRMATION_DENIED` for the others, NCS 2.1 has no way at all), so the others are confirmed as they are marked.
pub(super) fn mark(view: &View<'_>, trial_only: bool, has_trial: bool) -> Mark {
    let for_good = match view.options.mode {
        UpdateMode::ConfirmAtOnce => true,
        UpdateMode::TestAndConfirm => view.number != 0 && has_trial,
        UpdateMode::TestOnly | UpdateMode::UploadOnly => false,
    };
    if for_good && !trial_only { Mark::ForGood } else { Mark::Trial }
}

// ---- the rows of a plan: `Err` refuses, `Some` ends it

/// Whether the caller wants to be able to go back.
fn wants_trial(view: &View<'_>) -> bool {
    view.options.mode == UpdateMode::TestOnly || view.options.health_check
}

/// A bootloader that moves images starts them from slot 0. A server that lists another slot as running, or slot 0 as not running,
/// misjudges its slots, and its next upload may go over the code that runs (Zephyr issue 99762).
pub(super) fn runs_from_slot_0(view: &View<'_>) -> Result<(), Failure> {
    let number = view.number;
    let seen = match (view.active(), view.slot(0)) {
        (Some(active), _) if active.slot == 0 => return Ok(()),
        (Some(active), _) => format!("lists slot {} of image {number} as the one that runs", active.slot),
        (None, Some(_)) => format!("lists slot 0 of image {number} and does not say that it runs"),
        (None, None) => return Ok(()),
    };
    Err(Failure::new(
        Status::Contradiction,
        format!(
            "the device {seen}, although its bootloader starts images from slot 0: an upload could be written over the code that \
             runs, so nothing was sent. Zephyr 4.3 takes the wrong slot for the running one where the two lie on different flash \
             devices: update it through serial recovery or a debugger, or, if its bootloader runs images where they lie, say so \
             in boot_mode."
        ),
    ))
}

/// A server with one image ignores the image number and would take the network core's image for its own.
pub(super) fn has_image(view: &View<'_>) -> Result<(), Failure> {
    let number = view.number;
    let single = !view.listing.numbered && !view.listing.slots.is_empty();
    let unknown = view.told.knows_image(number) == Some(false);
    if number == 0 || !(single || unknown) || view.options.ignore_image_number {
        return Ok(());
    }
    let has = if single { "has one image only" } else { "has no image of that number" };
    Err(Failure::new(
        Status::ImageUnsupported,
        format!(
            "the package holds version {} for image {number}, and the device {has}: it is made for another device. If it takes that image all \
             the same, override this with ignore_image_number.",
            view.image.version
        ),
    ))
}

/// Another image waits for the next boot.
pub(super) fn nothing_waits(view: &View<'_>) -> Result<(), Failure> {
    let waiting = view.others().find(|slot| slot.pending && !listed_as(slot, view.image));
    let Some(waiting) = waiting else { return Ok(()) };
    if view.options.erase_first && view.running().is_none() {
        return Ok(());
    }
    Err(in_use(format!(
        "version {} is marked for the next boot and holds the slot, so version {} cannot be uploaded. {STAYS_MARKED}",
        waiting.version, view.image.version
    )))
}

/// The image runs already.
pub(super) fn runs_already(view: &View<'_>, hold: Hold) -> Option<Action> {
    view.running().filter(|_| !view.force)?;
    let confirms = matches!(view.options.mode, UpdateMode::TestAndConfirm | UpdateMode::ConfirmAtOnce);
    Some(if hold == Hold::OnTrial && confirms { Action::Confirm } else { Action::Nothing })
}

/// Another image runs on trial and keeps the slot of the one that it came from.
pub(super) fn no_other_trial(view: &View<'_>) -> Result<(), Failure> {
    let Some(trial) = view.active().filter(|active| !active.confirmed) else { return Ok(()) };
    if !view.others().any(|slot| slot.confirmed) {
        return Ok(());
    }
    Err(in_use(format!(
        "the device runs version {} on trial and keeps the image it came from in the other slot; confirm the running image, or \
         reset the device to go back, before the update to version {}.",
        trial.version, view.image.version
    )))
}

/// Zephyr compares without the build number by default (`img_mgmt_vercmp`), and so does MCUboot.
fn key(version: &Version) -> (u8, u8, u16) {
    (version.major, version.minor, version.revision)
}

/// Upgrade only: the image has to be newer than the one it replaces.
pub(super) fn is_upgrade(view: &View<'_>, replaced: Option<&ListedSlot>) -> Result<(), Failure> {
    if !view.options.upgrade_only {
        return Ok(());
    }
    let Some(old) = replaced.and_then(|slot| Version::parse(&slot.version)) else { return Ok(()) };
    if key(&view.image.version) > key(&old) {
        return Ok(());
    }
    Err(Failure::new(
        Status::DowngradeRefused,
        format!(
            "version {} is not newer than version {old} on the device, and the update was asked to upgrade only.",
            view.image.version
        ),
    ))
}

/// Where the bootloader starts the newest image, an older one would never run, nor one of the same version in slot 1: of equals
/// the first is started (MCUboot `find_slot_with_highest_version`). Whether the build number counts is a choice of its build
/// (`MCUBOOT_VERSION_CMP_USE_BUILD_NUMBER`), and off by default.
pub(super) fn is_newest(view: &View<'_>, name: &str) -> Result<(), Failure> {
    if view.options.mode == UpdateMode::UploadOnly {
        return Ok(());
    }
    let Some(active) = view.active() else { return Ok(()) };
    let Some(running) = Version::parse(&active.version) else { return Ok(()) };
    let version = &view.image.version;
    let higher_build = version.build > running.build;
    let starts = match key(version).cmp(&key(&running)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => active.slot != 0 || (higher_build && view.force),
        std::cmp::Ordering::Less => false,
    };
    if starts || view.options.ignore_version {
        return Ok(());
    }
    let (why, what) = match key(version) == key(&running) {
        true if higher_build => (
            "starts the newest image and of equal versions the one in slot 0, where version",
            " The build number counts only with MCUBOOT_VERSION_CMP_USE_BUILD_NUMBER: if this bootloader has that, force_upload sends the \
             image; else give it a higher version.",
        ),
        true => (
            "starts the newest image and of equal versions the one in slot 0, where version",
            " Give the image a higher version.",
        ),
        false => ("starts the newest image, and version", ""),
    };
    Err(Failure::new(
        Status::DowngradeRefused,
        format!(
            "version {version} would never start: the bootloader of this device ({name}) {why} {running} runs.{what} To send it all \
             the same, override this with ignore_version."
        ),
    ))
}

/// Whether a bootloader that starts the newest image may start this one beside the one that runs, whether it counts the build number or not.
pub(super) fn may_be_newest(view: &View<'_>) -> bool {
    let Some(active) = view.active() else { return true };
    let Some(running) = Version::parse(&active.version) else { return true };
    let version = &view.image.version;
    match key(version).cmp(&key(&running)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => active.slot != 0 || version.build > running.build,
        std::cmp::Ordering::Less => false,
    }
}

/// The image was uploaded before.
pub(super) fn lies_there(view: &View<'_>, has_trial: bool) -> Result<Option<Action>, Failure> {
    if view.force {
        return Ok(None);
    }
    let Some(listed) = view.others().find(|slot| listed_as(slot, view.image)) else { return Ok(None) };
    if view.options.mode == UpdateMode::UploadOnly {
        return Ok(Some(Action::Nothing));
    }
    if !listed.pending {
        return Ok(Some(Action::Mark));
    }
    if listed.permanent && has_trial && wants_trial(view) {
        if view.options.erase_first {
            return Ok(None);
        }
        return Err(in_use(format!(
            "version {} is marked for good from an earlier try, so it cannot run on trial; erase the slot first, or reset the device \
             to install it.",
            listed.version
        )));
    }
    Ok(Some(Action::Boot))
}

/// The image has to fit; `in_place` says that it stays where it is uploaded to, so that the smaller slot is no obstacle.
///
/// Old servers take what is too large, answer "success" and then stop answering (Zephyr issue 60899).
pub(super) fn fits(view: &View<'_>, in_place: bool) -> Result<(), Failure> {
    let sizes = view.told.sizes(view.number);
    let told = view.told.limit(view.number).or(if in_place { sizes.max() } else { sizes.min() });
    let size = match (told, view.options.slot_size) {
        (Some(told), 0) => told,
        (Some(told), given) => told.min(given),
        (None, 0) => return Ok(()),
        (None, given) => given,
    };
    let length = super::super::payload::length(view.image, view.options);
    if length <= size || view.options.ignore_size {
        return Ok(());
    }
    Err(Failure::new(
        Status::SlotTooSmall,
        format!(
            "version {} has {length} bytes and the slot of image {} takes {size}; build a smaller image, or override this with ignore_size if \
             that figure is wrong.",
            view.image.version, view.number
        ),
    ))
}

/// What to do about a mark that does not go away.
pub(crate) const STAYS_MARKED: &str = "The next boot starts it. If the device was reset since it was marked, its bootloader does not perform the \
     swap and no further reset clears the mark: the server erases such a slot only with CONFIG_MCUMGR_GRP_IMG_ALLOW_ERASE_PENDING; else use \
     serial recovery or a debugger.";

pub(super) fn in_use(sentence: String) -> Failure {
    Failure::new(Status::SlotInUse, sentence)
}
