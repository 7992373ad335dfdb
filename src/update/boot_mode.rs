//! How the bootloader starts images, and what that means for an update.

/// How the bootloader starts images (MCUboot `enum mcuboot_mode`, told by the bootloader-information command).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BootMode {
    /// The server does not tell; taken for one that swaps until something else shows.
    Unknown = 0,
    /// One slot only: nothing can be installed beside the running image.
    Single = 1,
    /// Scratch, move or offset: test, trial, revert.
    Swap = 2,
    /// What is marked becomes permanent at once.
    Overwrite = 3,
    /// Images run where they lie; the bootloader starts the newest.
    DirectXip = 4,
    DirectXipWithRevert = 5,
    RamLoad = 6,
    /// A loader takes uploads into the application's slot; a reset starts the application.
    FirmwareLoader = 7,
    /// The bootloader itself answers, in its serial recovery: it writes the slot that runs (`boot_serial.c`).
    Recovery = 8,
}

impl BootMode {
    /// The mode with this number of a snapshot.
    pub const fn from_saved(number: u8) -> Option<BootMode> {
        Some(match number {
            0 => BootMode::Unknown,
            1 => BootMode::Single,
            2 => BootMode::Swap,
            3 => BootMode::Overwrite,
            4 => BootMode::DirectXip,
            5 => BootMode::DirectXipWithRevert,
            6 => BootMode::RamLoad,
            7 => BootMode::FirmwareLoader,
            8 => BootMode::Recovery,
            _ => return None,
        })
    }

    /// The mode with this number of the bootloader information.
    pub const fn from_number(number: i64) -> BootMode {
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

    pub const fn name(self) -> &'static str {
        match self {
            BootMode::Unknown => "unknown",
            BootMode::Single => "single",
            BootMode::Swap => "swap",
            BootMode::Overwrite => "overwrite",
            BootMode::DirectXip => "direct_xip",
            BootMode::DirectXipWithRevert => "direct_xip_revert",
            BootMode::RamLoad => "ram_load",
            BootMode::FirmwareLoader => "firmware_loader",
            BootMode::Recovery => "recovery",
        }
    }

    /// Whether images are marked for the next boot at all; otherwise the bootloader chooses by itself.
    pub const fn marks(self) -> bool {
        !matches!(
            self,
            BootMode::DirectXip | BootMode::RamLoad | BootMode::FirmwareLoader | BootMode::Recovery
        )
    }

    /// Whether an image runs on trial first and can go back.
    pub const fn reverts(self) -> bool {
        matches!(self, BootMode::Unknown | BootMode::Swap | BootMode::DirectXipWithRevert)
    }

    /// Whether images trade places, so that one that was taken back is listed in the other slot again.
    pub const fn swaps(self) -> bool {
        matches!(self, BootMode::Unknown | BootMode::Swap)
    }

    /// Whether an image that is older than the running one is never started.
    pub const fn starts_newest(self) -> bool {
        matches!(self, BootMode::DirectXip | BootMode::DirectXipWithRevert | BootMode::RamLoad)
    }

    /// Whether the slot to fill is chosen freely, so that the size of the other one does not matter.
    pub const fn runs_in_place(self) -> bool {
        matches!(
            self,
            BootMode::DirectXip
                | BootMode::DirectXipWithRevert
                | BootMode::RamLoad
                | BootMode::FirmwareLoader
        )
    }
}
