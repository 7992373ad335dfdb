namespace SmpFota;

/// <summary>
/// How a bootloader starts images. The numbers are this library's own; the number that MCUboot tells is in <see cref="BootloaderInfo.Mode"/>.
/// </summary>
public enum BootMode
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>One slot.</summary>
    Single = 1,

    /// <summary>Swap with scratch, by moving or with offset.</summary>
    Swap = 2,

    /// <summary>Overwrite only: there is no trial and no way back.</summary>
    Overwrite = 3,

    /// <summary>Direct XIP: the newer image runs where it lies.</summary>
    DirectXip = 4,

    /// <summary>Direct XIP with revert: an image that is not confirmed is given up at the next reset.</summary>
    DirectXipRevert = 5,

    /// <summary>RAM load, with or without revert.</summary>
    RamLoad = 6,

    /// <summary>Firmware loader: a small image of its own takes the uploads.</summary>
    FirmwareLoader = 7,
}
