using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;

namespace SmpFota;

/// <content>From streams.</content>
public partial class FirmwareImage
{
    // The most that the library takes; it names what is longer.
    private const int MostBytes = 64 * 1024 * 1024;

    /// <summary>Reads a firmware file from a stream, from its position to its end. The stream stays open.</summary>
    /// <param name="stream">The whole file.</param>
    /// <returns>The image, owned by the caller.</returns>
    /// <exception cref="ArgumentNullException">There is no stream.</exception>
    /// <exception cref="FirmwareImageException">The bytes are not an image that can be installed.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static FirmwareImage Open(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using PooledBytes bytes = PooledBytes.Read(stream, MostBytes);
        return Open(bytes.Memory.Span);
    }

    /// <summary>As <see cref="Open(Stream)"/>, without blocking a thread while the stream is read.</summary>
    /// <param name="stream">The whole file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The image, owned by the caller.</returns>
    /// <exception cref="ArgumentNullException">There is no stream.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="FirmwareImageException">The bytes are not an image that can be installed.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static async Task<FirmwareImage> OpenAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using PooledBytes bytes = await PooledBytes.ReadAsync(stream, MostBytes, cancellationToken).ConfigureAwait(false);
        return Open(bytes.Memory.Span);
    }
}
