//! MCUboot images as the virtual device and its bootloader see them, and a maker of small valid ones.
//!
//! Layout: MCUboot `boot/bootutil/include/bootutil/image.h`; all numbers little-endian.

mod recipe;

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256, Sha384, Sha512};

pub use recipe::{Recipe, TRAILER_MAGIC, decrypted, padded};

/// First word of an image.
pub const MAGIC: u32 = 0x96f3_b83d;
/// Length of the header proper; `hdr_size` may be larger.
pub const HEADER_LEN: usize = 32;
/// The smallest image that [`make`] can make: header, four bytes of body and the hash TLV.
pub const MIN_SIZE: usize = HEADER_LEN + 4 + TLV_LEN;

/// A TLV area with a SHA-256 alone.
const TLV_LEN: usize = 4 + 4 + 32;
const TLV_MAGIC: u16 = 0x6907;
const TLV_PROTECTED_MAGIC: u16 = 0x6908;
const FLAG_NON_BOOTABLE: u32 = 0x10;
const FLAG_ENCRYPTED: u32 = 0x04 | 0x08;

/// An image version: major.minor.revision and a build number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// Major.
    pub major: u8,
    /// Minor.
    pub minor: u8,
    /// Revision.
    pub revision: u16,
    /// Build; not part of Zephyr's and MCUboot's default comparison.
    pub build: u32,
}

impl Version {
    /// The order that Zephyr and MCUboot use by default: without the build number.
    pub fn compare(&self, other: &Version) -> std::cmp::Ordering {
        (self.major, self.minor, self.revision).cmp(&(other.major, other.minor, other.revision))
    }
}

impl From<(u8, u8, u16)> for Version {
    fn from((major, minor, revision): (u8, u8, u16)) -> Version {
        Version { major, minor, revision, build: 0 }
    }
}

impl From<(u8, u8, u16, u32)> for Version {
    fn from((major, minor, revision, build): (u8, u8, u16, u32)) -> Version {
        Version { major, minor, revision, build }
    }
}

impl fmt::Display for Version {
    /// As a device lists it: the build number follows a full stop and is left out when it is 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.revision)?;
        if self.build != 0 { write!(f, ".{}", self.build) } else { Ok(()) }
    }
}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a version is MAJOR.MINOR.REVISION with an optional +BUILD, such as 1.2.3 or 1.2.3+4")]
pub struct VersionError;

impl FromStr for Version {
    type Err = VersionError;

    /// `1.2.3`, `1.2.3+4` (imgtool) or `1.2.3.4` (device).
    fn from_str(text: &str) -> Result<Version, VersionError> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(VersionError);
        let (major, minor, rest) = (next()?, next()?, next()?);
        let (revision, build) = rest.split_once(['+', '.']).unwrap_or((rest, "0"));
        Ok(Version {
            major: major.parse().map_err(|_| VersionError)?,
            minor: minor.parse().map_err(|_| VersionError)?,
            revision: revision.parse().map_err(|_| VersionError)?,
            build: build.parse().map_err(|_| VersionError)?,
        })
    }
}

/// Makes a valid unsigned MCUboot image of exactly `size` bytes: header, random body of the seed, SHA-256 TLV.
/// A size below [`MIN_SIZE`] gives an image of [`MIN_SIZE`] bytes.
pub fn make(version: impl Into<Version>, size: usize, seed: u64) -> Vec<u8> {
    Recipe::new(version, size, seed).make()
}

impl Info {
    /// Its body is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.flags & FLAG_ENCRYPTED != 0
    }
}

/// What the server reads out of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Version of the header.
    pub version: Version,
    /// The hash TLV: 32, 48 or 64 bytes.
    pub hash: Vec<u8>,
    /// The header does not forbid to boot it.
    pub bootable: bool,
    /// Header, body and protected TLVs: what the hash covers.
    pub hashed_len: usize,
    /// The whole image with all its TLVs.
    pub total_len: usize,
    /// The hash belongs to the encrypted or plain flags' image; see the header's flags.
    pub flags: u32,
}

/// Why a slot holds nothing that could be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoImage {
    /// Erased flash where the header should be.
    Blank,
    /// Something else than an image.
    BadMagic,
    /// A header, but no proper TLV area behind it.
    NoTlvs,
    /// A TLV area without a hash of the expected length.
    NoHash,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads version and hash the way Zephyr's image group does; the hash is not checked against the content.
pub fn inspect(slot: &[u8], hash_len: usize) -> Result<Info, NoImage> {
    match u32_at(slot, 0) {
        Some(MAGIC) => {}
        Some(u32::MAX) | None => return Err(NoImage::Blank),
        Some(_) => return Err(NoImage::BadMagic),
    }
    let header = slot.get(..HEADER_LEN).ok_or(NoImage::NoTlvs)?;
    let flags = u32_at(header, 16).ok_or(NoImage::NoTlvs)?;
    let version = header_version(header).ok_or(NoImage::NoTlvs)?;
    let header_size = usize::from(u16_at(header, 8).ok_or(NoImage::NoTlvs)?);
    let body = u32_at(header, 12).ok_or(NoImage::NoTlvs)? as usize;
    let mut at = header_size.checked_add(body).ok_or(NoImage::NoTlvs)?;
    if u16_at(slot, at) == Some(TLV_PROTECTED_MAGIC) {
        at = at.saturating_add(usize::from(u16_at(slot, at + 2).ok_or(NoImage::NoTlvs)?));
    }
    let hashed_len = at;
    if u16_at(slot, at) != Some(TLV_MAGIC) {
        return Err(NoImage::NoTlvs);
    }
    let end = at.saturating_add(usize::from(u16_at(slot, at + 2).ok_or(NoImage::NoTlvs)?));
    at += 4;
    let wanted = match hash_len {
        48 => 0x11,
        64 => 0x12,
        _ => 0x10,
    };
    let mut hash = None;
    while at + 4 <= end {
        let kind = u16_at(slot, at).ok_or(NoImage::NoTlvs)?;
        let len = usize::from(u16_at(slot, at + 2).ok_or(NoImage::NoTlvs)?);
        at += 4;
        if kind == wanted && len == hash_len {
            let value = slot.get(at..at + len).ok_or(NoImage::NoTlvs)?;
            if hash.replace(value.to_vec()).is_some() {
                return Err(NoImage::NoHash);
            }
        }
        at += len;
    }
    let hash = hash.ok_or(NoImage::NoHash)?;
    Ok(Info { version, hash, bootable: flags & FLAG_NON_BOOTABLE == 0, hashed_len, total_len: end, flags })
}

/// The version of a header of at least 32 bytes.
pub fn header_version(header: &[u8]) -> Option<Version> {
    Some(Version {
        major: *header.get(20)?,
        minor: *header.get(21)?,
        revision: u16_at(header, 22)?,
        build: u32_at(header, 24)?,
    })
}

/// Where the header says that the image is to be loaded; `None` for 0 and where there is no image.
pub fn load_address(image: &[u8]) -> Option<u32> {
    u32_at(image, 4).filter(|address| *address != 0 && has_magic(image))
}

/// The second word of the vector table behind the header: where the processor starts.
pub fn reset_vector(image: &[u8]) -> Option<u32> {
    u32_at(image, usize::from(u16_at(image, 8)?) + 4).filter(|_| has_magic(image))
}

/// The first word is that of an image.
pub fn has_magic(header: &[u8]) -> bool {
    u32_at(header, 0) == Some(MAGIC)
}

/// What the bootloader does before it starts or swaps an image: compute the hash and compare.
pub fn verify(slot: &[u8], info: &Info) -> bool {
    let Some(content) = slot.get(..info.hashed_len) else { return false };
    // The hash of an encrypted image is that of its plain bytes.
    let encrypted = info.flags & FLAG_ENCRYPTED != 0;
    digest(content, info.hash.len()) == info.hash
        || encrypted && digest(&decrypted(content), info.hash.len()) == info.hash
}

/// The hash of this length: 32, 48 or 64 bytes.
fn digest(content: &[u8], len: usize) -> Vec<u8> {
    match len {
        48 => Sha384::digest(content).to_vec(),
        64 => Sha512::digest(content).to_vec(),
        _ => Sha256::digest(content).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_image_is_exact_valid_and_repeatable() {
        for size in [MIN_SIZE, 100, 4096, 65_537] {
            let image = make((1, 2, 3), size, 9);
            assert_eq!(image.len(), size);
            assert_eq!(image, make((1, 2, 3), size, 9));
            let info = inspect(&image, 32).unwrap();
            assert_eq!(info.version.to_string(), "1.2.3");
            assert_eq!(info.total_len, size);
            assert!(verify(&image, &info));
            let mut bad = image.clone();
            bad[HEADER_LEN] ^= 1;
            assert!(!verify(&bad, &info));
        }
        assert_ne!(make((1, 0, 0), 200, 1), make((1, 0, 0), 200, 2));
    }

    #[test]
    fn versions_read_both_spellings() {
        assert_eq!("1.2.3+4".parse::<Version>().unwrap(), (1, 2, 3, 4).into());
        assert_eq!("1.2.3.4".parse::<Version>().unwrap().to_string(), "1.2.3.4");
        assert_eq!("1.2.3".parse::<Version>().unwrap().to_string(), "1.2.3");
        for bad in ["", "1", "1.2", "1.2.x", "256.0.0", "1.2.3+", "1.2.70000"] {
            assert_eq!(bad.parse::<Version>(), Err(VersionError), "{bad}");
        }
    }

    #[test]
    fn damaged_slots_never_panic() {
        let image = make((1, 0, 0), 120, 1);
        for cut in 0..image.len() {
            assert!(inspect(&image[..cut], 32).is_err(), "{cut}");
        }
        for at in 0..image.len() {
            let mut bad = image.clone();
            bad[at] = 0xff;
            let _ = inspect(&bad, 32).map(|info| verify(&bad, &info));
        }
    }
}
