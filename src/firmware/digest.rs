//! The two digests of an image that must never be mixed: the hash TLV, by which a device lists the image, and the
//! SHA-256 of the whole file, which the upload sends.

use std::fmt;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The algorithm of a hash TLV (MCUboot `image.h`, types 0x10 to 0x12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

impl HashKind {
    /// The kind a TLV of this type holds.
    pub(super) const fn from_tlv(kind: u16) -> Option<HashKind> {
        match kind {
            0x10 => Some(HashKind::Sha256),
            0x11 => Some(HashKind::Sha384),
            0x12 => Some(HashKind::Sha512),
            _ => None,
        }
    }

    /// The kind of a hash of this many bytes.
    pub const fn from_length(length: usize) -> Option<HashKind> {
        match length {
            32 => Some(HashKind::Sha256),
            48 => Some(HashKind::Sha384),
            64 => Some(HashKind::Sha512),
            _ => None,
        }
    }

    /// The length in bytes.
    pub const fn length(self) -> usize {
        self.bits() as usize / 8
    }

    /// 256, 384 or 512.
    pub const fn bits(self) -> u32 {
        match self {
            HashKind::Sha256 => 256,
            HashKind::Sha384 => 384,
            HashKind::Sha512 => 512,
        }
    }

    /// The hash of these bytes.
    pub fn compute(self, bytes: &[u8]) -> ImageHash {
        let mut hash = ImageHash { kind: self, bytes: [0; 64] };
        let out = &mut hash.bytes[..self.length()];
        match self {
            HashKind::Sha256 => out.copy_from_slice(&Sha256::digest(bytes)),
            HashKind::Sha384 => out.copy_from_slice(&Sha384::digest(bytes)),
            HashKind::Sha512 => out.copy_from_slice(&Sha512::digest(bytes)),
        }
        hash
    }
}

/// `SHA-256`, `SHA-384` or `SHA-512`.
impl fmt::Display for HashKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SHA-{}", self.bits())
    }
}

/// A hash by which a device lists an image.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageHash {
    kind: HashKind,
    /// Zero behind the length of the kind, so that equality of the whole is equality of the hash.
    bytes: [u8; 64],
}

impl ImageHash {
    /// A hash of 32, 48 or 64 bytes; `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<ImageHash> {
        let kind = HashKind::from_length(bytes.len())?;
        let mut hash = ImageHash { kind, bytes: [0; 64] };
        hash.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(hash)
    }

    /// The algorithm.
    pub const fn kind(&self) -> HashKind {
        self.kind
    }

    /// The 32, 48 or 64 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.length()]
    }

    /// The first four bytes, enough to tell two hashes apart in a sentence.
    pub fn first(&self) -> [u8; 4] {
        let [first, second, third, fourth, ..] = self.bytes;
        [first, second, third, fourth]
    }
}

/// All bytes in hexadecimal digits.
impl fmt::Display for ImageHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for ImageHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {self}", self.kind)
    }
}

/// The SHA-256 of a whole file.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[digit as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{HashKind, ImageHash, hex};

    // FIPS 180-4, the example message "abc".
    #[test]
    fn digests_are_those_of_the_standard() {
        assert!(HashKind::Sha256.compute(b"abc").to_string().starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(HashKind::Sha384.compute(b"abc").to_string().starts_with("cb00753f45a35e8bb5a03d699ac65007"));
        assert!(HashKind::Sha512.compute(b"abc").to_string().starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn the_length_tells_the_kind() {
        for kind in [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512] {
            let hash = kind.compute(b"x");
            assert_eq!(hash.as_bytes().len(), kind.length());
            assert_eq!(ImageHash::from_bytes(hash.as_bytes()), Some(hash));
            assert_eq!(hex(&hash.first()), hash.to_string()[..8]);
        }
        assert_eq!(ImageHash::from_bytes(&[0; 31]), None);
        assert_eq!(ImageHash::from_bytes(&[]), None);
    }
}
