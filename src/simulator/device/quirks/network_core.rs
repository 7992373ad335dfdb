//! The network core of an nRF5340: MCUboot hands its image over to the core's own bootloader. Source: nrfconnect
//! sdk-mcuboot `boot/bootutil/src/loader.c` (`boot_validated_swap_type`), sdk-nrf known issue NCSDK-34106.

/// The network core's flash as the application core sees it; the reset vector of its images lies there.
pub(in super::super) const NETWORK_FLASH: std::ops::Range<u32> = 0x0100_0000..0x0104_0000;

/// How the network core gets its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkCore {
    /// As an image of its own (CONFIG_NRF53_MULTI_IMAGE_UPDATE). Its primary slot is RAM and never listed; once it is
    /// installed its slot 1 is empty.
    Image {
        /// Its number.
        number: usize,
        /// It is skipped when the application was marked before it (nRF Connect SDK 2.6 to 3.4, NCSDK-34106).
        skipped_behind_application: bool,
    },
    /// Through slot 1 of image 0, known by its reset vector. MCUboot erases slot 1 where it overwrites; where it swaps,
    /// it clears the mark and the image stays listed.
    ThroughSlot1,
}

/// What runs on the network core.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Radio {
    /// Its image.
    pub(in super::super) bytes: Vec<u8>,
}
