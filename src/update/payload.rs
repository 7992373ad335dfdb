//! What of a file is sent.
//!
//! `imgtool sign --pad` writes a slot trailer behind the image, and with `--confirm` one that makes the image permanent the moment the
//! last chunk is written (MCUboot `docs/imgtool.md`). Where the caller wants a trial the file ends for the device behind its TLV areas:
//! the mark is made by command, and the way back stays.

use super::options::{UpdateMode, UpdateOptions};
use crate::firmware::Image;

/// The bytes of an image that are sent, and their SHA-256.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub bytes: &'a [u8],
    pub sha256: &'a [u8; 32],
}

/// The bytes to send.
pub(crate) fn of<'a>(image: &'a Image, options: &UpdateOptions) -> Payload<'a> {
    match image.without_trailer() {
        Some((bytes, sha256)) if wants_trial(options) => Payload { bytes, sha256 },
        _ => Payload { bytes: &image.bytes, sha256: &image.sha256 },
    }
}

/// How many bytes are sent.
pub(crate) fn length(image: &Image, options: &UpdateOptions) -> u32 {
    // At most the length of the file, which fits.
    of(image, options).bytes.len() as u32
}

fn wants_trial(options: &UpdateOptions) -> bool {
    matches!(options.mode, UpdateMode::TestAndConfirm | UpdateMode::TestOnly)
}
