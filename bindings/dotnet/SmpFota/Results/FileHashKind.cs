using System.Text.Json;

namespace SmpFota;

/// <summary>A kind of hash or checksum that the device can make.</summary>
public sealed record FileHashKind
{
    /// <summary>Its name, for <see cref="SmpClient.HashFileAsync"/>.</summary>
    public string Kind { get; init; } = string.Empty;

    /// <summary>Whether it is a number rather than bytes.</summary>
    public bool IsChecksum { get; init; }

    /// <summary>Its size in bytes; null where the device does not say.</summary>
    public int? Size { get; init; }

    internal static FileHashKind Read(JsonElement json) => new()
    {
        Kind = json.Text("type") ?? string.Empty,
        IsChecksum = json.Text("format") == "number",
        Size = (int?)json.Number("size"),
    };
}
