using System;
using System.Buffers;
using System.Text;

namespace SmpFota.Interop;

/// <summary>A native call that writes bytes into the caller's buffer and stores the length it needs.</summary>
internal unsafe delegate int OutputCall(byte* buffer, nuint capacity, nuint* length);

/// <summary>As <see cref="OutputCall"/>, of a handle: a static method needs no closure.</summary>
internal unsafe delegate int HandleOutputCall(nuint handle, byte* buffer, nuint capacity, nuint* length);

/// <summary>Outputs of unknown length: ask with a small buffer, grow to what the library says it needs.</summary>
internal static unsafe class NativeText
{
    // A snapshot without a half-received message, and most texts.
    private const int FirstSize = 512;

    private delegate T Conversion<T>(ReadOnlySpan<byte> bytes);

    /// <summary>The text that the call writes.</summary>
    internal static string Read(OutputCall call) => Read(Unbound(call), 0);

    /// <summary>The text that the call writes.</summary>
    internal static string Read(HandleOutputCall call, nuint handle)
    {
        StatusTable.Check(TryRead(call, handle, out string? text));
        return text!;
    }

    /// <summary>The bytes that the call writes.</summary>
    internal static byte[] ReadBytes(OutputCall call)
    {
        StatusTable.Check(TryReadBytes(call, out byte[]? bytes));
        return bytes!;
    }

    /// <summary>The bytes that the call writes.</summary>
    internal static byte[] ReadBytes(HandleOutputCall call, nuint handle)
    {
        StatusTable.Check(TryRead(call, handle, static found => found.ToArray(), out byte[]? bytes));
        return bytes!;
    }

    /// <summary>As <see cref="Read(OutputCall)"/>, with the status for the caller to judge; the text is null unless it is OK.</summary>
    internal static int TryRead(OutputCall call, out string? text) => TryRead(Unbound(call), 0, out text);

    /// <summary>As <see cref="Read(HandleOutputCall, nuint)"/>, with the status for the caller to judge; the text is null unless it is OK.</summary>
    internal static int TryRead(HandleOutputCall call, nuint handle, out string? text) =>
        TryRead(call, handle, static bytes => Encoding.UTF8.GetString(bytes), out text);

    /// <summary>As <see cref="ReadBytes(OutputCall)"/>, with the status for the caller to judge; the bytes are null unless it is OK.</summary>
    internal static int TryReadBytes(OutputCall call, out byte[]? bytes) =>
        TryRead(Unbound(call), 0, static found => found.ToArray(), out bytes);

    private static HandleOutputCall Unbound(OutputCall call) => (_, buffer, capacity, length) => call(buffer, capacity, length);

    private static int TryRead<T>(HandleOutputCall call, nuint handle, Conversion<T> convert, out T? result)
        where T : class
    {
        NativeLibraryLoader.EnsureLoaded();
        result = null;
        byte* stack = stackalloc byte[FirstSize];
        nuint length = 0;
        int status = call(handle, stack, FirstSize, &length);
        if (status == (int)SmpStatus.Ok)
        {
            result = convert(new ReadOnlySpan<byte>(stack, checked((int)length)));
        }

        // What is described may grow between two calls, so ask until it fits.
        while (status == (int)SmpStatus.BufferTooSmall)
        {
            byte[] rented = ArrayPool<byte>.Shared.Rent(checked((int)length));
            fixed (byte* buffer = rented)
            {
                status = call(handle, buffer, (nuint)rented.Length, &length);
            }

            if (status == (int)SmpStatus.Ok)
            {
                result = convert(rented.AsSpan(0, checked((int)length)));
            }

            ArrayPool<byte>.Shared.Return(rented);
        }

        return status;
    }
}
