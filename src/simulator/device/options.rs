//! What kind of device is simulated. Every option stands for a Kconfig choice or for a property of the hardware.

use super::super::image::Version;
use super::quirks::Quirks;

/// The server generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceProfile {
    /// Zephyr 4.4: SMP version 2, group errors, slot info, bootloader info.
    Zephyr44,
    /// NCS 2.1 (Zephyr 3.1.99): SMP version 1 only, `rc:0` on success, no bootloader info.
    Ncs21,
}

impl DeviceProfile {
    /// Every profile.
    pub const ALL: &'static [DeviceProfile] = &[DeviceProfile::Zephyr44, DeviceProfile::Ncs21];

    /// The name used on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            DeviceProfile::Zephyr44 => "zephyr-4.4",
            DeviceProfile::Ncs21 => "ncs-2.1",
        }
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<DeviceProfile> {
        DeviceProfile::ALL.iter().copied().find(|p| p.name() == name)
    }
}

/// How bytes reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// GATT writes without response, notifications in pieces of `max_write`.
    Ble,
    /// One datagram is one packet; longer ones are cut at the buffer.
    Udp,
    /// A UART console: SMP in lines of base64, log lines between them.
    Serial,
}

/// When the secondary slot is erased for an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraseMode {
    /// Page by page, just before the first write to each (CONFIG_IMG_ERASE_PROGRESSIVELY).
    Progressive,
    /// As many pages as the image needs and the trailer's page, before the first chunk is answered.
    FirstChunkImage,
    /// The whole slot before the first chunk is answered.
    FirstChunkSlot,
}

/// The bootloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootMode {
    /// Swap using move: test, revert, confirm.
    SwapMove,
    /// Swap using scratch.
    SwapScratch,
    /// Swap using offset. Once the new image is confirmed, the old one is no longer listed.
    SwapOffset,
    /// The secondary slot is copied over the primary one; there is no way back.
    OverwriteOnly,
    /// The slot with the higher version runs in place; the state cannot be written.
    DirectXip,
    /// As before, but a slot must be marked, and is erased when it was not confirmed in its first run.
    DirectXipRevert,
    /// The slot with the higher version is copied to RAM; the state cannot be written.
    RamLoad,
    /// One slot: nothing can be uploaded beside what runs.
    Single,
    /// A loader in slot 1 runs and takes uploads into slot 0; a reset starts the application there, if it is valid.
    FirmwareLoader,
}

impl BootMode {
    /// Every mode.
    pub const ALL: &'static [BootMode] = &[
        BootMode::SwapMove,
        BootMode::SwapScratch,
        BootMode::SwapOffset,
        BootMode::OverwriteOnly,
        BootMode::DirectXip,
        BootMode::DirectXipRevert,
        BootMode::RamLoad,
        BootMode::Single,
        BootMode::FirmwareLoader,
    ];

    /// The number of the bootloader info command.
    pub const fn number(self) -> i64 {
        match self {
            BootMode::SwapScratch => 1,
            BootMode::OverwriteOnly => 2,
            BootMode::SwapMove => 3,
            BootMode::DirectXip => 4,
            BootMode::DirectXipRevert => 5,
            BootMode::RamLoad => 6,
            BootMode::Single => 0,
            BootMode::FirmwareLoader => 7,
            BootMode::SwapOffset => 9,
        }
    }

    /// Images trade places, so an unconfirmed one can be taken back.
    pub const fn swaps(self) -> bool {
        matches!(self, BootMode::SwapMove | BootMode::SwapScratch | BootMode::SwapOffset)
    }

    /// The bootloader picks the slot itself; it may be slot 1 that runs.
    pub const fn picks_slot(self) -> bool {
        matches!(
            self,
            BootMode::DirectXip | BootMode::DirectXipRevert | BootMode::RamLoad | BootMode::FirmwareLoader
        )
    }

    /// The server has a command that marks an image for the next boot (Zephyr `img_mgmt_state.c`).
    pub(super) const fn marks(self) -> bool {
        matches!(
            self,
            BootMode::SwapMove
                | BootMode::SwapScratch
                | BootMode::SwapOffset
                | BootMode::OverwriteOnly
                | BootMode::DirectXipRevert
        )
    }
}

/// How long the flash takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashTiming {
    /// Erasing one page, µs.
    pub erase_page_us: u64,
    /// Writing one 4-byte word, µs.
    pub write_word_us: u64,
    /// Hashing one KiB, µs.
    pub hash_kib_us: u64,
}

impl FlashTiming {
    /// nRF52840 (product specification: tERASEPAGE 85 ms, tWRITE 41 µs); hashing as measured on such a core.
    pub const NRF52840: FlashTiming =
        FlashTiming { erase_page_us: 85_000, write_word_us: 41, hash_kib_us: 1_000 };
    /// Flash that takes no time.
    pub const INSTANT: FlashTiming = FlashTiming { erase_page_us: 0, write_word_us: 0, hash_kib_us: 0 };
}

/// Everything that can be chosen about a virtual device. All fields are public; start from
/// [`DeviceOptions::new`] and change what matters.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceOptions {
    /// The server generation.
    pub profile: DeviceProfile,
    /// How bytes reach it.
    pub transport: Transport,
    /// The version of the image it boots first.
    pub version: Version,
    /// The size of the image it boots first, bytes.
    pub image_size: u32,
    /// Seed of that image and of the console's log lines.
    pub seed: u64,
    /// Bytes in a slot.
    pub slot_size: u32,
    /// Image pairs: 1, 2 (application and network core), up to 4.
    pub images: u32,
    /// Length of the hash TLV: 32, 48 or 64.
    pub hash_len: usize,
    /// Bytes of one message buffer, header included.
    pub buf_size: u32,
    /// Message buffers, shared by requests and responses.
    pub buf_count: u32,
    /// What one notification carries (ATT MTU - 3).
    pub max_write: u32,
    /// GATT writes are put together to frames (CONFIG_MCUMGR_TRANSPORT_BT_REASSEMBLY).
    pub reassembly: bool,
    /// When the secondary slot is erased.
    pub erase: EraseMode,
    /// The secondary slot holds old bytes at the start, so that it has to be erased.
    pub used_secondary: bool,
    /// How long the flash takes.
    pub flash: FlashTiming,
    /// From the end of a burst of writes to the first request being taken up, µs.
    pub wake_us: u64,
    /// What a request costs besides the flash, µs.
    pub request_us: u64,
    /// From the answer of a reset to the reboot, µs.
    pub reset_delay_us: u64,
    /// From the reboot to the server answering, without a swap, µs.
    pub boot_us: u64,
    /// What a swap adds; `None`: from the flash timing and the number of pages.
    pub swap_us: Option<u64>,
    /// The bootloader.
    pub boot_mode: BootMode,
    /// After a revert both slots hold the same image (seen on one emulated Zephyr 4.4).
    pub revert_leaves_copy: bool,
    /// The bootloader refuses a lower version (overwrite-only).
    pub downgrade_prevention: bool,
    /// The parameters command exists.
    pub params: bool,
    /// The bootloader information command exists.
    pub bootloader_info: bool,
    /// The slot information command exists.
    pub slot_info: bool,
    /// The hardware platform of the OS information (`CONFIG_BOARD`, since Zephyr 3.7 `CONFIG_BOARD_TARGET`). By default one that is no
    /// board's name: the virtual device takes packages for any.
    pub board: &'static str,
    /// The server answers SMP version 1 (else rc 12).
    pub smp_v1: bool,
    /// Success replies carry `rc:0` (always so in NCS 2.1).
    pub legacy_rc: bool,
    /// Errors carry a reason text (CONFIG_MCUMGR_SMP_VERBOSE_ERR_RESPONSE).
    pub verbose_errors: bool,
    /// The image list leaves out false flags (CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST).
    pub frugal_list: bool,
    /// Uploads are compared with the slot's content (CONFIG_IMG_ENABLE_IMAGE_CHECK).
    pub image_check: bool,
    /// A pending image may be erased and overwritten (CONFIG_MCUMGR_GRP_IMG_ALLOW_ERASE_PENDING).
    pub allow_erase_pending: bool,
    /// `confirm` of the secondary slot is taken (else err 32).
    pub allow_confirm_secondary: bool,
    /// Erasing a blank slot answers err 1 (Zephyr 3.4).
    pub erase_blank_fails: bool,
    /// `image` n > 0 in an upload means slot n - 1 (CONFIG_MCUMGR_GRP_IMG_DIRECT_UPLOAD).
    pub direct_upload: bool,
    /// One flash write fails when the upload reaches this offset.
    pub fail_write_at: Option<u32>,
    /// Group 128, command 0: answers with the body it was sent.
    pub echo_group: bool,
    /// The console prints log lines between the frames (with [`Transport::Serial`]).
    pub console_noise: bool,
    /// MCUboot's serial recovery answers instead of an application.
    pub recovery: bool,
    /// What is out of the ordinary about it.
    pub quirks: Quirks,
}

impl DeviceOptions {
    /// An nRF52840 over Bluetooth with 4 buffers of 384 bytes, slots of 476 KiB, and version 1.0.0 running.
    pub fn new(profile: DeviceProfile) -> DeviceOptions {
        let new = profile == DeviceProfile::Zephyr44;
        DeviceOptions {
            profile,
            transport: Transport::Ble,
            version: Version::from((1, 0, 0)),
            image_size: 4096,
            seed: 1,
            slot_size: 0x77000,
            images: 1,
            hash_len: 32,
            buf_size: 384,
            buf_count: 4,
            max_write: 244,
            reassembly: false,
            erase: EraseMode::FirstChunkImage,
            used_secondary: true,
            flash: FlashTiming::NRF52840,
            wake_us: 100,
            request_us: 300,
            reset_delay_us: 250_000,
            boot_us: 500_000,
            swap_us: None,
            boot_mode: if new { BootMode::SwapOffset } else { BootMode::SwapMove },
            revert_leaves_copy: false,
            downgrade_prevention: false,
            params: true,
            bootloader_info: new,
            slot_info: new,
            board: "virtual device",
            smp_v1: true,
            legacy_rc: false,
            verbose_errors: false,
            frugal_list: false,
            image_check: false,
            allow_erase_pending: new,
            allow_confirm_secondary: true,
            erase_blank_fails: false,
            direct_upload: false,
            fail_write_at: None,
            echo_group: false,
            console_noise: true,
            recovery: false,
            quirks: Quirks::default(),
        }
    }

    /// Zephyr 3.4.99 as it answers on native_sim: a pending image keeps its slot, erasing a blank slot is an error, and
    /// there is no slot information.
    pub fn zephyr_3_4() -> DeviceOptions {
        DeviceOptions {
            boot_mode: BootMode::SwapMove,
            slot_info: false,
            allow_erase_pending: false,
            erase_blank_fails: true,
            ..DeviceOptions::new(DeviceProfile::Zephyr44)
        }
    }

    pub(super) fn is_new(&self) -> bool {
        self.profile == DeviceProfile::Zephyr44
    }

    pub(super) fn rc_on_success(&self) -> bool {
        self.legacy_rc || !self.is_new()
    }
}
