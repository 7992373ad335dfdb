using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// The console framing of SMP: base64 lines with a length and a CRC. Sessions apply it by themselves
/// (<see cref="SmpSessionOptions.Framing"/>); this is for tools. Safe for any number of threads.
/// </summary>
public static unsafe class SerialFraming
{
    /// <summary>The console lines of one SMP frame.</summary>
    /// <exception cref="SmpUsageException">The frame is empty or too long for this framing.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> frame)
    {
        fixed (byte* start = frame)
        {
            byte* first = start;
            nuint count = (nuint)frame.Length;
            return NativeText.ReadBytes((buffer, capacity, length) => NativeMethods.smpfota_serial_encode(first, count, buffer, capacity, length));
        }
    }
}
