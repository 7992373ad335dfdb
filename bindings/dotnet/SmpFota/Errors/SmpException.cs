using System;
using System.Text.Json;
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

    /// <summary>
    /// The device's own words beside its error: at most 96 printable ASCII characters, null where it gave none. They come from
    /// outside and are to be shown, not trusted.
    /// </summary>
    public string? Reason { get; private set; }

    /// <summary>Whether, and when, a program may start the same operation again by itself.</summary>
    public SmpRetry Retry => StatusTable.Retry((int)Status);

    /// <summary>What the device is left with, where an update failed.</summary>
    public UpdateLeftWith LeftWith { get; private set; }

    /// <summary>Where the operation stood when it failed; <see cref="UpdatePhase.Idle"/> where no operation failed but a call.</summary>
    public UpdatePhase Phase { get; private set; }

    /// <summary>What the operation took; null where no operation failed but a call.</summary>
    public SmpCounts? Counts { get; private set; }

    /// <summary>What shows the <see cref="Finding"/>; null without one, and where no operation failed but a call.</summary>
    public SmpEvidence? Evidence { get; private set; }

    /// <summary>
    /// The session's recording as text, where <see cref="SmpSessionOptions.RecordingCapacity"/> asked for one. It holds what went over
    /// the link, and is not part of the message.
    /// </summary>
    public string? Recording { get; private set; }

    /// <summary>Takes what the library tells of the failed operation as JSON.</summary>
    internal void Take(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        Reason = root.Text("reason");
        Phase = SmpCounts.PhaseNamed(root.Text("phase"));
        Counts = SmpCounts.Read(root);
        Recording = root.Text("recording");
        Evidence = SmpEvidence.Read(root, (SmpFinding)root.GetProperty("finding_number").GetInt32());
        LeftWith = root.Text("left_with") switch
        {
            "old_image_runs" => UpdateLeftWith.OldImageRuns,
            "new_image_stored" => UpdateLeftWith.NewImageStored,
            "new_image_pending" => UpdateLeftWith.NewImagePending,
            "on_trial" => UpdateLeftWith.OnTrial,
            _ => UpdateLeftWith.Unknown,
        };
    }

    /// <summary>Takes what another exception of the same failure knows.</summary>
    internal void Take(SmpException other)
    {
        Reason = other.Reason;
        Phase = other.Phase;
        Counts = other.Counts;
        Evidence = other.Evidence;
        Recording = other.Recording;
        LeftWith = other.LeftWith;
    }
}
