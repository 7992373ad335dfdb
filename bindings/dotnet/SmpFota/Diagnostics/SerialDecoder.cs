using System;
using System.Diagnostics.CodeAnalysis;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>Finds SMP frames in a console's output, which may hold log lines and noise between them.</summary>
/// <remarks>One thread at a time, as <see cref="SmpSession"/>; <see cref="Dispose"/> from any.</remarks>
public sealed unsafe class SerialDecoder : IDisposable
{
    private readonly SerialDecoderHandle handle = new();

    /// <summary>Opens a decoder.</summary>
    /// <param name="maxFrame">The longest frame to expect, in bytes; longer ones are dropped.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="SmpUsageException">The length is outside its range.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SerialDecoder(int maxFrame = 4096)
    {
        nuint raw = 0;
        StatusTable.Check(NativeMethods.smpfota_serial_decoder_open(NativeOption.From(maxFrame, nameof(maxFrame)), &raw));
        handle.Own(raw);
    }

    /// <summary>Takes bytes of the console, as they arrived. They are copied.</summary>
    /// <exception cref="ObjectDisposedException">The decoder was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        using HandleLease lease = handle.Lease();
        fixed (byte* start = bytes)
        {
            StatusTable.Check(NativeMethods.smpfota_serial_decoder_feed(lease.Value, start, (nuint)bytes.Length));
        }
    }

    /// <summary>Takes the next whole frame.</summary>
    /// <exception cref="ObjectDisposedException">The decoder was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public bool TryRead([NotNullWhen(true)] out byte[]? frame)
    {
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        StatusTable.Check(NativeText.TryReadBytes(
            (buffer, capacity, length) => NativeMethods.smpfota_serial_decoder_next(raw, buffer, capacity, length), out frame));
        return frame is not null;
    }

    /// <summary>Closes the decoder.</summary>
    public void Dispose() => handle.Dispose();
}
