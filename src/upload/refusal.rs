//! What an error answer to a chunk means (Zephyr `grp/img_mgmt`, both the codes of SMP version 2 and those of version 1).

use crate::failure::{Failure, Finding};
use crate::smp::error::rc;
use crate::smp::{DeviceError, group};
use crate::status::Status;

/// Codes of the image group (Zephyr `img_mgmt.h`, `enum img_mgmt_err_code_t`) that decide something here.
pub(crate) mod code {
    pub const NO_FREE_SLOT: u32 = 9;
    pub const FLASH_OPEN_FAILED: u32 = 10;
    pub const FLASH_ERASE_FAILED: u32 = 13;
    pub const INVALID_OFFSET: u32 = 20;
    pub const CURRENT_VERSION_IS_NEWER: u32 = 27;
    pub const IMAGE_ALREADY_PENDING: u32 = 28;
    pub const TOO_LARGE: u32 = 30;
    pub const DATA_OVERRUN: u32 = 31;
    pub const IMAGE_CONFIRMATION_DENIED: u32 = 32;
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The frame did not arrive whole.
    SmallerFrame,
    /// The server lost its place; a complete first chunk brings it back.
    StartOver,
    /// Where the server stands in the file is unknown; with `restart` it takes nothing but a first chunk.
    Locate { restart: bool },
    /// The upload ends.
    GiveUp,
}

pub(crate) fn judge(error: DeviceError, first: bool, reassembles: bool) -> Verdict {
    match (error.group, error.code) {
        (None, rc::CORRUPT) => Verdict::SmallerFrame,
        // A frame that was put together of two has no offset at its end.
        (None, rc::INVALID) | (Some(group::IMAGE), code::INVALID_OFFSET) if reassembles && first => {
            Verdict::SmallerFrame
        }
        // On old servers 1 is a failed flash write, after which only a first chunk is taken.
        (None, 1 | rc::INVALID) if !first => Verdict::StartOver,
        // More than its first chunk told: that was a late one, of another image.
        (
            Some(group::IMAGE),
            code::FLASH_OPEN_FAILED..=code::FLASH_ERASE_FAILED | code::INVALID_OFFSET | code::DATA_OVERRUN,
        ) if !first => Verdict::StartOver,
        _ => Verdict::GiveUp,
    }
}

/// `FS_MGMT_ERR_FILE_OFFSET_NOT_VALID` (Zephyr `fs_mgmt.h`).
const FILE_OFFSET_NOT_VALID: u32 = 11;

/// Whether the error may mean that a chunk of a file came at the wrong offset.
pub(crate) fn is_wrong_offset(error: DeviceError) -> bool {
    matches!((error.group, error.code), (Some(group::FILE), FILE_OFFSET_NOT_VALID) | (None, rc::INVALID))
}

/// As [`judge`], for a chunk of a file.
pub(crate) fn judge_file(error: DeviceError, first: bool, reassembles: bool) -> Verdict {
    match (error.group, error.code) {
        (None, rc::CORRUPT) => Verdict::SmallerFrame,
        (None, rc::INVALID) if reassembles && first => Verdict::SmallerFrame,
        _ if first => Verdict::GiveUp,
        // Servers before Zephyr 3.3 say so when they have forgotten the transfer, or have finished it.
        (None, rc::INVALID) => Verdict::Locate { restart: true },
        // What newer ones make of every error of the file group when they are asked in version 1.
        (None, 1) | (Some(group::FILE), FILE_OFFSET_NOT_VALID) => Verdict::Locate { restart: false },
        _ => Verdict::GiveUp,
    }
}

/// The failure that tells it, for a file.
pub(crate) fn file_failure(error: DeviceError) -> Failure {
    let (status, what) = match (error.group, error.code) {
        (None, rc::NOT_SUPPORTED) => (Status::NotSupported, "the device takes no files"),
        (None, rc::ACCESS_DENIED) => (Status::AccessDenied, "the device denies access to the file"),
        (None, rc::NO_MEMORY | rc::BUSY) => (Status::DeviceBusy, "the device stayed busy"),
        _ => (Status::DeviceError, "the device refused the file"),
    };
    Failure::new(status, format!("{what} ({error}).")).with_device(error)
}

/// The failure that tells it.
pub(crate) fn failure(error: DeviceError, first: bool) -> Failure {
    let (status, what) = match (error.group, error.code) {
        (Some(group::IMAGE), code::NO_FREE_SLOT) | (None, rc::NO_ENTRY) => (
            Status::NoFreeSlot,
            "the device has no free slot for this image: another one is pending or on trial, or the image number does not exist",
        ),
        (Some(group::IMAGE), code::IMAGE_ALREADY_PENDING) => (
            Status::SlotInUse,
            "the device already has an image pending: the next boot starts it, and if resets change nothing, its bootloader does not \
                 perform the swap and only an erase that the server allows, serial recovery or a debugger clears the mark",
        ),
        (Some(group::IMAGE), code::CURRENT_VERSION_IS_NEWER) => (
            Status::DowngradeRefused,
            "the running image is not older and the update was asked to upgrade only",
        ),
        (None, rc::BAD_STATE) => (
            Status::SlotInUse,
            "the device refused the first chunk in its present state: the running image is not older, or another image is pending",
        ),
        (Some(group::IMAGE), code::TOO_LARGE | code::DATA_OVERRUN) => {
            (Status::SlotTooSmall, "the image does not fit the device's slot")
        }
        (Some(group::IMAGE), code::FLASH_OPEN_FAILED..=code::FLASH_ERASE_FAILED) => {
            (Status::FlashFailed, "the device failed to erase or write its flash")
        }
        (None, 1) if !first => (Status::FlashFailed, "the device failed while it wrote its flash"),
        (None, rc::NOT_SUPPORTED) => (Status::NotSupported, "the device has no image upload"),
        (None, rc::ACCESS_DENIED) => (Status::AccessDenied, "the device denies the upload"),
        _ => (Status::DeviceError, "the device refused a chunk"),
    };
    let mut failure = Failure::new(status, format!("{what} ({error}).")).with_device(error);
    if error.is_common(rc::CORRUPT) {
        failure = failure.with_finding(Finding::NoReassembly);
    }
    failure
}
