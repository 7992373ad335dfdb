//! What an image becomes on the device: what of the file is sent, by which number, and what shall run in the end.

use super::{Firmware, FirmwareError, Image, ImageHash, Version, digest};

/// What shall run in the end, where the device makes it from what is sent: a delta, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The hash by which the device lists the image that runs.
    Hash(ImageHash),
    /// Its version, by which the device lists it; of two builds with one version either is right then.
    Version(Version),
}

impl Image {
    /// The number by which serial recovery with direct upload reaches the image's first slot, where the package tells it.
    pub fn recovery_number(&self) -> Option<u32> {
        self.origin.as_ref()?.slot_index_primary
    }

    /// The file without what follows its TLV areas, and the SHA-256 of that, where it ends in a slot trailer: once that is written, the
    /// slot is pending.
    pub fn without_trailer(&self) -> Option<(&[u8], &[u8; 32])> {
        Some((self.content(), self.content_sha256.as_ref()?))
    }

    /// The SHA-256 of the content of a file that ends in a slot trailer.
    pub(super) fn digest_content(bytes: &[u8], content_length: u32, is_padded: bool) -> Option<[u8; 32]> {
        is_padded.then(|| digest::sha256(&bytes[..content_length as usize]))
    }
}

impl Firmware {
    /// The same file, where what shall run in the end is not what is sent: a delta, or another image that the device makes into one of
    /// its own. `index` counts the images of the file. It decides whether an update of that image succeeded.
    ///
    /// # Errors
    /// The file has no image of that index.
    pub fn expecting(mut self, index: usize, expected: Expected) -> Result<Firmware, FirmwareError> {
        let count = self.images.len();
        let Some(image) = self.images.get_mut(index) else {
            return Err(FirmwareError::Unsupported {
                detail: format!("it has {count} images, so there is none with index {index}"),
            });
        };
        image.expected = Some(expected);
        Ok(self)
    }
}
