//! What is said of contradictions, of images that do not run, and of what cannot be told.

use super::{Doubt, Ended, View, rules};
use crate::failure::{Failure, Finding};
use crate::firmware::{Firmware, Image};
use crate::smp::DeviceError;
use crate::status::Status;
use crate::update::listing::Listing;
use crate::update::plan::Task;

/// Where images run where they lie, one of the listed slots has to run.
pub(super) fn something_runs(view: &View<'_>) -> Result<(), Failure> {
    if view.active().is_some() || view.slot(0).is_none() || view.slot(1).is_none() {
        return Ok(());
    }
    Err(Failure::new(
        Status::Contradiction,
        format!(
            "the device lists both slots of image {} and says of neither that it runs: an upload could be written over the code that \
             runs, so nothing was sent. Look at the device by other means.",
            view.number
        ),
    ))
}

/// The application of a firmware loader answers, and cannot take an image.
pub(crate) fn loader_needed(error: Option<DeviceError>) -> Failure {
    let failure = Failure::new(
        Status::NotSupported,
        "the application answers, and the firmware loader takes uploads: reset the device with boot_mode 1, connect to the loader (it may \
         have another address or name) and update again, or let the update do that (enter_loader).",
    );
    match error {
        Some(error) => failure.with_device(error),
        None => failure,
    }
}

pub(super) fn not_in_recovery(image: &Image) -> Failure {
    let what = if image.is_bootloader() { "the bootloader" } else { "the network core" };
    Failure::new(
        Status::ImageUnsupported,
        format!(
            "version {} is built for {what}, and the device is in serial recovery, which would write it over the application; update it \
             from the running application.",
            image.version
        ),
    )
}

pub(super) fn marked_too_early(firmware: &Firmware, application: &Task, core: &Task) -> Failure {
    let version = |task: &Task| firmware.images[task.index as usize].version;
    rules::in_use(format!(
        "version {} of the application is marked for the next boot already, and a network core that is marked after it may be skipped \
         (bootloaders of nRF Connect SDK 2.6 to 3.4), so that version {} of image {} would be left out. Let the application start by itself \
         if it runs with the network core that is there, or erase its slot; then update again.",
        version(application),
        version(core),
        core.number
    ))
}

pub(super) fn number_refused(view: &View<'_>, number: u32, failure: Failure) -> Failure {
    Failure {
        status: Status::ImageUnsupported,
        sentence: format!(
            "serial recovery does not take upload number {number}, which the package names for image {}: either it counts images instead of \
             slots, or version {} is too large for its slot. Update that image from the running application. {}",
            view.number, view.image.version, failure.sentence
        ),
        ..failure
    }
}

/// The version that runs after the reset.
pub(crate) fn running(listing: &Listing, number: u32) -> String {
    listing.active(number).map_or_else(|| "?".to_owned(), |slot| slot.version.to_string())
}

pub(super) fn stays_in_recovery(ended: &Ended<'_>) -> Failure {
    Failure::new(
        Status::NotSwapped,
        format!(
            "the device was asked {} times to reset and is still in its recovery mode; version {} lies in its slot. Release the button or \
             pin that holds it there and reset it. It also stays there where the bootloader refuses the image: look at its signature.",
            ended.resets, ended.view.image.version
        ),
    )
}

/// The mark is there, and however often the device was asked to reset, it stays there.
pub(super) fn swap_not_performed(ended: &Ended<'_>) -> Failure {
    Failure::new(
        Status::NotSwapped,
        format!(
            "the device was asked {} times to reset and still runs version {}; version {} stays marked for the next boot.",
            ended.resets,
            running(ended.view.listing, ended.view.number),
            ended.view.image.version
        ),
    )
    .with_finding(Finding::SwapNotPerformed)
}

/// What the device runs instead of the new image. `returned` says that the list shows an image that was taken back.
pub(super) fn not_running(ended: &Ended<'_>, returned: bool) -> Failure {
    let view = &ended.view;
    let (number, version) = (view.number, &view.image.version);
    let what = &ended.title;
    if view.listing.is_of_recovery() && !view.listing.slots.is_empty() {
        return Failure::new(
            Status::NotSwapped,
            format!(
                "after the reset the bootloader itself answers, in its serial recovery: it started neither {what} nor the old image. \
                 Update again, which goes through recovery then."
            ),
        );
    }
    let Some(active) = view.active() else {
        return Failure::new(
            Status::Contradiction,
            format!(
                "after the reset the device lists no active slot for image {number}, so that it cannot be told whether version {version} \
                 runs."
            ),
        );
    };
    let runs = &active.version;
    // A new build of the same version is told from the old one by its hash alone.
    let ran_before = match ended.before.and_then(|before| before.active(number)) {
        Some(slot) if slot.hash.is_some() => slot.hash == active.hash,
        _ => **runs == *ended.from,
    };
    if **runs == *version.device_text() && !ran_before {
        return Failure::new(
            Status::WrongImageRunning,
            format!(
                "after the reset the device runs another image than the one that was sent, although it is a version {runs} too: the \
                 hashes differ. Either the device makes the image that runs from the one that is sent (a delta, compression, encryption): \
                 then name the hash or version that shall run. Or look who else updates this device."
            ),
        )
        .with_finding(Finding::HashChanged);
    }
    if !ended.from.is_empty() && **runs != *ended.from {
        return Failure::new(
            Status::WrongImageRunning,
            format!(
                "after the reset the device runs version {runs}, which is neither {version} nor {}. Either the device makes the image that \
                 runs from the one that is sent (a delta): then name the hash or version that shall run. Or look who else updates this device.",
                ended.from
            ),
        );
    }
    if ended.ran || returned {
        return Failure::new(
            Status::Reverted,
            format!("{what} ran on trial and the device went back to {runs}."),
        )
        .with_finding(Finding::NoConfirmation);
    }
    Failure::new(Status::NotSwapped, format!("after the reset the device still runs {runs}, not {what}."))
        .with_finding(Finding::BootloaderRefused)
}

pub(super) fn old_bootloader(ended: &Ended<'_>) -> Failure {
    Failure::new(
        Status::NotSwapped,
        format!(
            "after the reset the bootloader still runs from the slot that it ran from before, not {}: its signature, or a version that is \
             not higher.",
            ended.title
        ),
    )
    .with_finding(Finding::BootloaderRefused)
}

// ---- remarks: what was seen, what was not, and how to look

pub(super) fn remark(image: &Image, number: u32, doubt: Doubt) -> String {
    let version = &image.version;
    match doubt {
        Doubt::NotShown => format!(
            "after the reset version {version} has left the slot that it was sent to, and the device lists nothing that runs as image \
             {number}: whether it runs cannot be told. Ask its application for the version."
        ),
        Doubt::NoHash => format!(
            "after the reset the device lists version {version} as the one that runs, without a hash: whether it is this build cannot be \
             told. Servers before Zephyr 4.3 read no hash but SHA-256."
        ),
        Doubt::NoList => format!(
            "after the reset the device answers and has no image list: the firmware loader has started an application, and whether it is \
             version {version} cannot be told. Ask it for its version."
        ),
    }
}

pub(super) fn network_core(image: &Image, number: u32, doubt: Doubt) -> String {
    match doubt {
        Doubt::NotShown => format!(
            "after the reset version {} has left the slot of image {number} that it was sent to, as it does when the bootloader hands it to \
             the network core; no list shows what that core runs. Ask the application for the version of its network core.",
            image.version
        ),
        doubt => remark(image, number, doubt),
    }
}

pub(super) fn bootloader(image: &Image) -> String {
    format!(
        "after the reset version {} of the bootloader has left the slot that it was sent to, and the device does not tell which \
         bootloader runs (no query active_b0_slot). Look at the bootloader's own log.",
        image.version
    )
}
