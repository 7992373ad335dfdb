//! Where an image runs: what the manifest, the header and the vector table say, and what follows for its kind.

use super::{Image, ImageFlags};

/// The flash of the nRF5340's network core (nRF5340 product specification, memory map of the network core).
const NETWORK_CORE_FLASH: std::ops::Range<u64> = 0x0100_0000..0x0104_0000;
/// Its RAM, in which the initial stack pointer of its programs lies.
const NETWORK_CORE_RAM: std::ops::RangeInclusive<u32> = 0x2100_0000..=0x2101_0000;

/// The first two words of an ARM vector table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorTable {
    /// The initial stack pointer.
    pub stack_pointer: u32,
    /// The reset vector: where the program begins, plus 1 for Thumb code.
    pub reset: u32,
}

impl VectorTable {
    /// Reads the words at the start of a program; `None` when they cannot be a vector table of a Cortex-M.
    pub(super) fn of(program: &[u8]) -> Option<VectorTable> {
        let [a, b, c, d, e, f, g, h] = *program.first_chunk::<8>()?;
        let (stack_pointer, reset) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        // 0x20000000 is the SRAM of every Cortex-M; the nRF5340's network core has its own at 0x21000000.
        let fits = (0x2000_0000..=0x2200_0000).contains(&stack_pointer)
            && stack_pointer % 4 == 0
            && reset % 2 == 1
            && reset < 0x2000_0000;
        fits.then_some(VectorTable { stack_pointer, reset })
    }
}

impl Image {
    /// The vector table at the start of the body; `None` where the body is encrypted, compressed or no program for a
    /// Cortex-M.
    pub fn vector_table(&self) -> Option<VectorTable> {
        if self.hash_check == super::HashCheck::Encrypted || self.is_compressed() {
            return None;
        }
        VectorTable::of(self.bytes.get(usize::from(self.header.header_size)..)?)
    }

    /// The address that the manifest or the header names: where the image runs, or what it is copied to.
    pub fn load_address(&self) -> Option<u64> {
        let stated = self.origin.as_ref().and_then(|origin| origin.load_address);
        let has_address = self.header.load_address != 0
            || self.header.flags.0 & (ImageFlags::ROM_FIXED | ImageFlags::RAM_LOAD) != 0;
        stated.or(has_address.then_some(u64::from(self.header.load_address)))
    }

    /// About where the image runs: its load address, else its reset vector.
    pub(super) fn runs_at(&self) -> Option<u64> {
        self.load_address().or(self.vector_table().map(|table| u64::from(table.reset)))
    }

    /// Whether the manifest calls the file the bootloader itself (`dfu_mcuboot.zip`). MCUboot never runs on a network core, whose image some
    /// builds pack under that name.
    pub fn is_bootloader(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.is_bootloader()) && !self.is_network_core()
    }

    /// Whether the image is for the network core of an nRF5340, to which the bootloader copies it: it lies in no slot
    /// afterwards. Nordic's MCUboot decides by the reset vector (sdk-mcuboot `boot/bootutil/src/loader.c`); so does this, and by the
    /// load address, which also tells it of an encrypted image.
    pub fn is_network_core(&self) -> bool {
        match self.vector_table() {
            Some(table) => {
                NETWORK_CORE_FLASH.contains(&u64::from(table.reset))
                    && NETWORK_CORE_RAM.contains(&table.stack_pointer)
            }
            None => self.load_address().is_some_and(|address| NETWORK_CORE_FLASH.contains(&address)),
        }
    }
}
