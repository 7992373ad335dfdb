using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What an update would do, by what the device answered; nothing of it has been done. Immutable.</summary>
public sealed class UpdatePlan
{
    internal UpdatePlan()
    {
    }

    /// <summary>What would be done with each image of the file.</summary>
    public IReadOnlyList<PlannedImage> Images { get; internal init; } = [];

    /// <summary>The device's image list; empty where it gives none.</summary>
    public IReadOnlyList<DeviceImage> Before { get; internal init; } = [];

    /// <summary>How long the look took.</summary>
    public TimeSpan Duration { get; internal init; }

    /// <summary>How the device's bootloader works, as far as that is known.</summary>
    public DeviceImageKind BootMode { get; internal init; }

    /// <summary>What the look took: frames, bytes, round trips, time by phase.</summary>
    public SmpCounts? Counts { get; internal init; }

    /// <summary>The plan as the library tells it, as JSON.</summary>
    public string Json { get; internal init; } = "{}";

    /// <summary>Its images, as <see cref="PlannedImage.ToString"/> has them.</summary>
    public override string ToString() => string.Join("; ", Images);

    internal static UpdatePlan Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        return new UpdatePlan
        {
            Images = root.Items("images", PlannedImage.Read),
            Before = root.Items("before", DeviceImage.Read),
            Duration = TimeSpan.FromMilliseconds(root.Number("duration_ms") ?? 0),
            BootMode = DeviceImageKind.Read(root.Text("boot_mode")),
            Counts = SmpCounts.Read(root),
            Json = json,
        };
    }
}
