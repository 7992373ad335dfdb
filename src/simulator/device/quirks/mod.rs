//! What devices of the field do besides their Kconfig choices: each a switch or a small type, off by default.
//!
//! Every one is written from a server's or bootloader's source, or from a public report; the comment names it.

mod coming_back;
mod immutable_bootloader;
mod network_core;
mod recovery_server;
mod switched_off;

pub use coming_back::ComingBack;
pub use immutable_bootloader::ImmutableBootloader;
pub(super) use immutable_bootloader::Stages;
pub use network_core::NetworkCore;
pub(super) use network_core::{NETWORK_FLASH, Radio};
pub use recovery_server::{RecoveryList, RecoveryRelease, RecoveryServer, VersionText};
pub use switched_off::SwitchedOff;

/// What the application's image list shows of the slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listing {
    /// Every slot with an image, and its hash.
    #[default]
    Full,
    /// The slots without `hash` (smpmgr issue 109).
    WithoutHashes,
    /// Zephyr up to 4.2 looks for a SHA-256 TLV alone: an image with another hash is not listed, and no set-state
    /// command finds it (zephyr#95332).
    Sha256Only,
    /// No slot at all, whatever they hold.
    Nothing,
}

/// What the application does by itself when an upload is complete (a handler of Zephyr's
/// `MGMT_EVT_OP_IMG_MGMT_DFU_PENDING` or `..._STOPPED`; IOS-nRF-Connect-Device-Manager#560).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AfterUpload {
    /// Nothing: the client marks and resets.
    #[default]
    Nothing,
    /// It marks the image, for good or for a trial.
    Marks {
        /// For good.
        permanent: bool,
    },
    /// It marks the image and resets the device.
    MarksAndResets {
        /// For good.
        permanent: bool,
        /// From the end of the upload to the reset, µs.
        after_us: u64,
    },
}

/// The rest of a firmware loader's device (MCUboot `boot/zephyr/firmware_loader.c`; nRF Connect SDK 3.2 "single slot
/// DFU", Android-nRF-Connect-Device-Manager#245).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderSetup {
    /// The application has an image group; else its image commands answer rc 8.
    pub application_lists: bool,
    /// A reset with `boot_mode` 1 starts the loader (CONFIG_BOOT_FIRMWARE_LOADER_BOOT_MODE; zephyr#91510). Without it a
    /// pin has to be held.
    pub boot_mode: bool,
    /// Somebody has started the loader already.
    pub in_loader: bool,
    /// The flags of nRF Connect SDK Bare Metal (its own `img_mgmt_state.c`): the loader lists itself as active and not
    /// confirmed and the application as confirmed, which is how a trial looks elsewhere; the application lists slot 0
    /// alone, active and not confirmed.
    pub bare_metal: bool,
}

/// Everything out of the ordinary about a device. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quirks {
    /// What the image list shows.
    pub listing: Listing,
    /// The server takes the other slot for the running one: it compares offsets, and the slots lie on two flash devices
    /// (zephyr#99762, 4.3). With an empty slot 1 nothing is listed as active.
    pub misjudges_slots: bool,
    /// The mode that the bootloader info command tells, in place of the true one. RAM load with revert tells 6
    /// (zephyr#85254): that is [`BootMode::DirectXipRevert`](super::BootMode::DirectXipRevert) with 6 here.
    pub told_mode: Option<i64>,
    /// The flags of the list come from the marks although the bootloader goes by the version alone: what Zephyr does for
    /// RAM load (`img_mgmt_state.c` excepts direct XIP alone). A mark left there is never cleared (mcuboot#1856), and
    /// with a revert a trial in slot 1 looks confirmed, with the old image pending, and cannot be confirmed: error 28
    /// (Zephyr 4.3 and 4.4, until zephyr#107960).
    pub flags_by_marks: bool,
    /// What the application does when an upload is complete.
    pub after_upload: AfterUpload,
    /// How it comes back from a reset.
    pub coming_back: ComingBack,
    /// What its build leaves out.
    pub switched_off: SwitchedOff,
    /// The bootloader never exchanges: an image too large for its move sector, other partitions, no driver for the
    /// external flash (zephyr#58103, mynewt-mcumgr#157). A mark stays for ever.
    pub never_swaps: bool,
    /// What is uploaded is a patch: the bootloader or the application installs other bytes of the same version.
    pub installs_other_bytes: bool,
    /// A network core that MCUboot updates beside the application.
    pub network_core: Option<NetworkCore>,
    /// A first bootloader with two slots for MCUboot itself.
    pub immutable_bootloader: Option<ImmutableBootloader>,
    /// The application around a firmware loader.
    pub loader: Option<LoaderSetup>,
    /// What serial recovery is like.
    pub recovery: RecoveryServer,
}
