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

/// One slot of the slot information (Zephyr `smp_group_1.rst`, "Slot info").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldSlot {
    pub image: u32,
    pub slot: u32,
    /// In bytes; 0 where it is not told.
    pub size: u32,
    /// The number by which an upload reaches this slot.
    pub upload: Option<u32>,
}

/// The greatest upload of an image, where the device tells it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldLimit {
    pub image: u32,
    pub size: u32,
}

/// What the device told beside its list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// By the device, or else by the caller.
    pub boot: BootMode,
    /// The device answered the question for its boot mode.
    pub boot_known: bool,
    pub slots: Box<[ToldSlot]>,
    pub limits: Box<[ToldLimit]>,
    /// The slot from which the immutable bootloader started MCUboot (sdk-nrf, query `active_b0_slot`).
    pub b0_slot: Option<u8>,
    /// It was asked for that slot.
    pub b0_asked: bool,
    /// The same after the reset: not asked yet, or its answer.
    pub b0_slot_after: Option<Option<u8>>,
    /// The device has no image list, as serial recovery may not.
    pub unlisted: bool,
    /// The board by the OS information, while there is something to compare it with.
    pub board: Option<Box<str>>,
    /// It was asked for that.
    pub board_asked: bool,
    /// The server has no set-state command: what was asked to find that out changes nothing.
    pub markless: Option<bool>,
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

    /// The images that the slot information knows; empty without one.
    pub fn knows_image(&self, image: u32) -> Option<bool> {
        let slots = self.slots.iter().map(|slot| slot.image);
        let mut known = slots.chain(self.limits.iter().map(|limit| limit.image)).peekable();
        known.peek()?;
        Some(known.any(|number| number == image))
    }

    /// The sizes of the slots of an image.
    pub fn sizes(&self, image: u32) -> impl Iterator<Item = u32> {
        self.slots.iter().filter(move |slot| slot.image == image && slot.size > 0).map(|slot| slot.size)
    }

    /// `max_image_size` of an image.
    pub fn limit(&self, image: u32) -> Option<u32> {
        self.limits.iter().find(|limit| limit.image == image).map(|limit| limit.size)
    }

    /// The number by which an upload reaches a slot.
    pub fn upload_number(&self, image: u32, slot: u32) -> Option<u32> {
        self.slots.iter().find(|told| told.image == image && told.slot == slot)?.upload
    }

    /// Reads the body of the slot information; one that cannot be read tells nothing.
    pub fn read_slots(&mut self, body: &[u8]) {
        let (mut slots, mut limits) = (Vec::new(), Vec::new());
        let walked = cbor::entries(body, |key, value| {
            let ("images", Value::Array(images)) = (key, value) else { return };
            let _ = images.elements(|image| {
                if let Value::Map(image) = image {
                    read_image(&image, &mut slots, &mut limits);
                }
            });
        });
        if walked.is_ok() {
            self.slots = slots.into_boxed_slice();
            self.limits = limits.into_boxed_slice();
        }
    }
}

fn read_image(image: &Items<'_>, slots: &mut Vec<ToldSlot>, limits: &mut Vec<ToldLimit>) {
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
                && limits.len() < MOST_SLOTS
            {
                limits.push(ToldLimit { image: number, size });
            }
        }
        ("slots", Value::Array(listed)) => {
            let _ = listed.elements(|slot| {
                let Value::Map(slot) = slot else { return };
                let mut told = ToldSlot { image: number, slot: 0, size: 0, upload: None };
                let _ = slot.entries(|key, value| match key {
                    "slot" => told.slot = value.as_u32().unwrap_or(u32::MAX),
                    "size" => told.size = value.as_u32().unwrap_or(0),
                    "upload_image_id" => told.upload = value.as_u32(),
                    _ => {}
                });
                if slots.len() < MOST_SLOTS {
                    slots.push(told);
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
pub(crate) fn decode_b0_slot(body: &[u8]) -> Option<u8> {
    let mut slot = None;
    cbor::entries(body, |key, value| {
        if key == "active" {
            slot = value.as_u32().and_then(|slot| u8::try_from(slot).ok()).filter(|slot| *slot < 2);
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
