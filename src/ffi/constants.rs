//! The numbers of the ABI that are neither a status nor a finding. None ever changes its meaning.
//!
//! Each group becomes an enum of the header; tests/bindings.rs writes it from [`GROUPS`].

/// The version of the ABI that this header describes.
pub const SMPFOTA_ABI_VERSION: u32 = 1;

/// A number that is not known, or that does not apply.
pub const SMPFOTA_UNKNOWN: u32 = u32::MAX;

/// Numbers that belong together: an enum in C.
#[doc(hidden)]
pub struct Group {
    pub name: &'static str,
    pub doc: &'static str,
    pub constants: &'static [Constant],
}

/// One number of a [`Group`].
#[doc(hidden)]
pub struct Constant {
    pub name: &'static str,
    pub number: u32,
    pub doc: &'static [&'static str],
    /// The name in 0.1.0, which stays for one version.
    pub old_name: Option<&'static str>,
}

macro_rules! groups {
    ($(
        #[doc = $about:literal]
        $group:ident {
            $($(#[doc = $doc:literal])* $name:ident $((was $old:ident))? = $number:literal,)*
        }
    )*) => {
        $($(
            $(#[doc = $doc])*
            pub const $name: u32 = $number;
            $(#[doc(hidden)] pub const $old: u32 = $number;)?
        )*)*

        /// Every group, in the order of the header.
        #[doc(hidden)]
        pub const GROUPS: &[Group] = &[$(Group {
            name: stringify!($group),
            doc: $about,
            constants: &[$(Constant {
                name: stringify!($name),
                number: $name,
                doc: &[$($doc),*],
                old_name: groups!(@old $($old)?),
            }),*],
        }),*];
    };
    (@old) => { None };
    (@old $old:ident) => { Some(stringify!($old)) };
}

groups! {
    /// `smpfota_session_options.framing`: how frames stand on the wire.
    smpfota_framing {
        /// SMP frames as they are, as Bluetooth and UDP carry them.
        SMPFOTA_FRAMING_RAW = 0,
        /// The console framing of SMP, for a UART and MCUboot's serial recovery.
        SMPFOTA_FRAMING_SERIAL = 1,
    }

    /// `smpfota_update_options.mode`: how far an update goes.
    smpfota_update_mode {
        /// Boot the new image on trial, confirm it once it runs.
        SMPFOTA_MODE_TEST_AND_CONFIRM = 0,
        /// Boot the new image on trial and leave it unconfirmed.
        SMPFOTA_MODE_TEST_ONLY = 1,
        /// Make the new image permanent before its first boot.
        SMPFOTA_MODE_CONFIRM_AT_ONCE = 2,
        /// Upload and verify, nothing else.
        SMPFOTA_MODE_UPLOAD_ONLY = 3,
    }

    /// `smpfota_update_options.flags`: any of these bits.
    smpfota_update_flag {
        /// Erase the slot with a request of its own before the upload.
        SMPFOTA_UPDATE_ERASE_FIRST = 1,
        /// Refuse an image that is not newer than the running one.
        SMPFOTA_UPDATE_UPGRADE_ONLY = 2,
        /// Ask the caller's judgement of the new image before it is confirmed.
        SMPFOTA_UPDATE_HEALTH_CHECK = 4,
        /// Upload even what the device already lists.
        SMPFOTA_UPDATE_FORCE_UPLOAD = 8,
        /// Where an application answers for which a firmware loader takes images, reset the device into that
        /// loader (reset with `boot_mode` 1, Zephyr 4.2) and go on there; otherwise that ends as `SMPFOTA_NOT_SUPPORTED`.
        SMPFOTA_UPDATE_ENTER_LOADER = 16,
        /// Only look. The device is asked what an update asks before its first byte, nothing is written, and
        /// the result is what the update would do with each image.
        SMPFOTA_UPDATE_CHECK = 32,
        /// Send an image although another one that it depends on is neither on the device nor in the package in
        /// the version that it needs.
        SMPFOTA_UPDATE_IGNORE_DEPENDENCIES = 64,
        /// Send a package although its manifest names another board than the device.
        SMPFOTA_UPDATE_IGNORE_BOARD = 128,
        /// Send an application although its security counter is lower than `security_counter`.
        SMPFOTA_UPDATE_IGNORE_SECURITY_COUNTER = 256,
        /// Send an image although its version is one that the bootloader would never start beside the one that runs.
        SMPFOTA_UPDATE_IGNORE_VERSION = 512,
        /// Send an image although it is larger than its slot.
        SMPFOTA_UPDATE_IGNORE_SIZE = 2048,
        /// Send an image although the device lists no image of its number.
        SMPFOTA_UPDATE_IGNORE_IMAGE_NUMBER = 4096,
        /// Refuse an image that could not go back to the one before it, by what is known of the device before
        /// the first byte.
        SMPFOTA_UPDATE_REQUIRE_WAY_BACK = 8192,
    }

    /// `smpfota_update_options.boot_mode`: how the bootloader starts images.
    smpfota_boot_mode {
        /// Not known.
        SMPFOTA_BOOT_MODE_UNKNOWN = 0,
        /// One slot.
        SMPFOTA_BOOT_MODE_SINGLE = 1,
        /// Swap with scratch, by moving or with offset.
        SMPFOTA_BOOT_MODE_SWAP = 2,
        /// Overwrite only.
        SMPFOTA_BOOT_MODE_OVERWRITE = 3,
        /// Direct XIP.
        SMPFOTA_BOOT_MODE_DIRECT_XIP = 4,
        /// Direct XIP with revert.
        SMPFOTA_BOOT_MODE_DIRECT_XIP_REVERT = 5,
        /// RAM load, with or without revert.
        SMPFOTA_BOOT_MODE_RAM_LOAD = 6,
        /// Firmware loader.
        SMPFOTA_BOOT_MODE_FIRMWARE_LOADER = 7,
    }

    /// `smpfota_image_info.properties`: any of these bits.
    smpfota_image_property {
        /// The image is encrypted.
        SMPFOTA_IMAGE_PROPERTY_ENCRYPTED (was SMPFOTA_IMAGE_ENCRYPTED) = 1,
        /// The image is compressed.
        SMPFOTA_IMAGE_PROPERTY_COMPRESSED (was SMPFOTA_IMAGE_COMPRESSED) = 2,
        /// The file is padded to the size of a slot, with a trailer at its end.
        SMPFOTA_IMAGE_PROPERTY_PADDED (was SMPFOTA_IMAGE_PADDED) = 4,
        /// The image came out of a package.
        SMPFOTA_IMAGE_PROPERTY_PACKAGE (was SMPFOTA_IMAGE_PACKAGE) = 8,
    }

    /// `smpfota_progress.phase`: where an operation stands.
    smpfota_phase {
        /// No operation was started.
        SMPFOTA_PHASE_IDLE = 0,
        /// The session asks the device for its limits and its images.
        SMPFOTA_PHASE_DISCOVER = 1,
        /// The slot is being erased.
        SMPFOTA_PHASE_ERASE = 2,
        /// The image is being uploaded.
        SMPFOTA_PHASE_UPLOAD = 3,
        /// The image list is compared with what was uploaded.
        SMPFOTA_PHASE_VERIFY_UPLOAD = 4,
        /// The image is marked for the next boot.
        SMPFOTA_PHASE_MARK = 5,
        /// The device is told to reset.
        SMPFOTA_PHASE_RESET = 6,
        /// The bootloader is at work.
        SMPFOTA_PHASE_SWAP = 7,
        /// The device is asked which image runs.
        SMPFOTA_PHASE_VERIFY_BOOT = 8,
        /// The caller judges the new image.
        SMPFOTA_PHASE_HEALTH_CHECK = 9,
        /// The new image is being confirmed.
        SMPFOTA_PHASE_CONFIRM = 10,
        /// The operation has ended well.
        SMPFOTA_PHASE_DONE = 11,
        /// The operation has failed.
        SMPFOTA_PHASE_FAILED = 12,
        /// A single command or request is under way.
        SMPFOTA_PHASE_COMMAND = 13,
    }

    /// `smpfota_status_retry`: what a program that runs on its own may do about a status.
    smpfota_retry {
        /// The status is no failure.
        SMPFOTA_RETRY_NONE = 0,
        /// Start the same operation again at once.
        SMPFOTA_RETRY_AT_ONCE = 1,
        /// Start it again later, as after a few minutes.
        SMPFOTA_RETRY_LATER = 2,
        /// It ends the same way until somebody has changed something.
        SMPFOTA_RETRY_NEVER = 3,
    }

    /// `smpfota_session_left_with`: what a failed update leaves on the device.
    smpfota_left_with {
        /// It cannot be told, or no update failed.
        SMPFOTA_LEFT_WITH_UNKNOWN = 0,
        /// The old image runs, and nothing will change that by itself.
        SMPFOTA_LEFT_WITH_OLD_IMAGE_RUNS = 1,
        /// The old image runs; the new one lies whole in its slot and waits to be marked.
        SMPFOTA_LEFT_WITH_NEW_IMAGE_STORED = 2,
        /// The old image runs, and the new one is marked: the next reset starts it, if the bootloader performs the swap.
        SMPFOTA_LEFT_WITH_NEW_IMAGE_PENDING = 3,
        /// The new image runs on trial, and the next reset goes back to the old one.
        SMPFOTA_LEFT_WITH_ON_TRIAL = 4,
    }

    /// `smpfota_session_link` and `smpfota_device_link`: what became of the link to the device.
    smpfota_link_event {
        /// The link to the device is down.
        SMPFOTA_LINK_EVENT_DOWN (was SMPFOTA_LINK_DOWN) = 0,
        /// The link to the device is up.
        SMPFOTA_LINK_EVENT_UP (was SMPFOTA_LINK_UP) = 1,
        /// One write now carries `value` bytes.
        SMPFOTA_LINK_EVENT_MAX_WRITE (was SMPFOTA_LINK_MAX_WRITE) = 2,
        /// The link is up again, to the same device under another address or name.
        SMPFOTA_LINK_EVENT_NEW_ADDRESS = 4,
        /// The link came up and could not be encrypted: the device does not know the bond any more.
        SMPFOTA_LINK_EVENT_BONDS_LOST = 5,
    }

    /// `smpfota_session_start_request`: the operation of a request.
    smpfota_op {
        /// A request that reads.
        SMPFOTA_OP_READ = 0,
        /// A request that writes.
        SMPFOTA_OP_WRITE = 2,
    }

    /// `smpfota_device_options.profile`: which server a virtual device has.
    smpfota_device_profile {
        /// A Zephyr 4.4 server.
        SMPFOTA_PROFILE_ZEPHYR_4_4 = 0,
        /// The server of NCS 2.1 (Zephyr 3.1.99).
        SMPFOTA_PROFILE_NCS_2_1 = 1,
    }

    /// `smpfota_device_options.flags`: any of these bits.
    smpfota_device_flag {
        /// The server puts frames together from several writes.
        SMPFOTA_DEVICE_FLAG_REASSEMBLY (was SMPFOTA_DEVICE_REASSEMBLY) = 1,
        /// The server speaks the console framing.
        SMPFOTA_DEVICE_FLAG_SERIAL (was SMPFOTA_DEVICE_SERIAL) = 2,
    }

    /// `smpfota_session_record`: 0, or this bit.
    smpfota_record_flag {
        /// Leave out the data of images and files.
        SMPFOTA_RECORD_HEADERS_ONLY = 1,
    }

    /// `smpfota_session_recording` and `smpfota_session_drain_recording`: how a recording is written.
    smpfota_recording_form {
        /// Text, one write or notification a line; docs/DIAGNOSIS.md has the format.
        SMPFOTA_RECORDING_TEXT = 0,
        /// A pcapng file.
        SMPFOTA_RECORDING_PCAPNG = 1,
    }
}
