using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>Explains SMP frames to people. Safe for any number of threads.</summary>
public static unsafe class SmpFrame
{
    /// <summary>What the bytes of a frame mean: header, body, meaning and what is wrong with them, as JSON. Any bytes are explained, also broken ones.</summary>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public static string Explain(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            byte* first = start;
            nuint count = (nuint)bytes.Length;
            return NativeText.Read((buffer, capacity, length) => NativeMethods.smpfota_explain_frame(first, count, buffer, capacity, length));
        }
    }
}
