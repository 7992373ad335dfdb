using System;
using System.Globalization;
using System.Text.Json;

namespace SmpFota;

/// <summary>A hash or checksum that the device made of one of its files.</summary>
public sealed record DeviceFileHash
{
    /// <summary>How it was made, such as <c>sha256</c> or <c>crc32</c>.</summary>
    public string Kind { get; init; } = string.Empty;

    /// <summary>Where it starts in the file, in bytes.</summary>
    public long Offset { get; init; }

    /// <summary>How many bytes it covers.</summary>
    public long Length { get; init; }

    /// <summary>The hash; a checksum in big-endian order.</summary>
    public ReadOnlyMemory<byte> Hash { get; init; }

    /// <summary>The checksum as a number; null for a hash.</summary>
    public ulong? Checksum { get; init; }

    /// <summary>Whether two say the same, the bytes of the hash included.</summary>
    public bool Equals(DeviceFileHash? other) =>
        other is not null && (Kind, Offset, Length, Checksum) == (other.Kind, other.Offset, other.Length, other.Checksum)
        && Hash.Span.SequenceEqual(other.Hash.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => ((Kind, Offset, Length, Checksum), JsonReading.Short(Hash)).GetHashCode();

    /// <summary>Such as <c>sha256 0a1b... of 100 bytes from 0</c>, with the whole hash.</summary>
    public override string ToString() => FormattableString.Invariant($"{Kind} {Convert.ToHexString(Hash.Span).ToLowerInvariant()} of {Length} bytes from {Offset}");

    internal static DeviceFileHash Read(JsonElement json) => new()
    {
        Kind = json.Text("type") ?? string.Empty,
        Offset = json.Number("offset") ?? 0,
        Length = json.Number("length") ?? 0,
        Hash = json.Hex("hash_hex"),
        Checksum = json.Unsigned("checksum"),
    };
}
