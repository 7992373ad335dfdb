using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace SmpFota;

/// <summary>How an update ended well. What it says of the device, the device itself has said. Immutable.</summary>
public sealed class UpdateResult
{
    internal UpdateResult()
    {
    }

    /// <summary>The end.</summary>
    public UpdateOutcome Outcome { get; internal init; }

    /// <summary>What was done to each image of the file.</summary>
    public IReadOnlyList<UpdatedImage> Images { get; internal init; } = [];

    /// <summary>The device's image list before anything was done.</summary>
    public IReadOnlyList<DeviceImage> Before { get; internal init; } = [];

    /// <summary>The device's image list when it was last asked.</summary>
    public IReadOnlyList<DeviceImage> After { get; internal init; } = [];

    /// <summary>
    /// The bytes that the device took of what this update sent, over all processes that it ran in; not what the device had before.
    /// </summary>
    public long UploadedBytes { get; internal init; }

    /// <summary>How long the upload took, over all processes.</summary>
    public TimeSpan UploadTime { get; internal init; }

    /// <summary>From the reset until the device answered again.</summary>
    public TimeSpan SwapTime { get; internal init; }

    /// <summary>How long it all took.</summary>
    public TimeSpan Duration { get; internal init; }

    /// <summary>How the device's bootloader works, as far as the device told.</summary>
    public DeviceImageKind BootMode { get; internal init; }

    /// <summary>What the update took: frames, bytes, round trips, time by phase.</summary>
    public SmpCounts? Counts { get; internal init; }

    /// <summary>
    /// The session's recording as text, where <see cref="SmpSessionOptions.RecordingCapacity"/> asked for one; else null. It holds what
    /// went over the link.
    /// </summary>
    public string? Recording { get; internal init; }

    /// <summary>Everything that the library tells of the update, as JSON.</summary>
    public string Json { get; internal init; } = "{}";

    /// <summary>Such as <c>Updated: image 0 1.0.0 -> 1.1.0; 65536 bytes in 10.2 s</c>.</summary>
    public override string ToString()
    {
        string images = string.Join(", ", Images.Select(i => FormattableString.Invariant($"image {i.Image} {(i.From.Length > 0 ? i.From : "-")} -> {i.To}")));
        return FormattableString.Invariant($"{Outcome}: {images}; {UploadedBytes} bytes in {UploadTime.TotalSeconds:0.0} s");
    }

    internal static UpdateResult Parse(string json, string? recording)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        return new UpdateResult
        {
            Outcome = root.Text("outcome") switch
            {
                "updated" => UpdateOutcome.Updated,
                "on_trial" => UpdateOutcome.OnTrial,
                "uploaded" => UpdateOutcome.Uploaded,
                "already_installed" => UpdateOutcome.AlreadyInstalled,
                "unverified" => UpdateOutcome.Unverified,
                "checked" => UpdateOutcome.Checked,
                _ => UpdateOutcome.Other,
            },
            Images = root.Items("images", UpdatedImage.Read),
            Before = root.Items("before", DeviceImage.Read),
            After = root.Items("after", DeviceImage.Read),
            UploadedBytes = root.Number("uploaded_bytes") ?? 0,
            UploadTime = TimeSpan.FromMilliseconds(root.Number("upload_ms") ?? 0),
            SwapTime = TimeSpan.FromMilliseconds(root.Number("swap_ms") ?? 0),
            Duration = TimeSpan.FromMilliseconds(root.Number("duration_ms") ?? 0),
            BootMode = DeviceImageKind.Read(root.Text("boot_mode")),
            Counts = SmpCounts.Read(root),
            Recording = recording,
            Json = json,
        };
    }
}
