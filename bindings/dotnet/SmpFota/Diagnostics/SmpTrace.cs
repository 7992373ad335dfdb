using System;
using System.Diagnostics.CodeAnalysis;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>Explains whole traces: logs with frames in them, dumps, the JSON of gateways, recordings. The form is recognised.</summary>
/// <remarks>
/// Memory does not grow with the trace. One thread at a time, as <see cref="SmpSession"/>; <see cref="Dispose"/> from any.
/// </remarks>
public sealed unsafe class SmpTrace : IDisposable
{
    private readonly TraceHandle handle = new();

    /// <summary>Opens a trace.</summary>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpTrace()
    {
        nuint raw = 0;
        StatusTable.Check(NativeMethods.smpfota_trace_open(&raw));
        handle.Own(raw);
    }

    /// <summary>Explains a whole trace.</summary>
    /// <param name="trace">The bytes as they stand in the file.</param>
    /// <param name="line">Gets each line of text: a frame, or what the trace says of the link.</param>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static SmpTraceVerdict Explain(ReadOnlySpan<byte> trace, Action<string>? line = null)
    {
        using var reader = new SmpTrace();
        while (!trace.IsEmpty)
        {
            trace = trace.Slice(reader.Feed(trace));
            reader.Drain(line);
        }

        SmpTraceVerdict verdict = reader.ReadVerdict();
        reader.Drain(line);
        return verdict;
    }

    /// <summary>Takes the next bytes of the trace, in pieces of any size. They are copied.</summary>
    /// <returns>How many were taken: fewer than given while lines wait for <see cref="TryReadLine"/>.</returns>
    /// <exception cref="ObjectDisposedException">The trace was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside, or the verdict was read.</exception>
    public int Feed(ReadOnlySpan<byte> bytes)
    {
        using HandleLease lease = handle.Lease();
        nuint taken = 0;
        fixed (byte* start = bytes)
        {
            StatusTable.Check(NativeMethods.smpfota_trace_feed(lease.Value, start, (nuint)bytes.Length, &taken));
        }

        return (int)taken;
    }

    /// <summary>Takes the next line of text, without an end of line.</summary>
    /// <exception cref="ObjectDisposedException">The trace was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public bool TryReadLine([NotNullWhen(true)] out string? line)
    {
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        StatusTable.Check(NativeText.TryRead(
            (buffer, capacity, length) => NativeMethods.smpfota_trace_next_line(raw, buffer, capacity, length), out line));
        return line is not null;
    }

    /// <summary>Ends the trace and judges it. Lines may still wait.</summary>
    /// <exception cref="ObjectDisposedException">The trace was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public SmpTraceVerdict ReadVerdict()
    {
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        return SmpTraceVerdict.Parse(NativeText.Read(
            (buffer, capacity, length) => NativeMethods.smpfota_trace_verdict(raw, buffer, capacity, length)));
    }

    /// <summary>Closes the trace.</summary>
    public void Dispose() => handle.Dispose();

    private void Drain(Action<string>? line)
    {
        while (TryReadLine(out string? text))
        {
            line?.Invoke(text);
        }
    }
}
