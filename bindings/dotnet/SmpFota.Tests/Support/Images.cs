using System;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SmpFota.Tests.Support;

/// <summary>Images for the tests.</summary>
internal static class Images
{
    internal static byte[] Bytes(string version = "1.1.0", int size = 20_000, ulong seed = 1) => VirtualDevice.MakeImage(version, size, seed);

    internal static FirmwareImage Open(string version = "1.1.0", int size = 20_000, ulong seed = 1) =>
        FirmwareImage.Open(Bytes(version, size, seed));

    /// <summary>The same image with a dependency on image 0 in the version 9.0.0, and with its hash made anew (MCUboot TLV 0x40, protected).</summary>
    internal static byte[] WithDependency(byte[] image)
    {
        int end = BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(8)) + BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(12));
        if (BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(10)) != 0)
        {
            throw new InvalidOperationException("The image has protected TLVs already.");
        }

        byte[] entries = [0x08, 0x69, 20, 0, 0x40, 0, 12, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        byte[] made = [.. image[..end], .. entries, .. image[end..]];
        made[10] = (byte)entries.Length;
        return WithVersion(made, made[20], made[21], BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(22)));
    }

    /// <summary>The same image under another version, with its hash made anew: for bootloaders that check no signature.</summary>
    internal static byte[] WithVersion(byte[] image, byte major, byte minor, ushort revision)
    {
        byte[] made = (byte[])image.Clone();
        made[20] = major;
        made[21] = minor;
        BinaryPrimitives.WriteUInt16LittleEndian(made.AsSpan(22), revision);
        int end = BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(8)) + BinaryPrimitives.ReadInt32LittleEndian(made.AsSpan(12))
            + BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(10));
        int total = BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(end + 2));
        for (int entry = end + 4; entry < end + total;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(entry + 2));
            if (BinaryPrimitives.ReadUInt16LittleEndian(made.AsSpan(entry)) == 0x10)
            {
                SHA256.HashData(made.AsSpan(0, end)).CopyTo(made.AsSpan(entry + 4));
                return made;
            }

            entry += 4 + length;
        }

        throw new InvalidOperationException("The image has no SHA-256.");
    }
}
