using System;
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
