namespace SmpFota;

/// <summary>Every way a call or an operation can end. The numbers are the native library's and never change.</summary>
/// <remarks>
/// 0 and above is a normal outcome, -1 to -99 blames the calling program, -100 to -199 the image file, -200 to -299 the
/// conversation with the device, -300 to -399 the device itself, -400 to -499 is the outcome of an update, -500 to -599
/// the library. A library newer than this binding may give numbers that have no name here; they keep their number.
/// </remarks>
public enum SmpStatus
{
    /// <summary>The call did what it says.</summary>
    Ok = 0,
    /// <summary>Nothing to send until bytes arrive or the deadline passes.</summary>
    Wait = 1,
    /// <summary>Drop the device link, bring it up again and report both; a caller that cannot may ignore it.</summary>
    LinkReset = 2,
    /// <summary>The operation has ended well; its result can be read.</summary>
    Done = 3,
    /// <summary>The new image runs; the session waits for the caller's word before it confirms it.</summary>
    HealthCheck = 4,
    /// <summary>There is nothing to read now.</summary>
    Empty = 5,

    /// <summary>The handle is closed, of another kind, or was never given out.</summary>
    InvalidHandle = -1,
    /// <summary>A pointer that must not be NULL is NULL.</summary>
    NullPointer = -2,
    /// <summary>An argument is outside its range.</summary>
    InvalidArgument = -3,
    /// <summary>struct_size is smaller than the smallest version of this struct.</summary>
    StructSize = -4,
    /// <summary>The buffer is too small; the needed length was stored and nothing changed.</summary>
    BufferTooSmall = -5,
    /// <summary>Another thread is inside this handle.</summary>
    Busy = -6,
    /// <summary>The session already runs an operation; finish or cancel it first.</summary>
    OperationRunning = -7,
    /// <summary>No operation was started on this session, or it has no result yet.</summary>
    NoOperation = -8,
    /// <summary>The call does not fit the state of the operation.</summary>
    WrongState = -9,
    /// <summary>There is no command with this number or name.</summary>
    UnknownCommand = -10,
    /// <summary>The arguments are not the JSON object that the command takes.</summary>
    InvalidJson = -11,
    /// <summary>No further handle can be given out.</summary>
    TooManyHandles = -12,
    /// <summary>The snapshot is not one, or its checksum does not fit.</summary>
    SnapshotDamaged = -13,
    /// <summary>The snapshot was written by a newer version of the library.</summary>
    SnapshotVersion = -14,
    /// <summary>The snapshot belongs to another image.</summary>
    SnapshotImage = -15,
    /// <summary>This build of the library does not contain the feature.</summary>
    Unavailable = -16,
    /// <summary>The time lies more than ten years after the first one that the session was told: it counts something else than milliseconds, or comes from another clock.</summary>
    TimeRefused = -17,

    /// <summary>The file cannot be read.</summary>
    FileUnreadable = -100,
    /// <summary>The bytes are not a signed MCUboot image.</summary>
    NotAnImage = -101,
    /// <summary>The image ends before its header or its TLV area says.</summary>
    ImageTruncated = -102,
    /// <summary>The image has no hash TLV, so the device could never list it.</summary>
    ImageHashMissing = -103,
    /// <summary>The hash TLV does not fit the bytes of the image.</summary>
    ImageHashMismatch = -104,
    /// <summary>The header or the TLV area of the image contradicts itself.</summary>
    ImageMalformed = -105,
    /// <summary>The file is larger than the library accepts.</summary>
    ImageTooLarge = -106,
    /// <summary>The file is a package of the nRF5 SDK, which MCUboot devices cannot take.</summary>
    LegacyPackage = -107,
    /// <summary>The package is damaged or its manifest contradicts its files.</summary>
    PackageMalformed = -108,
    /// <summary>The package has an entry that is refused for safety.</summary>
    PackageUnsafe = -109,
    /// <summary>The image is of a kind that SMP cannot install.</summary>
    ImageUnsupported = -110,

    /// <summary>The device did not answer in time.</summary>
    Timeout = -200,
    /// <summary>The device answers but does not move on.</summary>
    Stalled = -201,
    /// <summary>The device's answer cannot be decoded.</summary>
    Undecodable = -202,
    /// <summary>The device's answer lacks something that it must hold.</summary>
    UnexpectedResponse = -203,
    /// <summary>The device asks for an offset beyond the end of the image.</summary>
    OffsetOutOfRange = -204,
    /// <summary>The device made the upload start over too often.</summary>
    RestartLimit = -205,
    /// <summary>The device link went down and did not come back in time.</summary>
    LinkLost = -206,
    /// <summary>A frame of the allowed size cannot carry the request.</summary>
    FrameTooSmall = -207,

    /// <summary>The device refused the request with an error of its own.</summary>
    DeviceError = -300,
    /// <summary>The device does not know the command.</summary>
    NotSupported = -301,
    /// <summary>The device denies access to the command.</summary>
    AccessDenied = -302,
    /// <summary>The device stayed busy or out of memory.</summary>
    DeviceBusy = -303,
    /// <summary>The device failed to erase, write or read its flash.</summary>
    FlashFailed = -304,
    /// <summary>The device has no free slot for the image.</summary>
    NoFreeSlot = -305,

    /// <summary>The caller cancelled the operation.</summary>
    Cancelled = -400,
    /// <summary>The new image ran on trial and the bootloader went back to the old one.</summary>
    Reverted = -401,
    /// <summary>After the reset the old image still runs: the bootloader did not take the new one.</summary>
    NotSwapped = -402,
    /// <summary>After the reset the device runs an image that is neither the old nor the new one.</summary>
    WrongImageRunning = -403,
    /// <summary>The image is not newer than the running one and a downgrade was not allowed.</summary>
    DowngradeRefused = -404,
    /// <summary>The image does not fit the slot.</summary>
    SlotTooSmall = -405,
    /// <summary>The slot is held by an image that is pending or on trial.</summary>
    SlotInUse = -406,
    /// <summary>After the upload the device does not list the image.</summary>
    NotListed = -407,
    /// <summary>The device did not mark the image for the next boot.</summary>
    NotMarked = -408,
    /// <summary>The device did not confirm the new image.</summary>
    NotConfirmed = -409,
    /// <summary>The device says that what it received does not fit the digest.</summary>
    DigestMismatch = -410,
    /// <summary>The device contradicts itself.</summary>
    Contradiction = -411,
    /// <summary>The device did not come back after the reset.</summary>
    DidNotReturn = -412,
    /// <summary>The caller found the new image unhealthy; it was left unconfirmed.</summary>
    HealthCheckFailed = -413,
    /// <summary>The finished upload was erased again before it could be installed.</summary>
    UploadLost = -414,
    /// <summary>The image needs another image in a version that neither the device nor the package has.</summary>
    DependencyUnmet = -415,

    /// <summary>A defect in the library was caught; close the handle and report it.</summary>
    Panic = -500,
}
