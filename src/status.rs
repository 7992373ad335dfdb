//! Every way a call or an operation can end, with numbers that never change.
//!
//! The ranges name who has to act: 0 and above is a normal outcome, -1 to -99 the caller's program,
//! -100 to -199 the image file, -200 to -299 the conversation with the device, -300 to -399 the device itself,
//! -400 to -499 the outcome of an update, -500 to -599 this library. A number is never given a second meaning.

/// What a program that runs on its own may do about a status. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Retry {
    /// The status is no failure.
    None = 0,
    /// Start the same operation again at once: what was in its way is gone, or waiting makes it worse.
    AtOnce = 1,
    /// Start it again later, as after a few minutes: the link or the device may be better by then.
    Later = 2,
    /// Not by itself: the same operation ends the same way until somebody has changed something.
    Never = 3,
}

impl Retry {
    /// The name in JSON; C and C# spell it in capitals and as `AtOnce`.
    pub const fn name(self) -> &'static str {
        match self {
            Retry::None => "none",
            Retry::AtOnce => "at_once",
            Retry::Later => "later",
            Retry::Never => "never",
        }
    }

    /// The frozen number.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// Declares [`Status`] once: number, name, what may be done about it, and the sentence that explains it.
macro_rules! statuses {
    ($($variant:ident = $number:literal, $name:literal, $retry:ident, $text:literal;)*) => {
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

            /// Whether, and when, a program may start the same operation again by itself.
            pub const fn retry(self) -> Retry {
                match self { $(Status::$variant => Retry::$retry,)* }
            }

            /// The status with this number, if there is one.
            pub const fn from_number(number: i32) -> Option<Status> {
                match number { $($number => Some(Status::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    Ok = 0, "OK", None, "The call did what it says.";
    Wait = 1, "WAIT", None, "Nothing to send until bytes arrive or the deadline passes.";
    LinkReset = 2, "LINK_RESET", None, "Drop the device link, bring it up again and report both; a caller that cannot may ignore it.";
    Done = 3, "DONE", None, "The operation has ended well; its result can be read.";
    HealthCheck = 4, "HEALTH_CHECK", None, "The new image runs; the session waits for the caller's word before it confirms it.";
    Empty = 5, "EMPTY", None, "There is nothing to read now.";

    InvalidHandle = -1, "INVALID_HANDLE", Never, "The handle is closed, of another kind, or was never given out.";
    NullPointer = -2, "NULL_POINTER", Never, "A pointer that must not be NULL is NULL.";
    InvalidArgument = -3, "INVALID_ARGUMENT", Never, "An argument is outside its range.";
    StructSize = -4, "STRUCT_SIZE", Never, "struct_size is smaller than the smallest version of this struct.";
    BufferTooSmall = -5, "BUFFER_TOO_SMALL", Never, "The buffer is too small; the needed length was stored and nothing changed.";
    Busy = -6, "BUSY", AtOnce, "Another thread is inside this handle.";
    OperationRunning = -7, "OPERATION_RUNNING", Later, "The session already runs an operation; finish or cancel it first.";
    NoOperation = -8, "NO_OPERATION", Never, "No operation was started on this session, or it has no result yet.";
    WrongState = -9, "WRONG_STATE", Never, "The call does not fit the state of the operation.";
    UnknownCommand = -10, "UNKNOWN_COMMAND", Never, "There is no command with this number or name.";
    InvalidJson = -11, "INVALID_JSON", Never, "The arguments are not the JSON object that the command takes.";
    TooManyHandles = -12, "TOO_MANY_HANDLES", Later, "No further handle can be given out.";
    SnapshotDamaged = -13, "SNAPSHOT_DAMAGED", Never, "The snapshot is not one, or its checksum does not fit.";
    SnapshotVersion = -14, "SNAPSHOT_VERSION", Never, "The snapshot was written by a newer version of the library.";
    SnapshotImage = -15, "SNAPSHOT_IMAGE", Never, "The snapshot belongs to another image.";
    Unavailable = -16, "UNAVAILABLE", Never, "This build of the library does not contain the feature.";
    TimeRefused = -17, "TIME_REFUSED", Never, "The time lies more than ten years after the first one that the session was told, or beyond every clock in milliseconds; now_ms counts milliseconds, on one clock.";

    FileUnreadable = -100, "FILE_UNREADABLE", Never, "The file cannot be read.";
    NotAnImage = -101, "NOT_AN_IMAGE", Never, "The bytes are not a signed MCUboot image.";
    ImageTruncated = -102, "IMAGE_TRUNCATED", Never, "The image ends before its header or its TLV area says.";
    ImageHashMissing = -103, "IMAGE_HASH_MISSING", Never, "The image has no hash TLV, so the device could never list it.";
    ImageHashMismatch = -104, "IMAGE_HASH_MISMATCH", Never, "The hash TLV does not fit the bytes of the image.";
    ImageMalformed = -105, "IMAGE_MALFORMED", Never, "The header or the TLV area of the image contradicts itself.";
    ImageTooLarge = -106, "IMAGE_TOO_LARGE", Never, "The file is larger than the library accepts.";
    LegacyPackage = -107, "LEGACY_PACKAGE", Never, "The file is a package of the nRF5 SDK, which MCUboot devices cannot take.";
    PackageMalformed = -108, "PACKAGE_MALFORMED", Never, "The package is damaged or its manifest contradicts its files.";
    PackageUnsafe = -109, "PACKAGE_UNSAFE", Never, "The package has an entry that is refused for safety.";
    ImageUnsupported = -110, "IMAGE_UNSUPPORTED", Never, "The image is of a kind that SMP cannot install.";

    Timeout = -200, "TIMEOUT", Later, "The device did not answer in time.";
    Stalled = -201, "STALLED", Later, "The device answers but does not move on.";
    Undecodable = -202, "UNDECODABLE", Never, "The device's answer cannot be decoded.";
    UnexpectedResponse = -203, "UNEXPECTED_RESPONSE", Never, "The device's answer lacks something that it must hold.";
    OffsetOutOfRange = -204, "OFFSET_OUT_OF_RANGE", Later, "The device asks for an offset beyond the end of the image.";
    RestartLimit = -205, "RESTART_LIMIT", Later, "The device made the upload start over too often.";
    LinkLost = -206, "LINK_LOST", Later, "The device link went down and did not come back in time.";
    FrameTooSmall = -207, "FRAME_TOO_SMALL", Never, "A frame of the allowed size cannot carry the request.";

    DeviceError = -300, "DEVICE_ERROR", Never, "The device refused the request with an error of its own.";
    NotSupported = -301, "NOT_SUPPORTED", Never, "The device does not know the command.";
    AccessDenied = -302, "ACCESS_DENIED", Never, "The device denies access to the command.";
    DeviceBusy = -303, "DEVICE_BUSY", Later, "The device stayed busy or out of memory.";
    FlashFailed = -304, "FLASH_FAILED", Later, "The device failed to erase, write or read its flash.";
    NoFreeSlot = -305, "NO_FREE_SLOT", Never, "The device has no free slot for the image.";

    Cancelled = -400, "CANCELLED", Never, "The caller cancelled the operation.";
    Reverted = -401, "REVERTED", Never, "The new image ran on trial and the bootloader went back to the old one.";
    NotSwapped = -402, "NOT_SWAPPED", Never, "After the reset the old image still runs: the bootloader did not take the new one.";
    WrongImageRunning = -403, "WRONG_IMAGE_RUNNING", Never, "After the reset the device runs an image that is neither the old nor the new one.";
    DowngradeRefused = -404, "DOWNGRADE_REFUSED", Never, "The image is not newer than the running one and a downgrade was not allowed.";
    SlotTooSmall = -405, "SLOT_TOO_SMALL", Never, "The image does not fit the slot.";
    SlotInUse = -406, "SLOT_IN_USE", Never, "The slot is held by an image that is pending or on trial.";
    NotListed = -407, "NOT_LISTED", Never, "After the upload the device does not list the image.";
    NotMarked = -408, "NOT_MARKED", Later, "The device did not mark the image for the next boot.";
    NotConfirmed = -409, "NOT_CONFIRMED", AtOnce, "The device did not confirm the new image.";
    DigestMismatch = -410, "DIGEST_MISMATCH", Later, "The device says that what it received does not fit the digest.";
    Contradiction = -411, "CONTRADICTION", Never, "The device contradicts itself.";
    DidNotReturn = -412, "DID_NOT_RETURN", Later, "The device did not come back after the reset.";
    HealthCheckFailed = -413, "HEALTH_CHECK_FAILED", Never, "The caller found the new image unhealthy; it was left unconfirmed.";
    UploadLost = -414, "UPLOAD_LOST", AtOnce, "The finished upload was erased again before it could be installed.";
    DependencyUnmet = -415, "DEPENDENCY_UNMET", Never, "The image needs another image in a version that neither the device nor the package has.";

    Panic = -500, "PANIC", Never, "A defect in the library was caught; close the handle and report it.";
}

impl Status {
    /// The frozen number.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// What a number says to a human reader: the sentence of its status, or, of a number that came later than this library,
    /// what its range says.
    pub const fn text_of(number: i32) -> &'static str {
        if let Some(status) = Status::from_number(number) {
            return status.text();
        }
        match number {
            0.. => "An outcome that this version of the library does not know; it is no error.",
            -99..=-1 => "An error of the calling program that this version of the library does not know.",
            -199..=-100 => "An error of the image file that this version of the library does not know.",
            -299..=-200 => {
                "An error on the way to the device that this version of the library does not know."
            }
            -399..=-300 => "An error of the device that this version of the library does not know.",
            -499..=-400 => "An outcome of an update that this version of the library does not know.",
            -599..=-500 => "A defect of the library that this version of it does not know.",
            _ => "An error that this version of the library does not know.",
        }
    }

    /// Whether the status is a normal outcome (0 and above).
    pub const fn is_normal(self) -> bool {
        self.number() >= 0
    }
}
