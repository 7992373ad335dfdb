using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What an update would do, by what the device answered; nothing of it has been done. Immutable.</summary>
public sealed class UpdatePlan
{
    private UpdatePlan(string json, JsonElement root)
    {
        Json = json;
        Images = root.Items("images", PlannedImage.Read);
        Before = root.Items("before", DeviceImage.Read);
        Duration = TimeSpan.FromMilliseconds(root.Number("duration_ms") ?? 0);
        BootMode = root.Text("boot_mode");
        Counts = SmpCounts.Read(root);
    }

    /// <summary>What would be done with each image of the file.</summary>
    public IReadOnlyList<PlannedImage> Images { get; }

    /// <summary>The device's image list; empty where it gives none.</summary>
    public IReadOnlyList<DeviceImage> Before { get; }

    /// <summary>How long the look took.</summary>
    public TimeSpan Duration { get; }

    /// <summary>How the device's bootloader works, where that is known; for people.</summary>
    public string? BootMode { get; }

    /// <summary>What the look took: frames, bytes, round trips, time by phase.</summary>
    public SmpCounts? Counts { get; }

    /// <summary>The plan as the library tells it, as JSON.</summary>
    public string Json { get; }

    /// <summary>Its images, as <see cref="PlannedImage.ToString"/> has them.</summary>
    public override string ToString() => string.Join("; ", Images);

    internal static UpdatePlan Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return new UpdatePlan(json, document.RootElement);
    }
}
