//! Images with something special about them: linked for an address, encrypted, with another hash, with a trailer.

use super::super::rng::Rng;
use super::{FLAG_ENCRYPTED, HEADER_LEN, MAGIC, MIN_SIZE, TLV_MAGIC, Version, digest};

/// The last 16 bytes of a slot whose image is marked (MCUboot `bootutil_misc.c`, `BOOT_MAGIC_INIT`).
pub const TRAILER_MAGIC: [u8; 16] =
    [0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80];

/// The key TLV of an encrypted image (IMAGE_TLV_ENC_RSA2048) and its length.
const KEY: (u16, usize) = (0x30, 256);

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The version of the header.
    pub version: Version,
    /// Bytes of the whole file.
    pub size: usize,
    /// Seed of the body.
    pub seed: u64,
    /// The header's load address, 0 for none.
    pub load_address: u32,
    /// Stack pointer and reset vector at the start of the body.
    pub vectors: Option<(u32, u32)>,
    /// Bytes of the hash: 32, 48 or 64.
    pub hash_len: usize,
    /// The body is encrypted, as far as this device is concerned.
    pub encrypted: bool,
}

impl Recipe {
    /// A plain image with a SHA-256.
    pub fn new(version: impl Into<Version>, size: usize, seed: u64) -> Recipe {
        let version = version.into();
        Recipe { version, size, seed, load_address: 0, vectors: None, hash_len: 32, encrypted: false }
    }

    /// The image, of exactly `size` bytes where header and TLVs leave room for that.
    pub fn make(&self) -> Vec<u8> {
        let key = if self.encrypted { 4 + KEY.1 } else { 0 };
        let area = 4 + 4 + self.hash_len + key;
        let size = self.size.max(MIN_SIZE).max(HEADER_LEN + 8 + area - 4);
        let body = size - HEADER_LEN - area;
        let flags = if self.encrypted { FLAG_ENCRYPTED & 4 } else { 0 };
        let mut image = Vec::with_capacity(size);
        image.extend_from_slice(&MAGIC.to_le_bytes());
        image.extend_from_slice(&self.load_address.to_le_bytes());
        image.extend_from_slice(&(HEADER_LEN as u16).to_le_bytes());
        image.extend_from_slice(&0u16.to_le_bytes());
        image.extend_from_slice(&(body as u32).to_le_bytes());
        image.extend_from_slice(&flags.to_le_bytes());
        image.extend_from_slice(&[self.version.major, self.version.minor]);
        image.extend_from_slice(&self.version.revision.to_le_bytes());
        image.extend_from_slice(&self.version.build.to_le_bytes());
        image.extend_from_slice(&0u32.to_le_bytes());
        image.resize(HEADER_LEN + body, 0);
        Rng::stream(self.seed, 0x0069_6d61_6765).fill(&mut image[HEADER_LEN..]);
        if let (Some((stack, reset)), true) = (self.vectors, body >= 8) {
            image[HEADER_LEN..HEADER_LEN + 4].copy_from_slice(&stack.to_le_bytes());
            image[HEADER_LEN + 4..HEADER_LEN + 8].copy_from_slice(&reset.to_le_bytes());
        }
        let hash = digest(&image, self.hash_len);
        if self.encrypted {
            image = decrypted(&image);
        }
        image.extend_from_slice(&TLV_MAGIC.to_le_bytes());
        image.extend_from_slice(&(area as u16).to_le_bytes());
        let kind: u16 = match self.hash_len {
            48 => 0x11,
            64 => 0x12,
            _ => 0x10,
        };
        image.extend_from_slice(&kind.to_le_bytes());
        image.extend_from_slice(&(self.hash_len as u16).to_le_bytes());
        image.extend_from_slice(&hash);
        if self.encrypted {
            image.extend_from_slice(&KEY.0.to_le_bytes());
            image.extend_from_slice(&(KEY.1 as u16).to_le_bytes());
            image.resize(image.len() + KEY.1, 0x4b);
        }
        image
    }
}

/// Header and body with the body decrypted, or encrypted: the cipher of this device is its own inverse. It stands for
/// AES, whose key the device alone has.
pub fn decrypted(content: &[u8]) -> Vec<u8> {
    let mut plain = content.to_vec();
    plain.iter_mut().skip(HEADER_LEN).for_each(|byte| *byte ^= 0x5a);
    plain
}

/// The image as `imgtool sign --pad` writes it: up to the slot's end, marked; with `confirmed` for good
/// (`--pad --confirm`).
pub fn padded(image: &[u8], slot_size: usize, confirmed: bool) -> Vec<u8> {
    let mut padded = image.to_vec();
    padded.resize(slot_size.max(image.len() + 32), 0xff);
    let end = padded.len();
    padded[end - 16..].copy_from_slice(&TRAILER_MAGIC);
    if confirmed {
        padded[end - 24] = 1;
    }
    padded
}
