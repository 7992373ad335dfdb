namespace SmpFota;

/// <summary>Where an operation stands. The names and numbers are the native library's.</summary>
public enum UpdatePhase
{
    /// <summary>No operation.</summary>
    Idle = 0,

    /// <summary>Asking the device for its buffers, its bootloader and its images.</summary>
    Discover = 1,

    /// <summary>Erasing a slot.</summary>
    Erase = 2,

    /// <summary>Uploading an image.</summary>
    Upload = 3,

    /// <summary>Comparing the image list with what was uploaded.</summary>
    VerifyUpload = 4,

    /// <summary>Marking the image for the next boot.</summary>
    Mark = 5,

    /// <summary>Resetting the device.</summary>
    Reset = 6,

    /// <summary>Waiting for the bootloader to swap the images and the device to come back.</summary>
    Swap = 7,

    /// <summary>Checking which image runs.</summary>
    VerifyBoot = 8,

    /// <summary>Waiting for the caller's word on the new image.</summary>
    HealthCheck = 9,

    /// <summary>Confirming the new image.</summary>
    Confirm = 10,

    /// <summary>Ended well.</summary>
    Done = 11,

    /// <summary>Ended with an error.</summary>
    Failed = 12,

    /// <summary>A single command or request is under way.</summary>
    Command = 13,
}
