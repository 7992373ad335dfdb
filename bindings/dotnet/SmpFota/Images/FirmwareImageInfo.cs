using System;
using System.Globalization;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>What one image of a firmware file says about itself. Immutable.</summary>
public sealed class FirmwareImageInfo
{
    private const uint Encrypted = 1;
    private const uint Compressed = 2;
    private const uint Padded = 4;
    private const uint FromPackage = 8;
    private const uint NoSlot = uint.MaxValue;

    internal FirmwareImageInfo()
    {
    }

    internal unsafe FirmwareImageInfo(in smpfota_image_info native)
    {
        ImageNumber = checked((int)native.image_number);
        Size = checked((int)native.size);
        HeaderSize = checked((int)native.header_size);
        Flags = native.flags;
        HashBits = checked((int)native.hash_kind);
        fixed (byte* hash = native.hash, sha256 = native.sha256)
        {
            Hash = new ReadOnlySpan<byte>(hash, (int)Math.Min(native.hash_length, 64)).ToArray();
            FileSha256 = new ReadOnlySpan<byte>(sha256, 32).ToArray();
        }

        SignatureKind = (SignatureKind)native.signature_kind;
        DependencyCount = checked((int)native.dependency_count);
        Version = new ImageVersion(
            (byte)native.version_major, (byte)native.version_minor, (ushort)native.version_revision, native.version_build);
        IsEncrypted = (native.properties & Encrypted) != 0;
        IsCompressed = (native.properties & Compressed) != 0;
        IsPadded = (native.properties & Padded) != 0;
        IsFromPackage = (native.properties & FromPackage) != 0;
        Slot = native.slot == NoSlot ? null : checked((int)native.slot);
    }

    /// <summary>Which image of the device it is for: 0 on a device with one image.</summary>
    public int ImageNumber { get; internal init; }

    /// <summary>The size that is uploaded, in bytes.</summary>
    public int Size { get; internal init; }

    /// <summary>The size of the MCUboot header, in bytes.</summary>
    public int HeaderSize { get; internal init; }

    /// <summary>The flags of the MCUboot header.</summary>
    public uint Flags { get; internal init; }

    /// <summary>The version in the MCUboot header.</summary>
    public ImageVersion Version { get; internal init; }

    /// <summary>The kind of <see cref="Hash"/>: 256, 384 or 512 bits of the SHA-2 family.</summary>
    public int HashBits { get; internal init; }

    /// <summary>The hash by which the device lists the image: the hash TLV, 32, 48 or 64 bytes.</summary>
    public ReadOnlyMemory<byte> Hash { get; internal init; }

    /// <summary>SHA-256 of the file as it is uploaded, 32 bytes. Not what the device lists.</summary>
    public ReadOnlyMemory<byte> FileSha256 { get; internal init; }

    /// <summary>How it is signed.</summary>
    public SignatureKind SignatureKind { get; internal init; }

    /// <summary>How many other images it says it depends on.</summary>
    public int DependencyCount { get; internal init; }

    /// <summary>Whether the payload is encrypted.</summary>
    public bool IsEncrypted { get; internal init; }

    /// <summary>Whether the payload is compressed.</summary>
    public bool IsCompressed { get; internal init; }

    /// <summary>Whether the file is padded to the size of the slot.</summary>
    public bool IsPadded { get; internal init; }

    /// <summary>Whether the image came out of a package such as <c>dfu_application.zip</c>.</summary>
    public bool IsFromPackage { get; internal init; }

    /// <summary>The slot it was built for (direct XIP), or null where it fits any.</summary>
    public int? Slot { get; internal init; }

    /// <summary>Such as <c>1.1.0 for image 0, 65536 bytes, 1fc34aa7</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Version} for image {ImageNumber}, {Size} bytes, {JsonReading.Short(Hash)}");
}
