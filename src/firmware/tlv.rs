//! The TLV areas behind the body: an optional protected one, which the image hash covers, then the unprotected one.
//!
//! The rules are those of MCUboot's own walk (`boot/bootutil/src/tlv.c`): what it would refuse is refused here.

use super::{FirmwareError, header::Header};

/// The magic number of the unprotected area.
const INFO_MAGIC: u16 = 0x6907;
/// The magic number of the protected area.
const PROTECTED_INFO_MAGIC: u16 = 0x6908;
/// The length of an area's own header (magic, total) and of an entry's (type, length).
const PREFIX: usize = 4;

/// Where one entry lies. The types are those of `image.h`; unknown and vendor types are kept by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv {
    /// The type.
    pub kind: u16,
    /// Whether it lies in the protected area.
    pub protected: bool,
    /// Where its value begins in the file.
    pub offset: u32,
    /// The length of its value in bytes.
    pub length: u16,
}

#[allow(missing_docs)]
impl Tlv {
    pub const KEYHASH: u16 = 0x01;
    pub const PUBKEY: u16 = 0x02;
    pub const RSA2048: u16 = 0x20;
    pub const ECDSA224: u16 = 0x21;
    pub const ECDSA: u16 = 0x22;
    pub const RSA3072: u16 = 0x23;
    pub const ED25519: u16 = 0x24;
    pub const SIG_PURE: u16 = 0x25;
    pub const ENC_FIRST: u16 = 0x30;
    pub const ENC_LAST: u16 = 0x34;
    pub const DEPENDENCY: u16 = 0x40;
    pub const SEC_CNT: u16 = 0x50;
    pub const BOOT_RECORD: u16 = 0x60;
    pub const DECOMP_SIZE: u16 = 0x70;
    pub const DECOMP_SHA: u16 = 0x71;
    pub const DECOMP_SIGNATURE: u16 = 0x72;
    pub const COMP_DEC_SIZE: u16 = 0x73;
    pub const UUID_VID: u16 = 0x74;
    pub const UUID_CID: u16 = 0x75;

    /// The value within the file it was found in.
    pub fn value<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        let start = self.offset as usize;
        file.get(start..start + usize::from(self.length)).unwrap_or_default()
    }

    /// The name that imgtool gives the type, `VENDOR` for the reserved ranges xxA0 to xxFE, else `UNKNOWN`.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Self::KEYHASH => "KEYHASH",
            Self::PUBKEY => "PUBKEY",
            0x10 => "SHA256",
            0x11 => "SHA384",
            0x12 => "SHA512",
            Self::RSA2048 => "RSA2048",
            Self::ECDSA224 => "ECDSA224",
            Self::ECDSA => "ECDSASIG",
            Self::RSA3072 => "RSA3072",
            Self::ED25519 => "ED25519",
            Self::SIG_PURE => "SIG_PURE",
            0x30 => "ENCRSA2048",
            0x31 => "ENCKW",
            0x32 => "ENCEC256",
            0x33 => "ENCX25519",
            0x34 => "ENCX25519_SHA512",
            Self::DEPENDENCY => "DEPENDENCY",
            Self::SEC_CNT => "SEC_CNT",
            Self::BOOT_RECORD => "BOOT_RECORD",
            Self::DECOMP_SIZE => "DECOMP_SIZE",
            Self::DECOMP_SHA => "DECOMP_SHA",
            Self::DECOMP_SIGNATURE => "DECOMP_SIGNATURE",
            Self::COMP_DEC_SIZE => "COMP_DEC_SIZE",
            Self::UUID_VID => "UUID_VID",
            Self::UUID_CID => "UUID_CID",
            other if matches!(other & 0xff, 0xa0..=0xfe) => "VENDOR",
            _ => "UNKNOWN",
        }
    }
}

/// Walks both areas. Gives the entries in file order and the offset of the first byte behind them.
pub(super) fn walk(file: &[u8], header: &Header) -> Result<(Vec<Tlv>, usize), FirmwareError> {
    let missing = |needed: u64| FirmwareError::Truncated { needed, length: file.len() as u64 };
    let start = usize::try_from(header.body_end()).map_err(|_| missing(header.body_end()))?;
    let mut entries = Vec::new();
    let (mut magic, mut total) =
        prefix(file, start).ok_or_else(|| missing(header.body_end() + PREFIX as u64))?;
    let mut area = start;
    if magic == PROTECTED_INFO_MAGIC {
        if total != header.protected_tlv_size {
            return malformed(format!(
                "its header announces {} bytes of protected TLVs but the area says {total}",
                header.protected_tlv_size
            ));
        }
        area_entries(file, area, total, true, &mut entries)?;
        area += usize::from(total);
        (magic, total) = prefix(file, area).ok_or_else(|| missing((area + PREFIX) as u64))?;
    } else if header.protected_tlv_size != 0 {
        return malformed(format!(
            "its header announces {} bytes of protected TLVs but the area behind the body begins with {magic:#06x} instead \
             of {PROTECTED_INFO_MAGIC:#06x}",
            header.protected_tlv_size
        ));
    }
    if magic != INFO_MAGIC {
        return malformed(format!(
            "the TLV area at offset {area} begins with {magic:#06x} instead of {INFO_MAGIC:#06x}"
        ));
    }
    area_entries(file, area, total, false, &mut entries)?;
    Ok((entries, area + usize::from(total)))
}

/// The two little-endian numbers at an offset: magic and total of an area, or type and length of an entry.
fn prefix(file: &[u8], at: usize) -> Option<(u16, u16)> {
    let bytes = file.get(at..at.checked_add(PREFIX)?)?;
    Some((u16::from_le_bytes([bytes[0], bytes[1]]), u16::from_le_bytes([bytes[2], bytes[3]])))
}

fn area_entries(
    file: &[u8],
    start: usize,
    total: u16,
    protected: bool,
    entries: &mut Vec<Tlv>,
) -> Result<(), FirmwareError> {
    let name = if protected { "protected TLV area" } else { "TLV area" };
    let end = start + usize::from(total);
    if usize::from(total) < PREFIX {
        return malformed(format!(
            "its {name} claims to be {total} bytes long, which is less than its own 4-byte header"
        ));
    }
    if file.len() < end {
        return Err(FirmwareError::Truncated { needed: end as u64, length: file.len() as u64 });
    }
    let mut at = start + PREFIX;
    while at < end {
        let entry = if end - at < PREFIX { None } else { prefix(file, at) };
        let Some((kind, length)) = entry else {
            return malformed(format!("{} bytes that are no TLV stand at the end of its {name}", end - at));
        };
        at += PREFIX;
        if end - at < usize::from(length) {
            return malformed(format!(
                "TLV {kind:#06x} of {length} bytes does not fit its {name} of {total} bytes"
            ));
        }
        // The file is at most 64 MiB long, so the offset fits.
        entries.push(Tlv { kind, protected, offset: at as u32, length });
        at += usize::from(length);
    }
    Ok(())
}

fn malformed<T>(detail: String) -> Result<T, FirmwareError> {
    Err(FirmwareError::Malformed { detail })
}
