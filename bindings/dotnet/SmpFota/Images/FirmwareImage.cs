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
public unsafe partial class FirmwareImage : IDisposable
{
    private readonly ImageHandle handle;
    private readonly IReadOnlyList<FirmwareImageInfo> images;

    /// <summary>For a mock, which overrides what its test reads. No session takes it.</summary>
    protected FirmwareImage()
        : this(null!, [])
    {
    }

    private FirmwareImage(ImageHandle handle, IReadOnlyList<FirmwareImageInfo> images)
    {
        this.handle = handle;
        this.images = images;
    }

    /// <summary>The images in the file, in the order in which they are installed; at least one.</summary>
    public virtual IReadOnlyList<FirmwareImageInfo> Images => images;

    /// <summary>The first image, which is the only one unless the file is a package.</summary>
    public virtual FirmwareImageInfo Info => Images[0];

    internal NativeHandle Handle => handle ?? throw new InvalidOperationException("This image is a mock: it has no bytes.");

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

    /// <summary>
    /// The same file, where what shall run in the end is not what is sent: a delta, or an image that the device makes into another one.
    /// An update of it succeeds when the device runs the image with this hash.
    /// </summary>
    /// <remarks>
    /// The bytes of the file are shared, not copied; this image stays as it was, and either may be disposed first. A session or client that
    /// is restored needs the image opened and named like this again.
    /// </remarks>
    /// <param name="index">Which image of the file (<see cref="Images"/>), from 0.</param>
    /// <param name="hash">The hash by which the device lists the image that runs: 32, 48 or 64 bytes. Copied.</param>
    /// <returns>An image of its own, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The file has no such image.</exception>
    /// <exception cref="ArgumentException">The hash has another length.</exception>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public virtual FirmwareImage Expecting(int index, ReadOnlySpan<byte> hash)
    {
        if (hash.Length is not (32 or 48 or 64))
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The hash has {hash.Length} bytes; image hashes have 32, 48 or 64."), nameof(hash));
        }

        return Expecting(index, hash, default);
    }

    /// <summary>
    /// As <see cref="Expecting(int, ReadOnlySpan{byte})"/>, for those who know only the version: an update succeeds when the device runs
    /// an image of this version.
    /// </summary>
    /// <param name="index">Which image of the file (<see cref="Images"/>), from 0.</param>
    /// <param name="version">The version of the image that shall run.</param>
    /// <returns>An image of its own, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The file has no such image.</exception>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public virtual FirmwareImage Expecting(int index, ImageVersion version) =>
        Expecting(index, default, Encoding.UTF8.GetBytes(version.ToString()));

    /// <summary>Everything that is known of the file, as JSON for people and logs.</summary>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public virtual string Describe()
    {
        using HandleLease lease = Handle.Lease();
        nuint raw = lease.Value;
        return NativeText.Read((buffer, capacity, length) => NativeMethods.smpfota_image_describe(raw, buffer, capacity, length));
    }

    /// <summary>Its images, as <see cref="FirmwareImageInfo.ToString"/> has them.</summary>
    public override string ToString() => string.Join("; ", Images);

    /// <summary>Gives up this share of the image. Sessions that use it keep theirs.</summary>
    public virtual void Dispose()
    {
        handle?.Dispose();
        GC.SuppressFinalize(this);
    }

    // One of the two is empty.
    private FirmwareImage Expecting(int index, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> version)
    {
        NativeOption.Within(index, nameof(index), 0, Images.Count - 1);
        using HandleLease lease = Handle.Lease();
        var expecting = new ImageHandle();
        smpfota_error error = NativeError.Create();
        nuint raw = 0;
        int status;
        fixed (byte* hashStart = hash, versionStart = version)
        {
            status = NativeMethods.smpfota_image_expect(
                lease.Value, (uint)index, hashStart, (nuint)hash.Length, versionStart, (nuint)version.Length, &raw, &error);
        }

        return Finish(expecting, raw, status, error);
    }

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
            return new FirmwareImage(handle, Array.AsReadOnly(images));
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
