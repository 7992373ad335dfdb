using System;
using System.Buffers;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;

namespace SmpFota;

/// <content>Group 8, files.</content>
public partial class SmpClient
{
    // The most that the library takes.
    private const int MostBytes = 16 * 1024 * 1024;

    /// <summary>Writes a file of the device. An upload that was cut short goes on where the device stands.</summary>
    /// <param name="name">The full path on the device, such as <c>/lfs1/config.json</c>.</param>
    /// <param name="content">The bytes: 1 to 16,777,216. Read until the operation has started, and not kept.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the upload where it stands.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task UploadFileAsync(
        string name, ReadOnlyMemory<byte> content, FileUploadOptions? options = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);

        // The command "file_upload", whose content passes as bytes.
        string arguments = Upload(name, options);
        return RunAsync(s => s.StartUpload(arguments, content.Span), static (_, _, _) => new ValueTask<bool>(true), null, progress, false, cancellationToken);
    }

    /// <summary>As <see cref="UploadFileAsync"/>, from a stream, which is read to its end before the upload starts. It stays open.</summary>
    /// <param name="name">The full path on the device, such as <c>/lfs1/config.json</c>.</param>
    /// <param name="content">The bytes from its position on: 1 to 16,777,216.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the reading or the upload where it stands.</param>
    /// <exception cref="ArgumentNullException">There is no name or no stream.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual async Task UploadFileFromAsync(
        string name, Stream content, FileUploadOptions? options = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(content);
        using PooledBytes bytes = await PooledBytes.ReadAsync(content, MostBytes, cancellationToken).ConfigureAwait(false);
        await UploadFileAsync(name, bytes.Memory, options, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a file of the device.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the download.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    /// <exception cref="SmpUsageException">The file is longer than <see cref="FileDownloadOptions.MaxLength"/> (<see cref="SmpStatus.ImageTooLarge"/>).</exception>
    public virtual Task<byte[]> DownloadFileAsync(
        string name, FileDownloadOptions? options = null, IProgress<UpdateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Download(name, options);
        return WithinLengthAsync(RunAsync(
            s => s.StartCommand("file_download", arguments), static (s, json, _) => new ValueTask<byte[]>(ReadWhole(s, json)), null, progress, false,
            cancellationToken));
    }

    /// <summary>As <see cref="DownloadFileAsync"/>, into a stream, once the whole file has come and was verified. It stays open.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="destination">Takes the bytes of the file.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the download or the writing.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentNullException">There is no name or no stream.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    /// <exception cref="SmpUsageException">The file is longer than <see cref="FileDownloadOptions.MaxLength"/> (<see cref="SmpStatus.ImageTooLarge"/>).</exception>
    public virtual Task<long> DownloadFileToAsync(
        string name, Stream destination, FileDownloadOptions? options = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(destination);
        string arguments = Download(name, options);
        return WithinLengthAsync(RunAsync(
            s => s.StartCommand("file_download", arguments), (s, _, token) => CopyAsync(s, destination, token), null, progress, false, cancellationToken));
    }

    private static string Upload(string name, FileUploadOptions? options) => Arguments(w =>
    {
        w.WriteString("name", name);
        w.WriteBoolean("verify", options?.Verify ?? true);
    });

    private static string Download(string name, FileDownloadOptions? options) => Arguments(w =>
    {
        w.WriteString("name", name);
        w.WriteString("encoding", "raw");
        w.WriteBoolean("verify", options?.Verify ?? true);
        if (options?.MaxLength is { } most)
        {
            w.WriteNumber("max_length", most);
        }
    });

    private static byte[] ReadWhole(SmpSession session, string json)
    {
        byte[] file = new byte[Read(json, static answer => checked((int)(answer.Number("length") ?? 0)))];
        int filled = 0;
        while (filled < file.Length && session.ReadFile(filled, file.AsSpan(filled)) is var count and > 0)
        {
            filled += count;
        }

        return filled == file.Length
            ? file
            : throw new SmpProtocolException(SmpStatus.UnexpectedResponse, "The file that came is shorter than its length says.");
    }

    private static async ValueTask<long> CopyAsync(SmpSession session, Stream destination, CancellationToken cancellationToken)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long written = 0;
            while (session.ReadFile(written, piece) is var count and > 0)
            {
                await destination.WriteAsync(piece.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                written += count;
            }

            return written;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    // The library has one status for what is larger than it may be; here it is no firmware image.
    private static async Task<T> WithinLengthAsync<T>(Task<T> download)
    {
        try
        {
            return await download.ConfigureAwait(false);
        }
        catch (FirmwareImageException e)
        {
            var refused = new SmpUsageException(e.Status, e.Message, e);
            refused.Take(e);
            throw refused;
        }
    }

    /// <summary>The length of a file of the device, in bytes.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<long> ReadFileLengthAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync("file_status", Named(name), static a => a.Number("length") ?? 0, cancellationToken);

    /// <summary>Has the device hash one of its files.</summary>
    /// <param name="name">The full path on the device.</param>
    /// <param name="options">What of it, and how; null for all of it and the device's choice.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<DeviceFileHash> HashFileAsync(
        string name, FileHashOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            if (options?.Kind is { } kind)
            {
                w.WriteString("type", kind);
            }

            if (options is { Offset: not 0 })
            {
                w.WriteNumber("offset", options.Offset);
            }

            if (options?.Length is { } most)
            {
                w.WriteNumber("length", most);
            }
        });
        return AskAsync("file_hash", arguments, DeviceFileHash.Read, cancellationToken);
    }

    /// <summary>The hashes and checksums that the device can make.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<FileHashKind>> ReadFileHashKindsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<FileHashKind>>("file_hash_types", null, static a => a.Items("types", FileHashKind.Read), cancellationToken);

    /// <summary>Has the device close the file that a transfer left open.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task CloseFileAsync(CancellationToken cancellationToken = default) => CommandAsync("file_close", null, cancellationToken);
}
