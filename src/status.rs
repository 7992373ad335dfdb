//! Every way a call or an operation can end, with numbers that never change.
//!
//! The ranges name who has to act: 0 and above is a normal outcome, -1 to -99 the caller's program,
//! -100 to -199 the image file, -200 to -299 the conversation with the device, -300 to -399 the device itself,
//! -400 to -499 the outcome of an update, -500 to -599 this library. A number is never given a second meaning.

/// Declares [`Status`] once: number, name and the sentence that explains it.
macro_rules! statuses {
    ($($variant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        /// The result of a call or of an operation. See the module for the ranges.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum Status {
            $(#[doc = $text] $variant = $number,)*
        }

        impl Status {
            /// Every status there is, from the highest number to the lowest of each range.
            pub const ALL: &'static [Status] = &[$(Status::$variant),*];

            /// The name in capitals, as C and C# spell it without their prefix.
            pub const fn name(self) -> &'static str {
                match self { $(Status::$variant => $name,)* }
            }

            /// One sentence that says what the status means.
            pub const fn text(self) -> &'static str {
                match self { $(Status::$variant => $text,)* }
            }

            /// The status with this number, if there is one.
            pub const fn from_number(number: i32) -> Option<Status> {
                match number { $($number => Some(Status::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    Ok = 0, "OK", "The call did what it says.";
    Wait = 1, "WAIT", "Nothing to send until bytes arrive or the deadline passes.";
    LinkReset = 2, "LINK_RESET", "Drop the device link, bring it up again and report both; a caller that cannot may ignore it.";
    Done = 3, "DONE", "The operation has ended well; its result can be read.";
    HealthCheck = 4, "HEALTH_CHECK", "The new image runs; the session waits for the caller's word before it confirms it.";
    Empty = 5, "EMPTY", "There is nothing to read now.";

    InvalidHandle = -1, "INVALID_HANDLE", "The handle is closed, of another kind, or was never given out.";
    NullPointer = -2, "NULL_POINTER", "A pointer that must not be NULL is NULL.";
    InvalidArgument = -3, "INVALID_ARGUMENT", "An argument is outside its range.";
    StructSize = -4, "STRUCT_SIZE", "struct_size is smaller than the smallest version of this struct.";
    BufferTooSmall = -5, "BUFFER_TOO_SMALL", "The buffer is too small; the needed length was stored and nothing changed.";
    Busy = -6, "BUSY", "Another thread is inside this handle.";
    OperationRunning = -7, "OPERATION_RUNNING", "The session already runs an operation; finish or cancel it first.";
    NoOperation = -8, "NO_OPERATION", "No operation was started on this session, or it has no result yet.";
    WrongState = -9, "WRONG_STATE", "The call does not fit the state of the operation.";
    UnknownCommand = -10, "UNKNOWN_COMMAND", "There is no command with this number or name.";
    InvalidJson = -11, "INVALID_JSON", "The arguments are not the JSON object that the command takes.";
    TooManyHandles = -12, "TOO_MANY_HANDLES", "No further handle can be given out.";
    SnapshotDamaged = -13, "SNAPSHOT_DAMAGED", "The snapshot is not one, or its checksum does not fit.";
    SnapshotVersion = -14, "SNAPSHOT_VERSION", "The snapshot was written by a newer version of the library.";
    SnapshotImage = -15, "SNAPSHOT_IMAGE", "The snapshot belongs to another image.";
    Unavailable = -16, "UNAVAILABLE", "This build of the library does not contain the feature.";

    FileUnreadable = -100, "FILE_UNREADABLE", "The file cannot be read.";
    NotAnImage = -101, "NOT_AN_IMAGE", "The bytes are not a signed MCUboot image.";
    ImageTruncated = -102, "IMAGE_TRUNCATED", "The image ends before its header or its TLV area says.";
    ImageHashMissing = -103, "IMAGE_HASH_MISSING", "The image has no hash TLV, so the device could never list it.";
    ImageHashMismatch = -104, "IMAGE_HASH_MISMATCH", "The hash TLV does not fit the bytes of the image.";
    ImageMalformed = -105, "IMAGE_MALFORMED", "The header or the TLV area of the image contradicts itself.";
    ImageTooLarge = -106, "IMAGE_TOO_LARGE", "The file is larger than the library accepts.";
    LegacyPackage = -107, "LEGACY_PACKAGE", "The file is a package of the nRF5 SDK, which MCUboot devices cannot take.";
    PackageMalformed = -108, "PACKAGE_MALFORMED", "The package is damaged or its manifest contradicts its files.";
    PackageUnsafe = -109, "PACKAGE_UNSAFE", "The package has an entry that is refused for safety.";
    ImageUnsupported = -110, "IMAGE_UNSUPPORTED", "The image is of a kind that SMP cannot install.";

    Timeout = -200, "TIMEOUT", "The device did not answer in time.";
    Stalled = -201, "STALLED", "The device answers but does not move on.";
    Undecodable = -202, "UNDECODABLE", "The device's answer cannot be decoded.";
    UnexpectedResponse = -203, "UNEXPECTED_RESPONSE", "The device's answer lacks something that it must hold.";
    OffsetOutOfRange = -204, "OFFSET_OUT_OF_RANGE", "The device asks for an offset beyond the end of the image.";
    RestartLimit = -205, "RESTART_LIMIT", "The device made the upload start over too often.";
    LinkLost = -206, "LINK_LOST", "The device link went down and did not come back in time.";
    FrameTooSmall = -207, "FRAME_TOO_SMALL", "A frame of the allowed size cannot carry the request.";

    DeviceError = -300, "DEVICE_ERROR", "The device refused the request with an error of its own.";
    NotSupported = -301, "NOT_SUPPORTED", "The device does not know the command.";
    AccessDenied = -302, "ACCESS_DENIED", "The device denies access to the command.";
    DeviceBusy = -303, "DEVICE_BUSY", "The device stayed busy or out of memory.";
    FlashFailed = -304, "FLASH_FAILED", "The device failed to erase, write or read its flash.";
    NoFreeSlot = -305, "NO_FREE_SLOT", "The device has no free slot for the image.";

    Cancelled = -400, "CANCELLED", "The caller cancelled the operation.";
    Reverted = -401, "REVERTED", "The new image ran on trial and the bootloader went back to the old one.";
    NotSwapped = -402, "NOT_SWAPPED", "After the reset the old image still runs: the bootloader did not take the new one.";
    WrongImageRunning = -403, "WRONG_IMAGE_RUNNING", "After the reset the device runs an image that is neither the old nor the new one.";
    DowngradeRefused = -404, "DOWNGRADE_REFUSED", "The image is not newer than the running one and a downgrade was not allowed.";
    SlotTooSmall = -405, "SLOT_TOO_SMALL", "The image does not fit the slot.";
    SlotInUse = -406, "SLOT_IN_USE", "The slot is held by an image that is pending or on trial.";
    NotListed = -407, "NOT_LISTED", "After the upload the device does not list the image.";
    NotMarked = -408, "NOT_MARKED", "The device did not mark the image for the next boot.";
    NotConfirmed = -409, "NOT_CONFIRMED", "The device did not confirm the new image.";
    DigestMismatch = -410, "DIGEST_MISMATCH", "The device says that what it received does not fit the digest.";
    Contradiction = -411, "CONTRADICTION", "The device contradicts itself.";
    DidNotReturn = -412, "DID_NOT_RETURN", "The device did not come back after the reset.";
    HealthCheckFailed = -413, "HEALTH_CHECK_FAILED", "The caller found the new image unhealthy; it was left unconfirmed.";
    UploadLost = -414, "UPLOAD_LOST", "The finished upload was erased again before it could be installed.";

    Panic = -500, "PANIC", "A defect in the library was caught; close the handle and report it.";
}

impl Status {
    /// The frozen number.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Whether the status is a normal outcome (0 and above).
    pub const fn is_normal(self) -> bool {
        self.number() >= 0
    }
}
