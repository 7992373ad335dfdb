using System;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace SmpFota;

/// <summary>One entry of the device's image list.</summary>
public sealed record DeviceImage
{
    /// <summary>Which image: 0 on a device with one.</summary>
    public int Image { get; init; }

    /// <summary>Which slot of it: 0 runs, 1 waits (except with direct XIP).</summary>
    public int Slot { get; init; }

    /// <summary>The version as the device writes it, such as <c>1.1.0</c>.</summary>
    public string Version { get; init; } = string.Empty;

    /// <summary>The version as a number that compares with <see cref="FirmwareImageInfo.Version"/>; null where the device writes something else.</summary>
    public ImageVersion? VersionNumber => ImageVersion.TryParse(Version, out ImageVersion version) ? version : null;

    /// <summary>The hash by which the device knows it, the same as <see cref="FirmwareImageInfo.Hash"/>; empty where it names none.</summary>
    public ReadOnlyMemory<byte> Hash { get; init; }

    /// <summary>Whether the bootloader could start it.</summary>
    public bool IsBootable { get; init; }

    /// <summary>Whether the next reset starts it.</summary>
    public bool IsPending { get; init; }

    /// <summary>Whether it is there to stay: a reset does not bring back the other.</summary>
    public bool IsConfirmed { get; init; }

    /// <summary>Whether it runs.</summary>
    public bool IsActive { get; init; }

    /// <summary>Whether the next reset installs it for good.</summary>
    public bool IsPermanent { get; init; }

    /// <summary>Whether two entries say the same, the bytes of the hash included.</summary>
    public bool Equals(DeviceImage? other) =>
        other is not null && (Image, Slot, Version, Flags) == (other.Image, other.Slot, other.Version, other.Flags)
        && Hash.Span.SequenceEqual(other.Hash.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => ((Image, Slot, Version, Flags), JsonReading.Short(Hash)).GetHashCode();

    /// <summary>Such as <c>image 0 slot 1: 1.1.0 1fc34aa7 bootable, pending</c>.</summary>
    public override string ToString()
    {
        (bool Set, string Name)[] flags =
        [
            (IsActive, "active"), (IsConfirmed, "confirmed"), (IsBootable, "bootable"), (IsPending, "pending"), (IsPermanent, "permanent"),
        ];
        string names = string.Join(", ", flags.Where(flag => flag.Set).Select(flag => flag.Name));
        return FormattableString.Invariant($"image {Image} slot {Slot}: {Version} {JsonReading.Short(Hash)} {names}").TrimEnd();
    }

    private (bool, bool, bool, bool, bool) Flags => (IsBootable, IsPending, IsConfirmed, IsActive, IsPermanent);

    internal static DeviceImage Read(JsonElement json) => new()
    {
        Image = (int)(json.Number("image") ?? 0),
        Slot = (int)(json.Number("slot") ?? 0),
        Version = json.Text("version") ?? string.Empty,
        Hash = json.Hex("hash"),
        IsBootable = json.Flag("bootable"),
        IsPending = json.Flag("pending"),
        IsConfirmed = json.Flag("confirmed"),
        IsActive = json.Flag("active"),
        IsPermanent = json.Flag("permanent"),
    };
}
