//! Why a file cannot be used: every variant is one sentence that says what is wrong and what to do about it.

use thiserror::Error;

use super::digest::hex;
use super::{FileKind, HashKind};
use crate::Status;

/// Why a file was refused. Nothing of it was kept and no byte was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FirmwareError {
    /// The operating system did not give the bytes.
    #[error("the file {path} cannot be read: {reason}; check the path and its permissions")]
    Unreadable {
        /// The path as it was given.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// The file is something else.
    #[error("this is not a signed MCUboot image but {}; {}", .0.what(), .0.advice())]
    NotAnImage(
        /// What it is instead.
        FileKind,
    ),
    /// More bytes than the library takes.
    #[error(
        "the file has {length} bytes but at most {limit} are accepted; check that it is a firmware image for this device"
    )]
    TooLarge {
        /// How many there are.
        length: u64,
        /// How many are accepted.
        limit: u64,
    },
    /// The file ends too early.
    #[error(
        "the image is cut off: {} of at least {needed} bytes are missing; the download or the copy did not finish, so get \
         the file again", .needed - .length
    )]
    Truncated {
        /// How many bytes there must be at least.
        needed: u64,
        /// How many there are.
        length: u64,
    },
    /// No hash TLV.
    #[error(
        "the image has no hash TLV (SHA-256, SHA-384 or SHA-512), so no device could check or list it; sign it with imgtool"
    )]
    HashMissing,
    /// The hash TLV does not fit.
    #[error(
        "the {} in the image ({}…) is not that of its bytes ({}…): it was changed or damaged after signing; get the \
         file again or sign it again", .kind, hex(.stated), hex(.computed)
    )]
    HashMismatch {
        /// The algorithm.
        kind: HashKind,
        /// The first bytes of what the TLV says.
        stated: [u8; 4],
        /// The first bytes of what the file gives.
        computed: [u8; 4],
    },
    /// Header or TLV areas contradict themselves.
    #[error(
        "the image contradicts itself: {detail}; it is damaged or was not made by imgtool, so sign it again"
    )]
    Malformed {
        /// The contradiction.
        detail: String,
    },
    /// An image that no device could install over SMP.
    #[error("the image cannot be installed over SMP: {detail}")]
    Unsupported {
        /// Why, and what to do.
        detail: String,
    },
    /// The package cannot be read or contradicts itself.
    #[error("the package is damaged or contradicts itself: {detail}; build or download it again")]
    PackageMalformed {
        /// Where and how.
        detail: String,
    },
    /// An entry that is refused for safety.
    #[error(
        "the package is refused because of its entry {entry:?}: {detail}; do not use a package from this source unchecked"
    )]
    PackageUnsafe {
        /// The name of the entry, as it stands in the package.
        entry: String,
        /// What is unsafe.
        detail: String,
    },
    /// A file of the package is refused.
    #[error("the file {entry:?} of the package is refused: {source}")]
    InPackage {
        /// The name of the file.
        entry: String,
        /// Why.
        source: Box<FirmwareError>,
    },
}

impl FirmwareError {
    /// The frozen status of the error, always in the range of image files.
    pub fn status(&self) -> Status {
        match self {
            FirmwareError::Unreadable { .. } => Status::FileUnreadable,
            FirmwareError::NotAnImage(kind) => kind.status(),
            FirmwareError::TooLarge { .. } => Status::ImageTooLarge,
            FirmwareError::Truncated { .. } => Status::ImageTruncated,
            FirmwareError::HashMissing => Status::ImageHashMissing,
            FirmwareError::HashMismatch { .. } => Status::ImageHashMismatch,
            FirmwareError::Malformed { .. } => Status::ImageMalformed,
            FirmwareError::Unsupported { .. } => Status::ImageUnsupported,
            FirmwareError::PackageMalformed { .. } => Status::PackageMalformed,
            FirmwareError::PackageUnsafe { .. } => Status::PackageUnsafe,
            FirmwareError::InPackage { source, .. } => source.status(),
        }
    }
}
