//! MCUboot: what runs after a reset, and what the server can read and write of the bootloader's state.
//! Rules: MCUboot `boot/bootutil/src/{loader,bootutil_public}.c`, Zephyr `img_mgmt_state.c`.

use std::cmp::Ordering;

use super::super::image;
use super::flash::{PAGE, Slot, Trailer};
use super::options::{BootMode, DeviceOptions};
use super::quirks::{NetworkCore, Radio, Stages};

/// What the bootloader will do with one image at the next reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SwapType {
    None,
    Test,
    Permanent,
    Revert,
}

/// The two slots of one image, and which of them runs.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) slots: [Slot; 2],
    pub(super) active: usize,
    /// Which mark of the device this image's was, counted from 1.
    pub(super) marked: u64,
}

impl Pair {
    pub(super) fn swap_type(&self) -> SwapType {
        let (primary, secondary) = (self.slots[0].trailer, self.slots[1].trailer);
        if secondary.magic {
            return if secondary.image_ok { SwapType::Permanent } else { SwapType::Test };
        }
        if primary.magic && primary.copy_done && !primary.image_ok {
            return SwapType::Revert;
        }
        SwapType::None
    }

    /// Confirms what runs in a bootloader that swaps. Nothing to do when it never was on trial.
    pub(super) fn confirm_primary(&mut self, mode: BootMode) {
        let trailer = &mut self.slots[0].trailer;
        if trailer.magic && !trailer.image_ok {
            trailer.image_ok = true;
            if mode == BootMode::SwapOffset {
                self.slots[1].hide();
            }
        }
    }

    pub(super) fn set_pending(&mut self, slot: usize, permanent: bool) {
        // A slot that is marked already stays as it was marked (zephyr#56720).
        let trailer = &mut self.slots[slot].trailer;
        if !trailer.magic {
            *trailer = Trailer { magic: true, image_ok: permanent, copy_done: false };
        }
    }
}

/// What one boot did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Boot {
    /// How long it took, µs.
    pub(super) spent: u64,
    /// Some image was exchanged, and how often it was a revert.
    pub(super) swapped: bool,
    pub(super) reverted: bool,
    /// A marked image did not pass the check.
    pub(super) refused: bool,
}

/// The slots of all images and the rules they are booted by.
#[derive(Debug, Clone)]
pub(super) struct Bootloader {
    pub(super) pairs: Vec<Pair>,
    mode: BootMode,
    /// The network core.
    pub(super) radio: Radio,
    /// The slots of MCUboot itself, where there are two.
    pub(super) stages: Option<Stages>,
    /// Images whose primary slot is none that the server could list.
    hidden: [Option<usize>; 2],
}

impl Bootloader {
    pub(super) fn new(options: &DeviceOptions) -> Bootloader {
        let size = options.slot_size as usize;
        let pair = || Pair {
            slots: [
                Slot::new(size, false, options.hash_len),
                Slot::new(size, options.used_secondary, options.hash_len),
            ],
            active: 0,
            marked: 0,
        };
        let pairs = (0..options.images.clamp(1, 4)).map(|_| pair()).collect();
        let quirks = &options.quirks;
        let network = match quirks.network_core {
            Some(NetworkCore::Image { number, .. }) => Some(number),
            _ => None,
        };
        let first = quirks.immutable_bootloader;
        Bootloader {
            pairs,
            mode: options.boot_mode,
            radio: Radio::default(),
            stages: first.as_ref().map(Stages::new),
            hidden: [network, first.and_then(|first| first.image)],
        }
    }

    /// The primary slot of this image is RAM, or one of the bootloader's own.
    pub(super) fn has_hidden_primary(&self, image: usize) -> bool {
        self.hidden.contains(&Some(image))
    }

    /// The image that is the network core's, where it is one of its own.
    pub(super) fn network_image(&self) -> Option<usize> {
        self.hidden[0].filter(|image| *image < self.pairs.len())
    }

    /// Runs the bootloader for every image. `asked` is the `boot_mode` of the reset.
    pub(super) fn boot(&mut self, options: &DeviceOptions, asked: u32) -> Boot {
        let mut boot = Boot { spent: options.boot_us, ..Boot::default() };
        let quirks = &options.quirks;
        if let Some(image) = self.network_image() {
            // RAM.
            self.pairs[image].slots[0].set(&[]);
        }
        if quirks.never_swaps {
            return boot;
        }
        self.hand_over(options, &mut boot);
        for number in 0..self.pairs.len() {
            let hidden = self.has_hidden_primary(number);
            let pair = &mut self.pairs[number];
            if self.mode == BootMode::Single || hidden {
                continue;
            } else if self.mode == BootMode::FirmwareLoader {
                let before = pair.active;
                let loads = asked == 1 && quirks.loader.is_some_and(|loader| loader.boot_mode);
                pair.active = usize::from(loads || !pair.slots[0].is_valid());
                boot.swapped |= pair.active == 0 && (before == 1 || quirks.loader.is_none());
            } else if self.mode.picks_slot() {
                boot_in_place(pair, self.mode, &mut boot);
            } else {
                boot_exchanging(pair, self.mode, options, &mut boot);
            }
        }
        boot
    }
}

pub(super) fn exchange_time(pair: &Pair, options: &DeviceOptions) -> u64 {
    options.swap_us.unwrap_or_else(|| {
        let longest = pair.slots.iter().map(|s| s.bytes().len()).max().unwrap_or(0);
        let page = options.flash.erase_page_us + (PAGE / 4) as u64 * options.flash.write_word_us;
        let copies = if options.boot_mode == BootMode::OverwriteOnly { 1 } else { 2 };
        longest.div_ceil(PAGE) as u64 * page * copies
    })
}

pub(super) fn check_time(pair: &Pair, slot: usize, options: &DeviceOptions) -> u64 {
    pair.slots[slot].bytes().len().div_ceil(1024) as u64 * options.flash.hash_kib_us
}

fn boot_exchanging(pair: &mut Pair, mode: BootMode, options: &DeviceOptions, boot: &mut Boot) {
    let kind = pair.swap_type();
    match kind {
        SwapType::None => {}
        SwapType::Test | SwapType::Permanent => {
            boot.spent += check_time(pair, 1, options);
            let mut good = pair.slots[1].is_valid();
            if good && mode == BootMode::OverwriteOnly && options.downgrade_prevention {
                good = newer(pair, 1, 0) != Ordering::Less;
            }
            if !good {
                // MCUboot erases an image that it will not boot, and stays where it is.
                boot.spent += pair.slots[1].erase_all(&options.flash);
                boot.refused = true;
                return;
            }
            boot.spent += exchange_time(pair, options);
            boot.swapped = true;
            if options.quirks.installs_other_bytes {
                let patched = patched(&mut pair.slots[1]);
                pair.slots[1].set(&patched);
            }
            if mode == BootMode::OverwriteOnly {
                let image = pair.slots[1].bytes().to_vec();
                pair.slots[0].set(&image);
                pair.slots[1].erase_for(PAGE, &options.flash);
                return;
            }
            pair.slots.swap(0, 1);
            pair.slots[0].trailer =
                Trailer { magic: true, copy_done: true, image_ok: kind == SwapType::Permanent };
            pair.slots[1].trailer = Trailer::default();
            if mode == BootMode::SwapOffset && kind == SwapType::Permanent {
                pair.slots[1].hide();
            }
        }
        SwapType::Revert => {
            boot.spent += check_time(pair, 1, options) + exchange_time(pair, options);
            boot.swapped = true;
            boot.reverted = true;
            pair.slots.swap(0, 1);
            pair.slots[0].trailer = Trailer { magic: true, copy_done: true, image_ok: true };
            pair.slots[1].trailer = Trailer::default();
            if options.revert_leaves_copy {
                let image = pair.slots[0].bytes().to_vec();
                pair.slots[1].set(&image);
            }
        }
    }
}

/// What a patch makes: another image of the same version.
fn patched(slot: &mut Slot) -> Vec<u8> {
    let length = slot.bytes().len();
    let version = slot.info().map(|info| info.version).unwrap_or_default();
    image::make(version, length + 256, length as u64 ^ 0xde17a)
}

/// The order of the versions in two slots of a pair.
pub(super) fn newer(pair: &mut Pair, one: usize, other: usize) -> Ordering {
    let version = |slot: &mut Slot| slot.info().map(|i| i.version).ok();
    match (version(&mut pair.slots[one]), version(&mut pair.slots[other])) {
        (Some(a), Some(b)) => a.compare(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn boot_in_place(pair: &mut Pair, mode: BootMode, boot: &mut Boot) {
    let before = pair.active;
    loop {
        let first = usize::from(newer(pair, 1, 0) == Ordering::Greater);
        let Some(slot) = [first, 1 - first].into_iter().find(|s| pair.slots[*s].info().is_ok()) else {
            return;
        };
        let image = &mut pair.slots[slot];
        let trailer = image.trailer;
        let unmarked = !trailer.magic || (trailer.copy_done && !trailer.image_ok);
        // The factory image carries no trailer; a device whose only image were erased would be a brick.
        let only = pair.slots[1 - slot].info().is_err();
        let image = &mut pair.slots[slot];
        if !image.is_valid() || (mode == BootMode::DirectXipRevert && unmarked && !only) {
            boot.reverted |= trailer.magic && slot == before;
            boot.refused |= !image.is_valid();
            image.set(&[]);
            if only {
                return;
            }
            continue;
        }
        if mode == BootMode::DirectXipRevert && trailer.magic {
            image.trailer.copy_done = true;
        }
        pair.active = slot;
        boot.swapped |= slot != before;
        return;
    }
}
