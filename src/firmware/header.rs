//! The 32-byte header of an MCUboot image (`boot/bootutil/include/bootutil/image.h`), little-endian.

use super::Version;

/// The length of the fields; the header area in the file may be longer (usually 0x200).
pub(super) const HEADER_LENGTH: usize = 32;
/// The magic number of the format that MCUboot reads.
pub(super) const MAGIC: u32 = 0x96f3_b83d;
/// The magic number of the format before MCUboot 1.0, which no released MCUboot boots.
pub(super) const MAGIC_V1: u32 = 0x96f3_b83c;

/// What the flags word says. Unknown bits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageFlags(
    /// The word as it stands in the header.
    pub u32,
);

impl ImageFlags {
    /// Position independent; MCUboot does not support it.
    pub const PIC: u32 = 0x1;
    /// The body is encrypted with AES-128 in counter mode.
    pub const ENCRYPTED_AES128: u32 = 0x4;
    /// The body is encrypted with AES-256 in counter mode.
    pub const ENCRYPTED_AES256: u32 = 0x8;
    /// Not to be booted: the second half of a split image.
    pub const NON_BOOTABLE: u32 = 0x10;
    /// To be copied to the load address in RAM before it runs.
    pub const RAM_LOAD: u32 = 0x20;
    /// The load address is the flash address for which the image was built.
    pub const ROM_FIXED: u32 = 0x100;
    /// The body is compressed with LZMA1.
    pub const COMPRESSED_LZMA1: u32 = 0x200;
    /// The body is compressed with LZMA2.
    pub const COMPRESSED_LZMA2: u32 = 0x400;
    /// The body went through the ARM Thumb filter before it was compressed.
    pub const COMPRESSED_ARM_THUMB: u32 = 0x800;

    const NAMES: [(u32, &'static str); 9] = [
        (Self::PIC, "PIC"),
        (Self::ENCRYPTED_AES128, "ENCRYPTED_AES128"),
        (Self::ENCRYPTED_AES256, "ENCRYPTED_AES256"),
        (Self::NON_BOOTABLE, "NON_BOOTABLE"),
        (Self::RAM_LOAD, "RAM_LOAD"),
        (Self::ROM_FIXED, "ROM_FIXED"),
        (Self::COMPRESSED_LZMA1, "COMPRESSED_LZMA1"),
        (Self::COMPRESSED_LZMA2, "COMPRESSED_LZMA2"),
        (Self::COMPRESSED_ARM_THUMB, "COMPRESSED_ARM_THUMB"),
    ];

    /// Whether all these bits are set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// Whether the body is marked as encrypted, with a key of either length.
    pub const fn is_encrypted(self) -> bool {
        self.0 & (Self::ENCRYPTED_AES128 | Self::ENCRYPTED_AES256) != 0
    }

    /// Whether the body is compressed.
    pub const fn is_compressed(self) -> bool {
        self.0 & (Self::COMPRESSED_LZMA1 | Self::COMPRESSED_LZMA2 | Self::COMPRESSED_ARM_THUMB) != 0
    }

    /// The bits that have no name here.
    pub fn unknown(self) -> u32 {
        Self::NAMES.iter().fold(self.0, |rest, (bit, _)| rest & !bit)
    }

    /// The names of the set bits, as imgtool spells them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| name)
    }
}

/// The fields of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Where the image is loaded to (RAM load) or was built for (ROM fixed); 0 otherwise.
    pub load_address: u32,
    /// The length in bytes of the header area before the body, at least 32.
    pub header_size: u16,
    /// The length in bytes of the protected TLV area, 0 when there is none.
    pub protected_tlv_size: u16,
    /// The length in bytes of the body.
    pub image_size: u32,
    /// What kind of image it is.
    pub flags: ImageFlags,
    /// The version.
    pub version: Version,
}

impl Header {
    /// Reads the fields. The magic number is the caller's to check.
    pub(super) fn read(bytes: &[u8; HEADER_LENGTH]) -> Header {
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut version = [0; 8];
        version.copy_from_slice(&bytes[20..28]);
        Header {
            load_address: u32_at(4),
            header_size: u16_at(8),
            protected_tlv_size: u16_at(10),
            image_size: u32_at(12),
            flags: ImageFlags(u32_at(16)),
            version: Version::from_bytes(version),
        }
    }

    /// The offset of the first byte after the body, where the TLV areas begin.
    pub fn body_end(&self) -> u64 {
        u64::from(self.header_size) + u64::from(self.image_size)
    }

    /// The number of bytes from the start of the file that the image hash covers: header, body, protected TLVs.
    pub fn hashed_length(&self) -> u64 {
        self.body_end() + u64::from(self.protected_tlv_size)
    }
}
