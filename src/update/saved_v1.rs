//! An update in a snapshot of version 1, as smpfota 0.1 wrote them.

use super::plan::Task;
use super::saved::{load_action, load_version};
use super::told::{BootMode, OF_IMAGE, ToldSlot, UNTOLD};
use super::{Update, kinds};
use crate::failure::Failure;
use crate::snapshot::{Reader, damaged};

/// For so many images the slot size was kept.
const MOST_SIZES: usize = 4;
/// Bits beside the boot mode.
const UNWAITED: u8 = 0x10;
const LEFT_OPEN: u8 = 0x20;
const TRIAL_ONLY: u8 = 0x40;
const UNLISTED: u8 = 0x80;

/// Reads what stands between the step and the outcome. The boot mode was one for all images, and had the numbers of the kinds.
pub(super) fn load(update: &mut Update, from: &mut Reader<'_>) -> Result<(), Failure> {
    let boot = from.u8()?;
    let kind = boot & !(UNWAITED | LEFT_OPEN | TRIAL_ONLY | UNLISTED);
    let kind = kinds::from_code(kind).ok_or_else(|| damaged("its boot mode is unknown"))?;
    // Serial recovery is no boot mode that a device tells.
    update.told.boot = BootMode::from_number(kind.code()).unwrap_or_default();
    update.told.unlisted = boot & UNLISTED != 0;
    update.unwaited = boot & UNWAITED != 0;
    update.tries.left_open = boot & LEFT_OPEN != 0;
    update.tries.trial_only = boot & TRIAL_ONLY != 0;
    update.told.boot_known = from.bool()?;
    update.current = u16::from(from.u8()?);
    update.totals.swap_ms = from.u32()?;
    update.tries.uploads = from.u8()?;
    let resets = from.u8()?;
    let confirms = from.u8()?;
    update.tries.vanished = from.u8()?;
    update.tries.force = from.bool()?;
    let (ran, unhealthy) = (from.bool()?, from.bool()?);
    if resets > 0 {
        update.reboot().resets = resets;
    }
    if ran || unhealthy || confirms > 0 {
        let trial = update.trial();
        (trial.ran, trial.unhealthy, trial.confirms) = (ran, unhealthy, confirms);
    }
    update.totals.uploaded_bytes = from.u64()?;
    update.totals.upload_ms = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
    let sizes = from.u8()?;
    if usize::from(sizes) > MOST_SIZES {
        return Err(damaged("it has more slots than are kept"));
    }
    update.told.sizes = (0..sizes)
        .map(|_| Ok(ToldSlot { image: from.u8()?, slot: OF_IMAGE, upload: UNTOLD, size: from.u32()? }))
        .collect::<Result<_, Failure>>()?;
    let tasks = from.u8()?;
    update.tasks = (0..tasks)
        .map(|place| {
            let index = u16::from(from.u8()?);
            let action = load_action(from)?;
            let version = load_version(place, from)?;
            let Some(image) = update.firmware.images.get(usize::from(index)) else {
                return Err(damaged("it has more images than the file"));
            };
            Ok(Task { index, number: image.image_number, action, kind, doubt: None, from: version })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(())
}
