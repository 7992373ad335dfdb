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

/// Commands of the statistics group.
pub mod statistics {
    /// The values of one statistics group.
    pub const READ: u8 = 0;
    /// The names of all statistics groups.
    pub const LIST: u8 = 1;
}

/// Commands of the settings group.
pub mod settings {
    /// Read or write one setting.
    pub const READ_WRITE: u8 = 0;
    /// Delete one setting.
    pub const DELETE: u8 = 1;
    /// Apply what was written.
    pub const COMMIT: u8 = 2;
    /// Read: load all from flash. Write: save all to flash.
    pub const LOAD_SAVE: u8 = 3;
}

/// Commands of the file group.
pub mod file {
    /// Read: download. Write: upload.
    pub const FILE: u8 = 0;
    /// The length of a file.
    pub const STATUS: u8 = 1;
    /// The hash or checksum of a file.
    pub const HASH: u8 = 2;
    /// The hashes and checksums that the device has.
    pub const HASH_TYPES: u8 = 3;
    /// Close the file that a transfer left open.
    pub const CLOSE: u8 = 4;
}

/// Commands of the shell group.
pub mod shell {
    /// Execute a command line.
    pub const EXECUTE: u8 = 0;
}

/// Commands of the enumeration group.
pub mod enumeration {
    /// How many groups there are.
    pub const COUNT: u8 = 0;
    /// The numbers of all groups.
    pub const LIST: u8 = 1;
    /// The number of one group by its position.
    pub const SINGLE: u8 = 2;
    /// Name and number of commands of groups.
    pub const DETAILS: u8 = 3;
}

/// Commands of the Zephyr basic group.
pub mod zephyr_basic {
    /// Erase the storage partition.
    pub const ERASE_STORAGE: u8 = 0;
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
