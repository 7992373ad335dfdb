//! The Nordic immutable bootloader (b0): it starts MCUboot from S0 or S1, whichever has the higher version. Sources:
//! sdk-mcuboot `loader.c` (`boot_validated_swap_type`) and `swap_nsib.c`, sdk-nrf `subsys/mgmt/mcumgr/bootloader_info`.

use super::super::super::image::{self, Version};

/// The slots of MCUboot itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImmutableBootloader {
    /// Address of S0 and its end, as the partition manager laid it out.
    pub s0: (u32, u32),
    /// Address of S1 and its end.
    pub s1: (u32, u32),
    /// The one that runs at first.
    pub active: usize,
    /// The number of MCUboot's own image, whose primary slot is never listed; else its updates go through slot 1 of
    /// image 0.
    pub image: Option<usize>,
    /// The query `active_b0_slot` is answered (nRF Connect SDK since 3.0, sdk-nrf#19714).
    pub answers_query: bool,
}

impl Default for ImmutableBootloader {
    /// A layout such as the partition manager makes: 32 KiB for the first bootloader, 48 KiB for S0 and S1 each. The real
    /// addresses are a build's own.
    fn default() -> ImmutableBootloader {
        ImmutableBootloader {
            s0: (0x8000, 0x1_4000),
            s1: (0x1_4000, 0x2_0000),
            active: 0,
            image: None,
            answers_query: true,
        }
    }
}

impl ImmutableBootloader {
    /// The slot that an image is linked for, by its reset vector or its load address.
    pub(in super::super) fn linked_for(&self, bytes: &[u8]) -> Option<usize> {
        let inside = |at: u32, (from, to): (u32, u32)| (from..to).contains(&at);
        let slot = |at: u32| [self.s0, self.s1].iter().position(|range| inside(at, *range));
        image::reset_vector(bytes).and_then(slot).or_else(|| image::load_address(bytes).and_then(slot))
    }
}

/// What S0 and S1 hold.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Stages {
    pub(in super::super) versions: [Version; 2],
    pub(in super::super) bytes: [Vec<u8>; 2],
}

impl Stages {
    pub(in super::super) fn new(options: &ImmutableBootloader) -> Stages {
        let mut stages = Stages::default();
        stages.versions[options.active.min(1)] = Version::from((1, 0, 0));
        stages
    }

    /// The slot that starts: S0 unless S1 is newer.
    pub(in super::super) fn active(&self) -> usize {
        usize::from(self.versions[1] > self.versions[0])
    }
}
