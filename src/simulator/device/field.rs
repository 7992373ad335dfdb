//! The devices of the field by name, for command lines: each a set of options with one quirk or the few that go together.

use super::options::{BootMode, DeviceOptions, DeviceProfile, EraseMode};
use super::quirks::{
    AfterUpload, ImmutableBootloader, Listing, LoaderSetup, NetworkCore, RecoveryRelease, RecoveryServer,
};

/// A device that public reports describe.
#[derive(Debug, Clone, Copy)]
pub struct FieldDevice {
    /// The name used on command lines.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    change: fn(&mut DeviceOptions),
}

impl FieldDevice {
    /// Every one of them.
    pub const ALL: &'static [FieldDevice] = &[
        FieldDevice {
            name: "network-core",
            about: "two images; the network core is in no list, and skipped when marked behind the application",
            change: |device| {
                device.images = 2;
                device.boot_mode = BootMode::OverwriteOnly;
                device.quirks.network_core =
                    Some(NetworkCore::Image { number: 1, skipped_behind_application: true });
            },
        },
        FieldDevice {
            name: "network-core-in-slot-1",
            about: "a network core that takes its image from slot 1 of the application",
            change: |device| {
                device.boot_mode = BootMode::OverwriteOnly;
                device.quirks.network_core = Some(NetworkCore::ThroughSlot1);
            },
        },
        FieldDevice {
            name: "recovery-1.9",
            about: "serial recovery of MCUboot 1.9: no hash, four numbers, the image read from each chunk",
            change: |device| in_recovery(device, RecoveryServer::of(RecoveryRelease::V1_9)),
        },
        FieldDevice {
            name: "recovery-direct",
            about: "serial recovery of MCUboot 2.2 with two images, where `image` counts slots",
            change: |device| {
                device.images = 2;
                let recovery = RecoveryServer::of(RecoveryRelease::V2_2);
                in_recovery(device, RecoveryServer { direct_upload: true, ..recovery });
            },
        },
        FieldDevice {
            name: "misjudged-slots",
            about: "a server that takes the other slot for the running one and writes over the running image",
            change: |device| {
                device.boot_mode = BootMode::SwapMove;
                device.quirks.misjudges_slots = true;
            },
        },
        FieldDevice {
            name: "resets-itself",
            about: "an application that marks the image and resets when the upload is complete",
            change: |device| {
                device.bootloader_info = false;
                device.slot_info = false;
                device.boot_us = 4_000_000;
                device.quirks.after_upload =
                    AfterUpload::MarksAndResets { permanent: false, after_us: 300_000 };
            },
        },
        FieldDevice {
            name: "never-swaps",
            about: "a bootloader that never swaps, and a server that does not erase what is pending",
            change: |device| {
                device.allow_erase_pending = false;
                device.quirks.never_swaps = true;
            },
        },
        FieldDevice {
            name: "immutable-bootloader",
            about: "MCUboot itself in S0 and S1, behind a first bootloader",
            change: |device| device.quirks.immutable_bootloader = Some(ImmutableBootloader::default()),
        },
        FieldDevice {
            name: "ram-load-revert",
            about: "RAM load with revert, told as RAM load; a trial looks confirmed and cannot be",
            change: |device| {
                device.boot_mode = BootMode::DirectXipRevert;
                device.quirks.told_mode = Some(6);
                device.quirks.flags_by_marks = true;
            },
        },
        FieldDevice {
            name: "no-hashes",
            about: "an image list without hashes",
            change: |device| device.quirks.listing = Listing::WithoutHashes,
        },
        FieldDevice {
            name: "empty-list",
            about: "an image list that is always empty",
            change: |device| device.quirks.listing = Listing::Nothing,
        },
        FieldDevice {
            name: "patches",
            about: "what is uploaded is a patch: other bytes of the same version run",
            change: |device| device.quirks.installs_other_bytes = true,
        },
        FieldDevice {
            name: "loader",
            about: "an application without an image group; a reset with boot_mode 1 starts its firmware loader",
            change: |device| {
                device.boot_mode = BootMode::FirmwareLoader;
                device.quirks.loader = Some(LoaderSetup {
                    application_lists: false,
                    boot_mode: true,
                    in_loader: false,
                    bare_metal: false,
                });
            },
        },
        FieldDevice {
            name: "progressive-erase",
            about: "pages erased as they are written: a late first chunk leaves a hole and the list looks right",
            change: |device| device.erase = EraseMode::Progressive,
        },
        FieldDevice {
            name: "zephyr-3.4",
            about: "Zephyr 3.4.99: a pending image keeps its slot, a blank slot is not erased, no slot information",
            change: |device| {
                let like = DeviceOptions::zephyr_3_4();
                device.profile = DeviceProfile::Zephyr44;
                device.boot_mode = like.boot_mode;
                device.slot_info = like.slot_info;
                device.allow_erase_pending = like.allow_erase_pending;
                device.erase_blank_fails = like.erase_blank_fails;
            },
        },
    ];

    /// The device of this name.
    pub fn from_name(name: &str) -> Option<FieldDevice> {
        FieldDevice::ALL.iter().copied().find(|device| device.name == name)
    }

    /// Makes a device of these options one of the field.
    pub fn apply(&self, options: &mut DeviceOptions) {
        (self.change)(options);
    }
}

fn in_recovery(device: &mut DeviceOptions, recovery: RecoveryServer) {
    device.recovery = true;
    device.quirks.recovery = recovery;
}
