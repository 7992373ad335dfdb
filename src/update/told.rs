//! What the device told of itself beside its list: boot mode, slots, the bootloader's own slot. Each of it may be missing.

use crate::smp::cbor::{self, Items, Value};

/// How the bootloader starts images (MCUboot `enum mcuboot_mode`, told by the bootloader-information command).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum BootMode {
    /// The server does not tell; taken for one that swaps until something else shows.
    #[default]
    Unknown = 0,
    /// One slot only: nothing can be installed beside the running image.
    Single = 1,
    /// Scratch, move or offset: test, trial, revert.
    Swap = 2,
    /// What is marked becomes permanent at once.
    Overwrite = 3,
    /// Images run where they lie; the bootloader starts the newest.
    DirectXip = 4,
    /// The same, where a new image has to be marked and goes back unless it is confirmed.
    DirectXipWithRevert = 5,
    /// The newest image is copied to RAM; some builds have marks and go back, under the same number.
    RamLoad = 6,
    /// A loader takes uploads into the application's slot; a reset starts the application.
    FirmwareLoader = 7,
}

impl BootMode {
    /// Every mode, in the order of the numbers.
    pub const ALL: [BootMode; 8] = [
        BootMode::Unknown,
        BootMode::Single,
        BootMode::Swap,
        BootMode::Overwrite,
        BootMode::DirectXip,
        BootMode::DirectXipWithRevert,
        BootMode::RamLoad,
        BootMode::FirmwareLoader,
    ];

    /// The name in capitals, as C spells it without its prefix.
    pub const fn name(self) -> &'static str {
        match self {
            BootMode::Unknown => "UNKNOWN",
            BootMode::Single => "SINGLE",
            BootMode::Swap => "SWAP",
            BootMode::Overwrite => "OVERWRITE",
            BootMode::DirectXip => "DIRECT_XIP",
            BootMode::DirectXipWithRevert => "DIRECT_XIP_REVERT",
            BootMode::RamLoad => "RAM_LOAD",
            BootMode::FirmwareLoader => "FIRMWARE_LOADER",
        }
    }

    /// The mode with this number of the bootloader information.
    pub const fn from_told(number: i64) -> BootMode {
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

    /// The mode with this number of an option or a snapshot.
    pub const fn from_number(number: u8) -> Option<BootMode> {
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
}

/// One slot of the slot information (Zephyr `smp_group_1.rst`, "Slot info"), or what it says of an image.
///
/// A fleet has many of them, so it is small. Numbers that no device has count as [`UNTOLD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldSlot {
    pub image: u8,
    /// [`OF_IMAGE`]: the size is the greatest upload of the image, `max_image_size`.
    pub slot: u8,
    /// The number by which an upload reaches this slot; [`UNTOLD`] without one.
    pub upload: u8,
    /// In bytes; 0 where it is not told.
    pub size: u32,
}

/// A number that was not told, or is none that a device has.
pub(super) const UNTOLD: u8 = 255;
/// In place of a slot's number.
pub(super) const OF_IMAGE: u8 = 254;

/// A number of the device's in a byte.
fn small(number: Option<u32>) -> u8 {
    number.and_then(|number| u8::try_from(number).ok()).filter(|number| *number < OF_IMAGE).unwrap_or(UNTOLD)
}

/// What the device told beside its list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// By the device, or else by the caller.
    pub boot: BootMode,
    /// The device answered the question for its boot mode.
    pub boot_known: bool,
    /// Its slots, and the limits of its images.
    pub(super) sizes: Box<[ToldSlot]>,
    /// The slot from which the immutable bootloader started MCUboot (sdk-nrf, query `active_b0_slot`).
    pub b0_slot: Option<B0Slot>,
    /// It was asked for that slot.
    pub b0_asked: bool,
    /// The same after the reset: not asked yet, or its answer.
    pub b0_slot_after: Option<Option<B0Slot>>,
    /// The device has no image list, as serial recovery may not.
    pub unlisted: bool,
    /// The board by the OS information, while there is something to compare it with.
    pub board: Option<Box<str>>,
    /// It was asked for that.
    pub board_asked: bool,
    /// The server has no set-state command: what was asked to find that out changes nothing.
    pub markless: Option<bool>,
}

/// A slot of MCUboot itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum B0Slot {
    S0 = 0,
    S1 = 1,
}

impl B0Slot {
    pub const fn from_number(number: u32) -> Option<B0Slot> {
        match number {
            0 => Some(B0Slot::S0),
            1 => Some(B0Slot::S1),
            _ => None,
        }
    }
}

/// More slots than any device has.
const MOST_SLOTS: usize = 64;

impl Told {
    /// The device's own word counts more than the caller's, unless it is none.
    pub fn learn_boot_mode(&mut self, told: i64) {
        self.boot_known = true;
        match BootMode::from_told(told) {
            BootMode::Unknown => {}
            mode => self.boot = mode,
        }
    }

    /// Whether the device told anything that serial recovery of MCUboot does not tell.
    pub fn tells_of_itself(&self) -> bool {
        self.boot_known || self.boot != BootMode::Unknown
    }

    /// Its slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = &ToldSlot> {
        self.sizes.iter().filter(|told| told.slot != OF_IMAGE)
    }

    /// The limits of its images.
    pub(super) fn limits(&self) -> impl Iterator<Item = &ToldSlot> {
        self.sizes.iter().filter(|told| told.slot == OF_IMAGE)
    }

    /// Whether the device told any slot.
    pub fn tells_slots(&self) -> bool {
        self.slots().next().is_some()
    }

    /// The images that the slot information knows; empty without one.
    pub fn knows_image(&self, image: u32) -> Option<bool> {
        let mut known = self.sizes.iter().peekable();
        known.peek()?;
        Some(known.any(|told| u32::from(told.image) == image))
    }

    /// The sizes of the slots of an image.
    pub fn sizes(&self, image: u32) -> impl Iterator<Item = u32> {
        self.slots().filter(move |told| u32::from(told.image) == image && told.size > 0).map(|told| told.size)
    }

    /// `max_image_size` of an image.
    pub fn limit(&self, image: u32) -> Option<u32> {
        self.limits().find(|told| u32::from(told.image) == image).map(|told| told.size)
    }

    /// The number by which an upload reaches a slot.
    pub fn upload_number(&self, image: u32, slot: u32) -> Option<u32> {
        let is_it = |told: &&ToldSlot| (u32::from(told.image), u32::from(told.slot)) == (image, slot);
        let number = self.slots().find(is_it)?.upload;
        (number != UNTOLD).then(|| u32::from(number))
    }

    /// Reads the body of the slot information; one that cannot be read tells nothing.
    pub fn read_slots(&mut self, body: &[u8]) {
        let mut sizes = Vec::new();
        let walked = cbor::entries(body, |key, value| {
            let ("images", Value::Array(images)) = (key, value) else { return };
            let _ = images.elements(|image| {
                if let Value::Map(image) = image {
                    read_image(&image, &mut sizes);
                }
            });
        });
        if walked.is_ok() {
            self.sizes = sizes.into_boxed_slice();
        }
    }
}

fn read_image(image: &Items<'_>, sizes: &mut Vec<ToldSlot>) {
    // Where there is one image only the number may be left out.
    let mut number = 0;
    let _ = image.entries(|key, value| {
        if key == "image" {
            number = value.as_u32().unwrap_or(0);
        }
    });
    let _ = image.entries(|key, value| match (key, value) {
        ("max_image_size", value) => {
            if let Some(size) = value.as_u32()
                && sizes.len() < MOST_SLOTS
            {
                sizes.push(ToldSlot { image: small(Some(number)), slot: OF_IMAGE, upload: UNTOLD, size });
            }
        }
        ("slots", Value::Array(listed)) => {
            let _ = listed.elements(|slot| {
                let Value::Map(slot) = slot else { return };
                let mut told = ToldSlot { image: small(Some(number)), slot: 0, upload: UNTOLD, size: 0 };
                let _ = slot.entries(|key, value| match key {
                    "slot" => told.slot = small(value.as_u32()),
                    "size" => told.size = value.as_u32().unwrap_or(0),
                    "upload_image_id" => told.upload = small(value.as_u32()),
                    _ => {}
                });
                if sizes.len() < MOST_SLOTS {
                    sizes.push(told);
                }
            });
        }
        _ => {}
    });
}

/// `buf_size` and `buf_count` (Zephyr `os_mgmt.c`).
pub(crate) fn decode_parameters(body: &[u8]) -> Option<(u32, u32)> {
    let (mut size, mut count) = (None, None);
    cbor::entries(body, |key, value| match key {
        "buf_size" => size = value.as_u32(),
        "buf_count" => count = value.as_u32(),
        _ => {}
    })
    .ok()?;
    Some((size?, count?))
}

/// `mode` of the bootloader information.
pub(crate) fn decode_boot_mode(body: &[u8]) -> Option<i64> {
    let mut mode = None;
    cbor::entries(body, |key, value| {
        if key == "mode" {
            mode = match value {
                Value::Unsigned(n) => i64::try_from(n).ok(),
                Value::Negative(_) => Some(-1),
                _ => None,
            };
        }
    })
    .ok()?;
    mode
}

/// `active` of the answer to the query `active_b0_slot`: 0 is S0, 1 is S1.
pub(crate) fn decode_b0_slot(body: &[u8]) -> Option<B0Slot> {
    let mut slot = None;
    cbor::entries(body, |key, value| {
        if key == "active" {
            slot = value.as_u32().and_then(B0Slot::from_number);
        }
    })
    .ok()?;
    slot
}

/// `output` of the OS information.
pub(crate) fn decode_board(body: &[u8]) -> Option<Box<str>> {
    let mut board = None;
    cbor::entries(body, |key, value| {
        if let ("output", Value::Text(text)) = (key, value) {
            board = Some(Box::from(text.trim()));
        }
    })
    .ok()?;
    board
}
