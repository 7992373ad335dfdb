using System;
using SmpFota.Interop;

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
    private SmpFailure failure = SmpFailure.Nothing;

    private protected SmpException(SmpStatus status, string message, Exception? innerException)
        : base(message, innerException)
    {
        Status = status;
    }

    /// <summary>What happened, as a number that never changes its meaning.</summary>
    public SmpStatus Status { get; }

    /// <summary>Whether, and when, a program may start the same operation again by itself. The library's table of statuses says it.</summary>
    public SmpRetry Retry => StatusTable.Retry((int)Status);

    /// <summary>Whether a program may start the same operation again by itself, at once or later: <see cref="Retry"/> says when.</summary>
    public bool IsTransient => Retry is SmpRetry.AtOnce or SmpRetry.Later;

    /// <summary>The likely cause behind the status; <see cref="SmpFinding.None"/> where nothing points to one.</summary>
    public SmpFinding Finding { get => failure.Finding; init => failure = failure with { Finding = value }; }

    /// <summary>
    /// The SMP group whose own error code the device answered (0 OS, 1 image, ...). Null where it answered a general code, as
    /// all servers before Zephyr 3.4 do, or none.
    /// </summary>
    public int? Group { get => failure.Group; init => failure = failure with { Group = value }; }

    /// <summary>The device's error code: one of <see cref="Group"/>, or a general one where that is null. Null where it answered none.</summary>
    public int? Code { get => failure.Code; init => failure = failure with { Code = value }; }

    /// <summary>
    /// The device's own words beside its error: at most 96 printable ASCII characters, null where it gave none. They come from
    /// outside and are to be shown, not trusted.
    /// </summary>
    public string? Reason { get => failure.Reason; init => failure = failure with { Reason = value }; }

    /// <summary>What the device is left with, where an update failed.</summary>
    public UpdateLeftWith LeftWith { get => failure.LeftWith; init => failure = failure with { LeftWith = value }; }

    /// <summary>Where the operation stood when it failed; <see cref="UpdatePhase.Idle"/> where no operation failed but a call.</summary>
    public UpdatePhase Phase { get => failure.Phase; init => failure = failure with { Phase = value }; }

    /// <summary>How far the operation had come; null where no operation failed but a call.</summary>
    public UpdateProgress? Progress { get => failure.Progress; init => failure = failure with { Progress = value }; }

    /// <summary>What the operation took; null where no operation failed but a call.</summary>
    public SmpCounts? Counts { get => failure.Counts; init => failure = failure with { Counts = value }; }

    /// <summary>What shows the <see cref="Finding"/>; null without one, and where no operation failed but a call.</summary>
    public SmpEvidence? Evidence { get => failure.Evidence; init => failure = failure with { Evidence = value }; }

    /// <summary>
    /// The session's recording as text, where <see cref="SmpSessionOptions.RecordingCapacity"/> asked for one. It holds what went over
    /// the link, and is not part of the message.
    /// </summary>
    public string? Recording { get => failure.Recording; init => failure = failure with { Recording = value }; }

    /// <summary>Takes what the library tells of the failed operation as JSON.</summary>
    internal void Take(string json) => failure = failure.Told(json);

    /// <summary>Takes what another exception of the same failure knows.</summary>
    internal void Take(SmpException other) => failure = other.failure;

    /// <summary>Takes how far the operation had come, unless that is known.</summary>
    internal void TakeProgress(in UpdateProgress progress)
    {
        if (failure.Progress is null)
        {
            failure = failure with { Phase = failure.Phase == UpdatePhase.Idle ? progress.Phase : failure.Phase, Progress = progress };
        }
    }
}
