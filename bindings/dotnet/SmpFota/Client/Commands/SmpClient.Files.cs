using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Group 8, files.</content>
public sealed partial class SmpClient
{
    /// <summary>Writes a file of the device. An upload that was cut short goes on where the device stands.</summary>
    /// <param name="name">The full path on the device, such as <c>/lfs1/config.json</c>.</param>
    /// <param name="content">The bytes; not empty.</param>
    /// <param name="verify">Compare the device's own hash of the file afterwards, where it can make one.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public Task UploadFileAsync(
        string name, ReadOnlyMemory<byte> content, bool verify = true, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            w.WriteBase64String("content_base64", content.Span);
            w.WriteBoolean("verify", verify);
        });
        return AskAsync("file_upload", arguments, static _ => true, cancellationToken, progress);
    }

    /// <summary>Reads a file of the device.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="maxLength">The most bytes to take; a longer file is refused. Null for what the library takes.</param>
    /// <param name="verify">Compare with the device's own hash of the file, where it can make one.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    /// <exception cref="SmpUsageException">The file is longer than <paramref name="maxLength"/> (<see cref="SmpStatus.ImageTooLarge"/>).</exception>
    public Task<byte[]> DownloadFileAsync(
        string name, int? maxLength = null, bool verify = true, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            w.WriteString("encoding", "base64");
            w.WriteBoolean("verify", verify);
            if (maxLength is { } most)
            {
                w.WriteNumber("max_length", most);
            }
        });
        return WithinLengthAsync(AskAsync(
            "file_download", arguments, static a => a.GetProperty("content_base64").GetBytesFromBase64(), cancellationToken, progress));
    }

    // The library has one status for what is larger than it may be; here it is no firmware image.
    private static async Task<byte[]> WithinLengthAsync(Task<byte[]> download)
    {
        try
        {
            return await download.ConfigureAwait(false);
        }
        catch (FirmwareImageException e)
        {
            throw new SmpUsageException(e.Status, e.Message, e.Finding, e);
        }
    }

    /// <summary>The length of a file of the device, in bytes.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public Task<long> ReadFileLengthAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync("file_status", Named(name), static a => a.Number("length") ?? 0, cancellationToken);

    /// <summary>Has the device hash one of its files.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="kind">One of <see cref="ReadFileHashKindsAsync"/>; null for the device's choice.</param>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="length">How many bytes; null to the end.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public Task<DeviceFileHash> HashFileAsync(
        string name, string? kind = null, long offset = 0, long? length = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            if (kind is not null)
            {
                w.WriteString("type", kind);
            }

            if (offset != 0)
            {
                w.WriteNumber("offset", offset);
            }

            if (length is { } most)
            {
                w.WriteNumber("length", most);
            }
        });
        return AskAsync("file_hash", arguments, DeviceFileHash.Read, cancellationToken);
    }

    /// <summary>The hashes and checksums that the device can make.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public Task<IReadOnlyList<FileHashKind>> ReadFileHashKindsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<FileHashKind>>("file_hash_types", null, static a => a.Items("types", FileHashKind.Read), cancellationToken);

    /// <summary>Has the device close the file that a transfer left open.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public Task CloseFileAsync(CancellationToken cancellationToken = default) => CommandAsync("file_close", null, cancellationToken);
}
