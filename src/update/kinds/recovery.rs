//! MCUboot's serial recovery: the bootloader itself answers (`boot/boot_serial/src/boot_serial.c`). It writes the slot that runs,
//! starts over at every offset 0, knows no resume, no marks and no trial; the application that runs after the reset has the last word.

use super::{
    Address, Doubt, Ended, Erase, Fit, Kind, LastLook, Manner, Mark, Ran, Standing, Stored, View, rules,
    words,
};
use crate::failure::Failure;
use crate::smp::error::rc;
use crate::status::Status;
use crate::update::UpdateMode;
use crate::update::listing::{ListedSlot, Listing};
use crate::update::plan::Action;
use crate::update::step::Step;

pub(super) struct Recovery;
pub(super) static RECOVERY: Recovery = Recovery;

impl Kind for Recovery {
    fn code(&self) -> u8 {
        8
    }

    fn name(&self) -> &'static str {
        "recovery"
    }

    /// It fills slot 0, from which images run.
    fn fit(&self, view: &View<'_>) -> Result<Fit, Failure> {
        let half = view.image.slot.map_or(0, |half| half % 2);
        Ok(if half == 0 { Fit::This } else { Fit::Other })
    }

    /// Only slot 0 is started: a copy in slot 1, left by an application's update, is no reason to skip the upload.
    fn plan(&self, view: &View<'_>) -> Result<Action, Failure> {
        rules::has_image(view)?;
        rules::is_upgrade(view, self.replaced(view))?;
        let there = view.slot(0).is_some_and(|slot| rules::listed_as(slot, view.image));
        if there && !view.force {
            let only_upload = view.options.mode == UpdateMode::UploadOnly;
            return Ok(if only_upload { Action::Nothing } else { Action::Boot });
        }
        upload_number(view)?;
        rules::fits(view, true)?;
        Ok(Action::Upload)
    }

    /// Nothing runs beside it, whatever its flags say.
    fn runs_in<'a>(&self, _view: &View<'a>) -> Option<&'a ListedSlot> {
        None
    }

    fn replaced<'a>(&self, view: &View<'a>) -> Option<&'a ListedSlot> {
        view.slot(0)
    }

    /// In every chunk, image 0 too: Zephyr 3.4 and NCS 2.4 do not keep the number between chunks (MCUboot commit 6a8746d7).
    fn address(&self, view: &View<'_>) -> Result<Address, Failure> {
        Ok(Address { number: upload_number(view)?, in_every_chunk: true, upgrade: false })
    }

    /// It erases with the first chunk, and may not know the command.
    fn erase(&self, _view: &View<'_>) -> Erase {
        Erase::Nothing
    }

    /// A number of the package's that a build which counts images does not know. The image's own number is not tried then: in a build that
    /// counts slots an image too large for its slot is refused alike, and that number is the application's.
    fn upload_failed(&self, view: &View<'_>, failure: Failure) -> Failure {
        let refused = failure.device.is_some_and(|error| error.is_common(rc::INVALID));
        match upload_number(view) {
            Ok(number)
                if refused && number != 0 && view.told.upload_number(view.number, 0) != Some(number) =>
            {
                words::number_refused(view, number, failure)
            }
            _ => failure,
        }
    }

    /// Without a list there is nothing to look at. An image that it decrypted in place is still taken for encrypted there, so that it is
    /// not listed (MCUboot issue 1864), and on some builds the question ends the bootloader (issue 1753).
    ///
    /// Then the device's word on the last byte is all there is, and without it the image goes out again.
    fn after_upload(&self, view: &View<'_>, told: bool) -> Option<Action> {
        let skips = view.told.unlisted || view.image.is_encrypted();
        let action = if told { Action::Boot } else { Action::Upload };
        (skips && view.options.mode != UpdateMode::UploadOnly).then_some(action)
    }

    /// Without `MCUBOOT_SERIAL_IMG_GRP_HASH` it lists valid images by version alone.
    fn stored(&self, view: &View<'_>) -> Stored {
        match rules::stored_in(view.slot(0).into_iter(), view.image) {
            // Of a network core's slot it tells a made-up 0.0.0 (sdk-nrf `boot_read_image_header_hook`).
            Stored::No if view.image.is_encrypted() || view.image.is_network_core() => Stored::Untold,
            stored => stored,
        }
    }

    fn landed(&self, _view: &View<'_>, _before: Option<&Listing>) -> (Action, &'static dyn Kind) {
        (Action::Boot, &RECOVERY)
    }

    fn mark(&self, _view: &View<'_>, _trial_only: bool) -> Mark {
        Mark::Nothing
    }

    /// Up to MCUboot 1.8 it is silent about what it does not know.
    fn board_question(&self) -> Option<Step> {
        None
    }

    fn without_marks(&self) -> &'static dyn Kind {
        &RECOVERY
    }

    fn with_marks(&self) -> &'static dyn Kind {
        &RECOVERY
    }

    fn standing(&self, view: &View<'_>) -> Standing {
        if self.stored(view) == Stored::No { Standing::Gone } else { Standing::Waits }
    }

    fn manner(&self, view: &View<'_>) -> Manner {
        let last_look =
            if self.after_upload(view, true).is_some() { LastLook::Nothing } else { LastLook::List };
        Manner { last_look, resets: 3 }
    }

    fn ran(&self, view: &View<'_>, _before: Option<&Listing>) -> Ran {
        if view.listing.is_of_recovery() {
            return Ran::NotYet;
        }
        match rules::shown(view) {
            Some(ran) => ran,
            // The application does not list what a network core runs.
            None if view.number != 0 && view.active().is_none() => Ran::Untold(Doubt::NotShown),
            None => Ran::No,
        }
    }

    /// It is the recovery still: an application has a list.
    fn ran_unlisted(&self) -> Option<Ran> {
        Some(Ran::NotYet)
    }

    fn never_reset(&self, ended: &Ended<'_>) -> Option<Failure> {
        Some(words::stays_in_recovery(ended))
    }

    fn away(&self) -> &'static str {
        "It left its recovery mode, or hangs there: an application without SMP on this line looks the same. Look at it by other means."
    }

    fn waiting(&self) -> &'static str {
        "uploaded"
    }
}

/// The number that reaches slot 0 of the image.
///
/// With direct upload (`MCUBOOT_SERIAL_DIRECT_IMAGE_UPLOAD`) numbers count slots: 0 and 1 are slot 0 of image 0, 2 its slot 1, 3 slot 0 of
/// image 1 (`flash_map_extended.c`), so the number of an image would be another image's slot. The slot information tells them; without
/// it the package does (`slot_index_primary`), which a build that counts images refuses as unknown.
fn upload_number(view: &View<'_>) -> Result<u32, Failure> {
    let number = view.number;
    if number == 0 {
        return Ok(0);
    }
    if let Some(told) = view.told.upload_number(number, 0) {
        return Ok(told);
    }
    // A build that counts images tells their numbers beside slot 1 and writes slot 0 (`bs_slot_info`, `bs_upload`).
    if view.told.upload_number(number, 1) == Some(number) && view.told.upload_number(0, 1) == Some(0) {
        return Ok(number);
    }
    if let Some(primary) = view.image.recovery_number().filter(|primary| *primary > 2) {
        return Ok(primary);
    }
    Err(Failure::new(
        Status::ImageUnsupported,
        format!(
            "the device is in serial recovery, which counts slots where the package counts images: number {number} may be the slot of \
             the application, and neither the device (slot information) nor the package (slot_index_primary) tells the one of image \
             {number}. Nothing was sent; update version {} of image {number} from the running application.",
            view.image.version
        ),
    ))
}
