using System.Text.Json;

namespace SmpFota;

/// <summary>One memory pool of the device. What a device does not tell is null.</summary>
public sealed record MemoryPoolStatistics
{
    /// <summary>Its name.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>The size of one block in bytes.</summary>
    public long? BlockSize { get; init; }

    /// <summary>How many blocks there are.</summary>
    public long? Blocks { get; init; }

    /// <summary>How many are free.</summary>
    public long? Free { get; init; }

    /// <summary>How few were free at least.</summary>
    public long? LeastFree { get; init; }

    internal static MemoryPoolStatistics Read(JsonElement json) => new()
    {
        Name = json.Text("name") ?? string.Empty,
        BlockSize = json.Number("block_size"),
        Blocks = json.Number("blocks"),
        Free = json.Number("free"),
        LeastFree = json.Number("least_free"),
    };
}
