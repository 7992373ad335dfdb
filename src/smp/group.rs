//! The numbers of the management groups and of their commands (Zephyr `mgmt/mcumgr/mgmt/mgmt_defines.h` and
//! `mgmt/mcumgr/grp/*/`; documented in Zephyr's `doc/services/device_mgmt/smp_groups/`).

/// Operating system: echo, reset, parameters, information.
pub const OS: u16 = 0;
/// Application and boot images.
pub const IMAGE: u16 = 1;
/// Statistics.
pub const STATISTICS: u16 = 2;
/// Settings.
pub const SETTINGS: u16 = 3;
/// Logs.
pub const LOG: u16 = 4;
/// Crash dumps.
pub const CRASH: u16 = 5;
/// Split images.
pub const SPLIT: u16 = 6;
/// Run-time tests.
pub const RUN: u16 = 7;
/// Files.
pub const FILE: u16 = 8;
/// Shell.
pub const SHELL: u16 = 9;
/// Enumeration of groups.
pub const ENUMERATION: u16 = 10;
/// Transport bridging.
pub const TRANSPORT: u16 = 11;
/// Zephyr basic commands.
pub const ZEPHYR_BASIC: u16 = 63;
/// The first group that vendors may use.
pub const VENDOR_FIRST: u16 = 64;

/// Commands of the operating system group.
pub mod os {
    /// Echo.
    pub const ECHO: u8 = 0;
    /// Task statistics.
    pub const TASK_STATISTICS: u8 = 2;
    /// Memory-pool statistics.
    pub const MEMORY_POOL_STATISTICS: u8 = 3;
    /// Date and time.
    pub const DATE_TIME: u8 = 4;
    /// Reset.
    pub const RESET: u8 = 5;
    /// MCUmgr parameters.
    pub const PARAMETERS: u8 = 6;
    /// OS and application information.
    pub const INFORMATION: u8 = 7;
    /// Bootloader information.
    pub const BOOTLOADER: u8 = 8;
}

/// Commands of the image group.
pub mod image {
    /// State: read lists the images, write marks one for test or confirms it.
    pub const STATE: u8 = 0;
    /// Upload.
    pub const UPLOAD: u8 = 1;
    /// Erase.
    pub const ERASE: u8 = 5;
    /// Slot information.
    pub const SLOT_INFORMATION: u8 = 6;
}

/// The name of a group, or `None` for one that is not assigned here.
pub const fn name(group: u16) -> Option<&'static str> {
    Some(match group {
        OS => "os",
        IMAGE => "image",
        STATISTICS => "statistics",
        SETTINGS => "settings",
        LOG => "log",
        CRASH => "crash",
        SPLIT => "split",
        RUN => "run",
        FILE => "file",
        SHELL => "shell",
        ENUMERATION => "enumeration",
        TRANSPORT => "transport",
        ZEPHYR_BASIC => "zephyr basic",
        _ => return None,
    })
}
