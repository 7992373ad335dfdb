//! One MCUboot image: parsed, bounded, and its hash checked against its bytes.

use std::sync::Arc;

use super::digest::{self, HashKind, ImageHash};
use super::header::{HEADER_LENGTH, Header, MAGIC};
use super::target::Expected;
use super::{FileKind, FirmwareError, PackageFile, Padding, SignatureKind, Tlv, Trailer, Version, tlv};

/// Another image that must be on the device in at least this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The number of the other image.
    pub image_number: u8,
    /// The lowest version that will do.
    pub minimum: Version,
}

/// What was found out about the hash TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashCheck {
    /// The TLV is the hash of the bytes in the file.
    Verified,
    /// The image is encrypted and its hash is that of the plain image, so that only the device can check it.
    Encrypted,
}

/// An image that may be uploaded. The bytes are shared, never copied.
#[derive(Debug, Clone)]
pub struct Image {
    /// The whole file, as it is uploaded.
    pub bytes: Arc<[u8]>,
    /// The name of the file in the package, if it came from one.
    pub file: Option<String>,
    /// The number of the image on the device (`image` in SMP); 0 unless a package says otherwise.
    pub image_number: u32,
    /// For direct XIP: the half (0 primary, 1 secondary) for which this alternative was built. For the bootloader itself:
    /// 0 for S0 and 1 for S1.
    pub slot: Option<u32>,
    /// What the manifest of the package says of it; `None` for a file that is one image.
    pub origin: Option<Arc<PackageFile>>,
    /// The version in the header.
    pub version: Version,
    /// The hash TLV: by it the device lists the image once it is uploaded.
    pub hash: ImageHash,
    /// Whether the hash could be checked.
    pub hash_check: HashCheck,
    /// The SHA-256 of the whole file: what the upload sends. Never the same as `hash`.
    pub sha256: [u8; 32],
    /// For a compressed image: the hash of what it becomes, by which the device lists it once it runs.
    pub decompressed_hash: Option<ImageHash>,
    /// The header.
    pub header: Header,
    /// Every entry of both TLV areas, in file order.
    pub tlvs: Vec<Tlv>,
    /// The kind of the signature.
    pub signature: SignatureKind,
    /// Other images that this one needs, from the protected area.
    pub dependencies: Vec<Dependency>,
    /// The security counter against roll-back, from the protected area.
    pub security_counter: Option<u32>,
    /// The length in bytes of header, body and TLV areas, without what follows.
    pub content_length: u32,
    /// What follows the TLV areas.
    pub padding: Option<Padding>,
    /// For a file that ends in a slot trailer: the SHA-256 of what stands before its padding.
    pub(super) content_sha256: Option<[u8; 32]>,
    /// What shall run in the end, where it is not this image; see [`Firmware::expecting`](super::Firmware::expecting).
    pub expected: Option<Expected>,
}

impl Image {
    /// Parses and checks a file that is one MCUboot image.
    ///
    /// # Errors
    /// Each says what is wrong with the file; the walk is bounded by its length and never panics.
    pub fn parse(bytes: Arc<[u8]>) -> Result<Image, FirmwareError> {
        let length = bytes.len() as u64;
        if !bytes.starts_with(&MAGIC.to_le_bytes()) {
            return Err(FirmwareError::NotAnImage(FileKind::of(&bytes)));
        }
        if length > super::MAX_IMAGE_LENGTH {
            return Err(FirmwareError::TooLarge { length, limit: super::MAX_IMAGE_LENGTH });
        }
        let Some(first) = bytes.first_chunk::<HEADER_LENGTH>() else {
            return Err(FirmwareError::Truncated { needed: HEADER_LENGTH as u64, length });
        };
        let header = Header::read(first);
        check_header(&header)?;
        let needed = header.hashed_length();
        if length < needed {
            return Err(FirmwareError::Truncated { needed, length });
        }
        // A file that was cut off ends just here only by chance.
        if length == needed {
            return Err(FirmwareError::NotAnImage(FileKind::PreparedForSigning));
        }
        let (tlvs, content_length) = tlv::walk(&bytes, &header)?;
        check_encryption(&header, &tlvs)?;
        let hash = hash_of(&bytes, &tlvs)?;
        // Inside the file: checked against its length above.
        let computed = hash.kind().compute(&bytes[..needed as usize]);
        let hash_check = if computed == hash {
            HashCheck::Verified
        } else if header.flags.is_encrypted() {
            HashCheck::Encrypted
        } else {
            return Err(FirmwareError::HashMismatch {
                kind: hash.kind(),
                stated: hash.first(),
                computed: computed.first(),
            });
        };
        let protected = |kind: u16| tlvs.iter().filter(move |tlv| tlv.protected && tlv.kind == kind);
        let dependencies =
            protected(Tlv::DEPENDENCY).map(|tlv| dependency(tlv.value(&bytes))).collect::<Result<_, _>>()?;
        let security_counter =
            protected(Tlv::SEC_CNT).next().map(|tlv| counter(tlv.value(&bytes))).transpose()?;
        let decompressed_hash = match protected(Tlv::DECOMP_SHA).next() {
            Some(tlv) if header.flags.is_compressed() => {
                Some(decompressed_hash(tlv.value(&bytes), hash.kind())?)
            }
            None if header.flags.is_compressed() => {
                return malformed("it is compressed but lacks the hash of the decompressed image".into());
            }
            _ => None,
        };
        let padding = Padding::of(&bytes[content_length..]);
        Ok(Image {
            file: None,
            image_number: 0,
            slot: None,
            origin: None,
            version: header.version,
            hash,
            hash_check,
            sha256: digest::sha256(&bytes),
            decompressed_hash,
            header,
            signature: SignatureKind::of(&tlvs, hash.kind()),
            dependencies,
            security_counter,
            content_length: content_length as u32,
            content_sha256: Image::digest_content(
                &bytes,
                content_length as u32,
                padding.is_some_and(|padding| padding.trailer.is_some()),
            ),
            padding,
            expected: None,
            tlvs,
            bytes,
        })
    }

    /// The hash by which the device lists the image once it runs: `hash`, or what it decompresses to.
    pub fn running_hash(&self) -> &ImageHash {
        self.decompressed_hash.as_ref().unwrap_or(&self.hash)
    }

    /// The length of the file in bytes.
    pub fn length(&self) -> u32 {
        // At most MAX_IMAGE_LENGTH.
        self.bytes.len() as u32
    }

    /// Whether the header marks the body as encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.header.flags.is_encrypted()
    }

    /// Whether the body is compressed.
    pub fn is_compressed(&self) -> bool {
        self.header.flags.is_compressed()
    }

    /// Whether the file was padded to a slot and ends in a slot trailer.
    pub fn is_padded(&self) -> bool {
        self.trailer().is_some()
    }

    /// The slot trailer at the end of the file: once it is written, the slot is pending, and with
    /// [`confirmed`](Trailer::confirmed) for good, without any request to mark it.
    pub fn trailer(&self) -> Option<Trailer> {
        self.padding?.trailer
    }

    /// Header, body and TLV areas: all that a bootloader looks at, without padding and trailer.
    pub fn content(&self) -> &[u8] {
        &self.bytes[..self.content_length as usize]
    }

    /// The same image without what follows its TLV areas, so that uploading it marks nothing.
    #[must_use]
    pub fn without_padding(&self) -> Image {
        let bytes: Arc<[u8]> = self.content().into();
        Image { sha256: digest::sha256(&bytes), bytes, padding: None, content_sha256: None, ..self.clone() }
    }

    /// The value of the first entry of a type, from either area.
    pub fn tlv_value(&self, kind: u16) -> Option<&[u8]> {
        self.tlvs.iter().find(|tlv| tlv.kind == kind).map(|tlv| tlv.value(&self.bytes))
    }
}

fn check_header(header: &Header) -> Result<(), FirmwareError> {
    use super::ImageFlags as Flags;
    if usize::from(header.header_size) < HEADER_LENGTH {
        return malformed(format!(
            "its header claims to be {} bytes long, less than the 32 it has",
            header.header_size
        ));
    }
    if header.image_size == 0 {
        return malformed("its body is 0 bytes long".into());
    }
    if header.flags.has(Flags::ENCRYPTED_AES128 | Flags::ENCRYPTED_AES256) {
        return malformed("it is marked as encrypted with AES-128 and with AES-256 at once".into());
    }
    if header.flags.has(Flags::COMPRESSED_LZMA1 | Flags::COMPRESSED_LZMA2) {
        return malformed("it is marked as compressed with LZMA1 and with LZMA2 at once".into());
    }
    Ok(())
}

/// MCUboot needs the key in a TLV; without it the flag could only come from damage, and hide it.
fn check_encryption(header: &Header, tlvs: &[Tlv]) -> Result<(), FirmwareError> {
    let has_key = tlvs.iter().any(|tlv| (Tlv::ENC_FIRST..=Tlv::ENC_LAST).contains(&tlv.kind));
    if header.flags.is_encrypted() && !has_key {
        return malformed("it is marked as encrypted but has no TLV with the key".into());
    }
    Ok(())
}

/// The one hash TLV. Zephyr looks for it in the unprotected area and refuses an image with two.
fn hash_of(bytes: &[u8], tlvs: &[Tlv]) -> Result<ImageHash, FirmwareError> {
    let mut found =
        tlvs.iter().filter(|tlv| !tlv.protected).filter_map(|tlv| Some((tlv, HashKind::from_tlv(tlv.kind)?)));
    let Some((tlv, kind)) = found.next() else {
        return Err(FirmwareError::HashMissing);
    };
    if found.next().is_some() {
        return malformed("it has more than one hash TLV".into());
    }
    match ImageHash::from_bytes(tlv.value(bytes)) {
        Some(hash) if hash.kind() == kind => Ok(hash),
        _ => malformed(format!("its {kind} TLV has {} bytes instead of {}", tlv.length, kind.length())),
    }
}

fn dependency(value: &[u8]) -> Result<Dependency, FirmwareError> {
    match <[u8; 12]>::try_from(value) {
        Ok([number, _, _, _, version @ ..]) => {
            Ok(Dependency { image_number: number, minimum: Version::from_bytes(version) })
        }
        Err(_) => malformed(format!("a dependency TLV has {} bytes instead of 12", value.len())),
    }
}

fn counter(value: &[u8]) -> Result<u32, FirmwareError> {
    match <[u8; 4]>::try_from(value) {
        Ok(bytes) => Ok(u32::from_le_bytes(bytes)),
        Err(_) => malformed(format!("its security counter TLV has {} bytes instead of 4", value.len())),
    }
}

/// `image.h`: the hash of the decompressed image must be of the kind and size of the image's own.
fn decompressed_hash(value: &[u8], kind: HashKind) -> Result<ImageHash, FirmwareError> {
    match ImageHash::from_bytes(value) {
        Some(hash) if hash.kind() == kind => Ok(hash),
        _ => malformed(format!(
            "the hash of its decompressed image has {} bytes instead of {}",
            value.len(),
            kind.length()
        )),
    }
}

fn malformed<T>(detail: String) -> Result<T, FirmwareError> {
    Err(FirmwareError::Malformed { detail })
}
