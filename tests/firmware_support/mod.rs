//! Makes MCUboot images for the firmware tests, independently of the code under test: bytes are laid out by hand here.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod package;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The type of a SHA-256 TLV.
pub const SHA256: u16 = 0x10;

/// An image to be built; every field may be wrong on purpose.
#[derive(Clone, Debug)]
pub struct Builder {
    pub magic: u32,
    pub load_address: u32,
    pub header_size: u16,
    pub flags: u32,
    pub version: (u8, u8, u16, u32),
    pub body: Vec<u8>,
    pub protected: Vec<(u16, Vec<u8>)>,
    pub unprotected: Vec<(u16, Vec<u8>)>,
    /// The type of the hash TLV to compute and put first, 0 for none.
    pub hash: u16,
    pub tail: Vec<u8>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            magic: 0x96f3_b83d,
            load_address: 0,
            header_size: 32,
            flags: 0,
            version: (1, 2, 3, 4),
            body: (0..1000u32).map(|i| (i * 7 + i / 256) as u8).collect(),
            protected: Vec::new(),
            unprotected: Vec::new(),
            hash: SHA256,
            tail: Vec::new(),
        }
    }
}

impl Builder {
    /// Header and body.
    pub fn head(&self) -> Vec<u8> {
        let protected = area(0x6908, &self.protected);
        let mut out = Vec::new();
        out.extend(self.magic.to_le_bytes());
        out.extend(self.load_address.to_le_bytes());
        out.extend(self.header_size.to_le_bytes());
        out.extend((protected.len() as u16).to_le_bytes());
        out.extend((self.body.len() as u32).to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend([self.version.0, self.version.1]);
        out.extend(self.version.2.to_le_bytes());
        out.extend(self.version.3.to_le_bytes());
        out.extend([0; 4]);
        out.resize(usize::from(self.header_size).max(32), 0);
        out.extend(&self.body);
        out
    }

    /// The part that the hash covers.
    pub fn hashed(&self) -> Vec<u8> {
        let mut out = self.head();
        out.extend(area(0x6908, &self.protected));
        out
    }

    pub fn build(&self) -> Vec<u8> {
        let mut out = self.hashed();
        let mut entries = Vec::new();
        match self.hash {
            0x10 => entries.push((0x10, Sha256::digest(&out).to_vec())),
            0x11 => entries.push((0x11, Sha384::digest(&out).to_vec())),
            0x12 => entries.push((0x12, Sha512::digest(&out).to_vec())),
            _ => {}
        }
        entries.extend(self.unprotected.iter().cloned());
        let mut unprotected = area(0x6907, &entries);
        if unprotected.is_empty() {
            unprotected = vec![0x07, 0x69, 4, 0];
        }
        out.extend(unprotected);
        out.extend(&self.tail);
        out
    }
}

fn area(magic: u16, entries: &[(u16, Vec<u8>)]) -> Vec<u8> {
    if entries.is_empty() {
        return Vec::new();
    }
    let total = 4 + entries.iter().map(|(_, value)| 4 + value.len()).sum::<usize>();
    let mut out = Vec::new();
    out.extend(magic.to_le_bytes());
    out.extend((total as u16).to_le_bytes());
    for (kind, value) in entries {
        out.extend(kind.to_le_bytes());
        out.extend((value.len() as u16).to_le_bytes());
        out.extend(value);
    }
    out
}

/// A TLV for a dependency on `image` in at least `version`.
pub fn dependency(image: u8, version: (u8, u8, u16, u32)) -> (u16, Vec<u8>) {
    let mut value = vec![image, 0, 0, 0, version.0, version.1];
    value.extend(version.2.to_le_bytes());
    value.extend(version.3.to_le_bytes());
    (0x40, value)
}
