using System.Text.Json;

namespace SmpFota;

/// <summary>One group of commands that the device knows.</summary>
public sealed record SmpGroup
{
    /// <summary>Its number.</summary>
    public int Group { get; init; }

    /// <summary>Its name; null where the device does not say.</summary>
    public string? Name { get; init; }

    /// <summary>How many commands it has; null where the device does not say.</summary>
    public int? Handlers { get; init; }

    internal static SmpGroup Read(JsonElement json) => new()
    {
        Group = (int)(json.Number("group") ?? 0),
        Name = json.Text("name"),
        Handlers = (int?)json.Number("handlers"),
    };
}
