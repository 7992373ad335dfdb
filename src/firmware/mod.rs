//! The file: a signed MCUboot image or a package of them, taken apart and checked before a byte of it is sent.
//!
//! What a file is, its content decides, never its name. Sources of the format: MCUboot's `image.h`, `tlv.c` and
//! `docs/design.md`; imgtool and the nRF Connect SDK's `generate_zip.py` as the tools that write them. Everything here is bounded by the length of the file, allocates
//! nothing from a length that the file merely claims, and never panics.

mod archive;
mod describe;
mod digest;
mod error;
mod header;
mod image;
mod kind;
mod manifest;
mod package;
mod place;
mod signature;
mod target;
mod tlv;
mod trailer;
mod version;

use std::io::Read;
use std::path::Path;

pub use digest::{HashKind, ImageHash};
pub use error::FirmwareError;
pub use header::{Header, ImageFlags};
pub use image::{Dependency, HashCheck, Image};
pub use kind::FileKind;
pub use manifest::{Package, PackageFile};
pub use place::VectorTable;
pub use signature::SignatureKind;
pub use target::Expected;
pub use tlv::Tlv;
pub use trailer::{Padding, Trailer};
pub use version::Version;

/// The greatest accepted image, in bytes: 16 MiB.
pub const MAX_IMAGE_LENGTH: u64 = 16 * 1024 * 1024;
/// The greatest accepted file, in bytes: 64 MiB.
pub const MAX_FILE_LENGTH: u64 = 64 * 1024 * 1024;

/// The greatest number of images in a package.
pub const MAX_IMAGES: usize = 32;

/// What kind of file the images came from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FirmwareKind {
    /// One signed image.
    Image,
    /// A zip package with a manifest (`dfu_application.zip`).
    Package(Package),
}

/// A firmware file: at least one image, in the order in which they are uploaded.
///
/// It is immutable; share it between sessions with an `Arc`.
#[derive(Debug, Clone)]
pub struct Firmware {
    /// What the file was.
    pub kind: FirmwareKind,
    /// The length of the file in bytes.
    pub file_length: u64,
    /// The images, sorted by image number, then by slot.
    pub images: Vec<Image>,
}

impl Firmware {
    /// Parses and checks the bytes of a file.
    ///
    /// # Errors
    /// Says what is wrong with the file, and what it is instead of an image.
    pub fn parse(bytes: Vec<u8>) -> Result<Firmware, FirmwareError> {
        let file_length = bytes.len() as u64;
        if file_length > MAX_FILE_LENGTH {
            return Err(FirmwareError::TooLarge { length: file_length, limit: MAX_FILE_LENGTH });
        }
        let (kind, images) = if archive::is_zip(&bytes) {
            let (package, images) = package::parse(&bytes)?;
            (FirmwareKind::Package(package), images)
        } else {
            (FirmwareKind::Image, vec![Image::parse(bytes.into())?])
        };
        Ok(Firmware { kind, file_length, images })
    }

    /// The images for one image number: one, or the direct-XIP alternatives of which the device's slot picks one.
    pub fn alternatives(&self, image_number: u32) -> impl Iterator<Item = &Image> {
        self.images.iter().filter(move |image| image.image_number == image_number)
    }

    /// What the manifest says, if the file is a package.
    pub fn package(&self) -> Option<&Package> {
        match &self.kind {
            FirmwareKind::Package(package) => Some(package),
            FirmwareKind::Image => None,
        }
    }

    /// Reads a file and parses it. At most [`MAX_FILE_LENGTH`] bytes and one more are read.
    ///
    /// # Errors
    /// As [`Firmware::parse`], and [`FirmwareError::Unreadable`] with what the operating system said.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Firmware, FirmwareError> {
        let path = path.as_ref();
        let unreadable = |error: std::io::Error| FirmwareError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut bytes = Vec::new();
        file.take(MAX_FILE_LENGTH + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_LENGTH {
            return Err(FirmwareError::TooLarge {
                length: length.max(bytes.len() as u64),
                limit: MAX_FILE_LENGTH,
            });
        }
        Firmware::parse(bytes)
    }
}
