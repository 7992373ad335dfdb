//! Serial recovery by its releases. Source: MCUboot `boot/boot_serial/src/boot_serial.c` at each tag, and
//! `boot/zephyr/flash_map_extended.c`.

/// How the list spells a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VersionText {
    /// `1.1.0`, and `1.1.0.4` with a build number: since commit e5c57dd1 (2023-04), v2.0.
    #[default]
    Short,
    /// `1.1.0.0`: always four numbers, up to v1.10.
    FourNumbers,
    /// `1.1.04`: the full stop before the build number is missing, in builds with snprintf between commits e5c57dd1
    /// (2023-04) and 480b97f2 (2023-09); in no tagged release.
    LostDot,
}

/// What becomes of a request for the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecoveryList {
    /// It is answered.
    #[default]
    Answered,
    /// rc 8: the list is compiled out.
    Refused,
    /// No answer, and none to anything afterwards: the bootloader crashed over an encrypted image (mcuboot#1753).
    Crashes,
}

/// A release of MCUboot, as far as its recovery differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryRelease {
    /// v1.8 and before: four numbers, no hash, the image number is read from each chunk, unknown commands of the OS
    /// group get no answer and others `{rc: 0}`.
    V1_8,
    /// v1.9 (nRF Connect SDK up to 2.3): as before, but unknown commands get rc 8.
    V1_9,
    /// v1.10: the hash is an option, on by default.
    V1_10,
    /// Between v1.10 and v2.0 (nRF Connect SDK 2.4, Zephyr 3.4): the build number only where it is not 0 and without its
    /// full stop, the image number from each chunk.
    Between,
    /// v2.0 and v2.1: the image number is kept; flags and set state are an option; encrypted images are not listed
    /// (mcuboot#1864).
    V2_0,
    /// v2.2 and later: slot information is an option, on by default where there are several images.
    V2_2,
}

/// What serial recovery answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryServer {
    /// How the list spells a version.
    pub version_text: VersionText,
    /// The list tells hashes (MCUBOOT_SERIAL_IMG_GRP_HASH).
    pub hashes: bool,
    /// What becomes of a request for the list.
    pub list: RecoveryList,
    /// The list shows slot 1 too, where the build has one.
    pub lists_slot_1: bool,
    /// The list tells flags, and set state is taken (MCUBOOT_SERIAL_IMG_GRP_IMAGE_STATE).
    pub flags: bool,
    /// The list shows encrypted images.
    pub lists_encrypted: bool,
    /// `image` counts slots: 0 and 1 are slot 0 of image 0, 2 its slot 1, 3 and 4 the slots of image 1
    /// (MCUBOOT_SERIAL_DIRECT_IMAGE_UPLOAD). Else `image` is an image, and its slot 0 is written.
    pub direct_upload: bool,
    /// `image` of the first chunk holds for the others; else each chunk without one goes to image 0.
    pub keeps_image: bool,
    /// Slot information (MCUBOOT_SERIAL_IMG_GRP_SLOT_INFO). Without direct upload it tells `upload_image_id` beside
    /// slot 1, although slot 0 is written.
    pub slot_info: bool,
    /// Echo is compiled in (MCUBOOT_BOOT_MGMT_ECHO, since v1.9); else it gets no answer.
    pub echo: bool,
    /// Unknown commands get rc 8; else silence in the OS group, `{rc: 0}` in the image group.
    pub refuses_unknown: bool,
}

impl Default for RecoveryServer {
    fn default() -> RecoveryServer {
        RecoveryServer {
            version_text: VersionText::Short,
            hashes: true,
            list: RecoveryList::Answered,
            lists_slot_1: true,
            flags: false,
            lists_encrypted: true,
            direct_upload: false,
            keeps_image: true,
            slot_info: false,
            echo: true,
            refuses_unknown: true,
        }
    }
}

impl RecoveryServer {
    /// The server of a release with its default options (`boot/zephyr/Kconfig.serial_recovery`), for several images.
    pub fn of(release: RecoveryRelease) -> RecoveryServer {
        use RecoveryRelease::{Between, V1_8, V1_9, V1_10, V2_0, V2_2};
        let old = matches!(release, V1_8 | V1_9 | V1_10);
        RecoveryServer {
            version_text: match release {
                V1_8 | V1_9 | V1_10 => VersionText::FourNumbers,
                Between => VersionText::LostDot,
                V2_0 | V2_2 => VersionText::Short,
            },
            hashes: !matches!(release, V1_8 | V1_9),
            lists_encrypted: old,
            keeps_image: !old && release != Between,
            slot_info: release == V2_2,
            echo: release != V1_8,
            refuses_unknown: release != V1_8,
            ..RecoveryServer::default()
        }
    }

    /// Image and slot that an upload with this number writes.
    pub(in super::super) fn target(&self, number: usize) -> (usize, usize) {
        match number {
            _ if !self.direct_upload => (number, 0),
            0 => (0, 0),
            n => ((n - 1) / 2, (n - 1) % 2),
        }
    }
}
