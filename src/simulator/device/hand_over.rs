//! Images that MCUboot does not start itself: it hands them over to the network core or to the first bootloader. Source:
//! nrfconnect sdk-mcuboot `boot/bootutil/src/loader.c` (`boot_validated_swap_type`) and `swap_nsib.c`.

use super::super::image;
use super::bootloader::{Boot, Bootloader, Pair, SwapType, check_time, exchange_time};
use super::flash::{PAGE, Trailer};
use super::options::{BootMode, DeviceOptions};
use super::quirks::{ImmutableBootloader, NETWORK_FLASH, NetworkCore};

impl Bootloader {
    /// Before anything is exchanged, each secondary slot is asked whom its image is for.
    pub(super) fn hand_over(&mut self, options: &DeviceOptions, boot: &mut Boot) {
        if let Some(first) = &options.quirks.immutable_bootloader {
            self.hand_to_bootloader(first, options, boot);
        }
        match options.quirks.network_core {
            Some(NetworkCore::Image { number, skipped_behind_application }) => {
                self.hand_to_core(number, skipped_behind_application, options, boot);
            }
            Some(NetworkCore::ThroughSlot1) => self.hand_from_slot_1(options, boot),
            None => {}
        }
    }

    fn hand_to_core(&mut self, number: usize, skips: bool, options: &DeviceOptions, boot: &mut Boot) {
        if number == 0 || number >= self.pairs.len() || !is_marked(&self.pairs[number]) {
            return;
        }
        let application = &self.pairs[0];
        let behind = is_marked(application) && application.marked < self.pairs[number].marked;
        let pair = &mut self.pairs[number];
        if skips && behind {
            // Not looked at in this boot; its mark is gone, the image stays where it lies.
            pair.slots[1].trailer = Trailer::default();
            return;
        }
        boot.spent += check_time(pair, 1, options);
        if pair.slots[1].is_valid() {
            boot.spent += exchange_time(pair, options);
            boot.swapped = true;
            self.radio.bytes = pair.slots[1].bytes().to_vec();
        } else {
            boot.refused = true;
        }
        boot.spent += pair.slots[1].erase_all(&options.flash);
    }

    fn hand_from_slot_1(&mut self, options: &DeviceOptions, boot: &mut Boot) {
        let pair = &mut self.pairs[0];
        let bytes = pair.slots[1].bytes();
        let targets = [image::reset_vector(bytes), image::load_address(bytes)];
        let meant = targets.iter().flatten().any(|target| NETWORK_FLASH.contains(target));
        if !meant || !is_marked(pair) || !pair.slots[1].is_valid() {
            return;
        }
        boot.spent += check_time(pair, 1, options) + exchange_time(pair, options);
        boot.swapped = true;
        self.radio.bytes = pair.slots[1].bytes().to_vec();
        pair.slots[1].trailer = Trailer::default();
        if options.boot_mode == BootMode::OverwriteOnly {
            boot.spent += pair.slots[1].erase_for(PAGE, &options.flash);
        }
    }

    fn hand_to_bootloader(&mut self, first: &ImmutableBootloader, options: &DeviceOptions, boot: &mut Boot) {
        let number = first.image.unwrap_or(0);
        let (Some(stages), Some(pair)) = (self.stages.as_mut(), self.pairs.get_mut(number)) else { return };
        let Some(slot) = first.linked_for(pair.slots[1].bytes()) else { return };
        if slot == stages.active() {
            // Linked for the slot that runs: the secondary slot is erased, marked or not.
            boot.spent += pair.slots[1].erase_all(&options.flash);
            boot.refused = true;
            return;
        }
        if !is_marked(pair) {
            return;
        }
        boot.spent += check_time(pair, 1, options);
        if pair.slots[1].is_valid() {
            let version = pair.slots[1].info().map(|info| info.version).unwrap_or_default();
            boot.spent += exchange_time(pair, options);
            boot.swapped = true;
            stages.bytes[slot] = pair.slots[1].bytes().to_vec();
            stages.versions[slot] = version;
        } else {
            boot.refused = true;
        }
        boot.spent += pair.slots[1].erase_all(&options.flash);
    }
}

fn is_marked(pair: &Pair) -> bool {
    matches!(pair.swap_type(), SwapType::Test | SwapType::Permanent)
}
