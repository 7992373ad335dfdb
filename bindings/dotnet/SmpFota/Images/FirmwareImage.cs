using System;
using System.Collections.Generic;
using System.Text;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// A firmware file that has been read and checked: a signed MCUboot image, or a package of several.
/// </summary>
/// <remarks>
/// Immutable and safe for any number of threads. One image serves any number of sessions, which keep their own share of it:
/// disposing it does not disturb the updates that use it. The native memory is freed with the last of them.
/// </remarks>
public sealed unsafe class FirmwareImage : IDisposable
{
    private readonly ImageHandle handle;

    private FirmwareImage(ImageHandle handle, IReadOnlyList<FirmwareImageInfo> images)
    {
        this.handle = handle;
        Images = images;
    }

    /// <summary>The images in the file, in the order in which they are installed; at least one.</summary>
    public IReadOnlyList<FirmwareImageInfo> Images { get; }

    /// <summary>The first image, which is the only one unless the file is a package.</summary>
    public FirmwareImageInfo Info => Images[0];

    internal NativeHandle Handle => handle;

    /// <summary>Reads a firmware file.</summary>
    /// <param name="path">A file that the process may read.</param>
    /// <returns>The image, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="FirmwareImageException">The file cannot be read or is not an image that can be installed.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static FirmwareImage Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] utf8 = Encoding.UTF8.GetBytes(path);
        var handle = new ImageHandle();
        smpfota_error error = NativeError.Create();
        nuint raw = 0;
        int status;
        fixed (byte* text = utf8)
        {
            status = NativeMethods.smpfota_image_open_file(text, (nuint)utf8.Length, &raw, &error);
        }

        return Finish(handle, raw, status, error);
    }

    /// <summary>Reads a firmware file from memory. The bytes are copied.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <returns>The image, owned by the caller.</returns>
    /// <exception cref="FirmwareImageException">The bytes are not an image that can be installed.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static FirmwareImage Open(ReadOnlySpan<byte> bytes)
    {
        var handle = new ImageHandle();
        smpfota_error error = NativeError.Create();
        nuint raw = 0;
        int status;
        fixed (byte* start = bytes)
        {
            status = NativeMethods.smpfota_image_open_bytes(start, (nuint)bytes.Length, &raw, &error);
        }

        return Finish(handle, raw, status, error);
    }

    /// <summary>Everything that is known of the file, as JSON for people and logs.</summary>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public string Describe()
    {
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        return NativeText.Read((buffer, capacity, length) => NativeMethods.smpfota_image_describe(raw, buffer, capacity, length));
    }

    /// <summary>Its images, as <see cref="FirmwareImageInfo.ToString"/> has them.</summary>
    public override string ToString() => string.Join("; ", Images);

    /// <summary>Gives up this share of the image. Sessions that use it keep theirs.</summary>
    public void Dispose() => handle.Dispose();

    private static FirmwareImage Finish(ImageHandle handle, nuint raw, int status, in smpfota_error error)
    {
        StatusTable.Check(status, error);
        handle.Own(raw);
        try
        {
            FirmwareImageInfo[] images = ReadInfos(raw);
            long size = 0;
            foreach (FirmwareImageInfo image in images)
            {
                size += image.Size;
            }

            handle.Weigh(size);
            return new FirmwareImage(handle, images);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static FirmwareImageInfo[] ReadInfos(nuint raw)
    {
        FirmwareImageInfo[]? images = null;
        uint count = 1;
        for (uint index = 0; index < count; index++)
        {
            smpfota_image_info info = default;
            info.struct_size = (uint)sizeof(smpfota_image_info);
            StatusTable.Check(NativeMethods.smpfota_image_info_get(raw, index, &info));
            images ??= new FirmwareImageInfo[count = info.image_count];
            images[index] = new FirmwareImageInfo(info);
        }

        return images!;
    }
}
