using System;

namespace SmpFota;

/// <summary>What every failure that the library reports has in common. The message is one sentence for a person.</summary>
/// <remarks>
/// Its kinds name who has to act: <see cref="SmpUsageException"/> the calling program, <see cref="FirmwareImageException"/>
/// whoever made the file, <see cref="SmpProtocolException"/> the link, <see cref="SmpDeviceException"/> the device,
/// <see cref="UpdateOutcomeException"/> an update that ended otherwise than asked, <see cref="SmpSnapshotException"/> whoever
/// stored a session, and <see cref="SmpLibraryException"/> this library. A cancelled operation is not among them: it throws
/// <see cref="OperationCanceledException"/>.
/// </remarks>
public abstract class SmpException : Exception
{
    private protected SmpException(SmpStatus status, string message, string? finding, int? group, int? code, Exception? inner = null)
        : base(message, inner)
    {
        Status = status;
        Finding = finding;
        Group = group;
        Code = code;
    }

    /// <summary>What happened, as a number that never changes its meaning.</summary>
    public SmpStatus Status { get; }

    /// <summary>The library's diagnosis by name, where it has one: the likely cause behind the status.</summary>
    public string? Finding { get; }

    /// <summary>
    /// The SMP group whose own error code the device answered (0 OS, 1 image, ...). Null where it answered a general code, as
    /// all servers before Zephyr 3.4 do, or none.
    /// </summary>
    public int? Group { get; }

    /// <summary>The device's error code: one of <see cref="Group"/>, or a general one where that is null. Null where it answered none.</summary>
    public int? Code { get; }
}
