//! What the caller wants of an update.

use super::told::BootMode;
use crate::failure::Failure;
use crate::status::Status;

/// How far an update goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum UpdateMode {
    /// Upload, mark for test, reset, verify that the new image runs, confirm it, verify that.
    #[default]
    TestAndConfirm = 0,
    /// Upload, mark for test, reset, verify that the new image runs; it reverts at the next reset unless somebody confirms it.
    TestOnly = 1,
    /// Upload, mark as permanent, reset, verify that the new image runs confirmed. There is no way back.
    ConfirmAtOnce = 2,
    /// Upload and verify that the device lists the image.
    UploadOnly = 3,
}

/// The options of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateOptions {
    /// How far the update goes.
    pub mode: UpdateMode,
    /// Erase the slot with a command of its own before the upload.
    pub erase_first: bool,
    /// Refuse an image that is not newer than the running one, here and on the device.
    pub upgrade_only: bool,
    /// Wait for the caller's word before the new image is confirmed.
    pub health_check: bool,
    /// Upload even if the device already has the image.
    pub force_upload: bool,
    /// How long the bootloader is expected to need for the swap, in milliseconds; 0 asks as soon as the device may answer.
    pub swap_estimate_ms: u32,
    /// How long the device may stay away after the reset. Default 300,000.
    pub swap_timeout_ms: u32,
    /// The size of the slot, for servers that do not tell it; 0 is unknown.
    pub slot_size: u32,
    /// How long the caller's health check may take. Default 600,000.
    pub health_timeout_ms: u32,
    /// How long the whole update may take; 0 leaves it to the limits of its steps.
    pub deadline_ms: u32,
    /// How the bootloader starts images, for devices that do not tell; what a device tells counts more.
    pub boot_mode: BootMode,
    /// Where an application answers that a firmware loader takes images for, reset the device into that loader (reset with `boot_mode`
    /// 1, Zephyr 4.2) and go on there. Otherwise such an update ends as NOT_SUPPORTED.
    pub enter_loader: bool,
    /// Only look: ask the device what an update asks before its first byte, write nothing, and end with what the update would do. What the
    /// update would refuse is refused here too.
    pub check_only: bool,
    /// Send an image although another one that it depends on (MCUboot TLV 0x40) is neither on the device nor in the package in the version that
    /// it needs. The bootloader does not start it before that is there.
    pub ignore_dependencies: bool,
    /// Send a package although its manifest names another board than the device (OS information, where the server has that).
    pub ignore_board: bool,
    /// Send an application although its security counter is lower than [`security_counter`](Self::security_counter).
    pub ignore_security_counter: bool,
    /// Send an image although its version is one that the bootloader would never start beside the one that runs.
    pub ignore_version: bool,
    /// Send an image although it is larger than its slot, by the device's word or by [`slot_size`](Self::slot_size).
    pub ignore_size: bool,
    /// Send an image although the device lists no image of its number.
    pub ignore_image_number: bool,
    /// Refuse an image that could not go back to the one before it, by what is known of the device before the first byte.
    pub require_way_back: bool,
    /// The security counter at which the device's roll-back protection stands for its application, as the caller knows it (no server tells
    /// it); 0 is unknown.
    pub security_counter: u32,
    /// How long the device may take to reset by itself, or by somebody's hand, in milliseconds, at most a day. So long it is looked at, once
    /// behind the upload before it is marked, and once more where its server has no reset command; then the update goes on as ever. Default
    /// 0: it is not waited for, and still its list decides.
    pub self_reset_ms: u32,
}

impl Default for UpdateOptions {
    fn default() -> UpdateOptions {
        UpdateOptions::new()
    }
}

impl UpdateOptions {
    /// The defaults: test, reset, verify, confirm.
    pub const fn new() -> UpdateOptions {
        UpdateOptions {
            mode: UpdateMode::TestAndConfirm,
            erase_first: false,
            upgrade_only: false,
            health_check: false,
            force_upload: false,
            swap_estimate_ms: 0,
            swap_timeout_ms: 300_000,
            slot_size: 0,
            health_timeout_ms: 600_000,
            deadline_ms: 0,
            boot_mode: BootMode::Unknown,
            enter_loader: false,
            check_only: false,
            ignore_dependencies: false,
            ignore_board: false,
            ignore_security_counter: false,
            ignore_version: false,
            ignore_size: false,
            ignore_image_number: false,
            require_way_back: false,
            security_counter: 0,
            self_reset_ms: 0,
        }
    }

    /// Refuses figures that make no sense, naming the field.
    pub fn check(&self) -> Result<(), Failure> {
        const DAY: u32 = 86_400_000;
        for (name, value, least) in [
            ("swap_estimate_ms", self.swap_estimate_ms, 0),
            ("swap_timeout_ms", self.swap_timeout_ms, 1),
            ("health_timeout_ms", self.health_timeout_ms, 1),
            ("self_reset_ms", self.self_reset_ms, 0),
        ] {
            if !(least..=DAY).contains(&value) {
                return Err(Failure::new(
                    Status::InvalidArgument,
                    format!("the update option {name} is {value}; it must lie between {least} and {DAY}."),
                ));
            }
        }
        if self.health_check && self.mode != UpdateMode::TestAndConfirm {
            return Err(Failure::new(
                Status::InvalidArgument,
                "health_check needs the mode that tests and confirms; in the others there is nothing left to decide.",
            ));
        }
        if self.require_way_back && self.mode == UpdateMode::ConfirmAtOnce {
            return Err(Failure::new(
                Status::InvalidArgument,
                "require_way_back does not go with the mode that confirms at once, which has no way back.",
            ));
        }
        if self.swap_estimate_ms > self.swap_timeout_ms {
            return Err(Failure::new(
                Status::InvalidArgument,
                format!(
                    "swap_estimate_ms {} is longer than swap_timeout_ms {}.",
                    self.swap_estimate_ms, self.swap_timeout_ms
                ),
            ));
        }
        Ok(())
    }
}
