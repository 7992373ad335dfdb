using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// What passed between a client and its carrier: one write, or what one notification brought. Both are SMP frames where a frame fits a write;
/// a longer one passes in pieces, and in serial framing as console lines.
/// </summary>
/// <param name="At">When, on the client's clock: since it was made, as in <see cref="SmpEvent.At"/>.</param>
/// <param name="Direction">Whence and whither.</param>
/// <param name="Bytes">What passed. May be kept.</param>
public readonly unsafe record struct SmpFrame(TimeSpan At, SmpFrameDirection Direction, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>What the bytes of a frame mean: header, body, meaning and what is wrong with them, as JSON. Any bytes are explained, also broken ones.</summary>
    /// <remarks>Safe for any number of threads.</remarks>
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

    /// <summary>As <see cref="Explain(ReadOnlySpan{byte})"/>, of these bytes.</summary>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public string Explain() => Explain(Bytes.Span);

    /// <summary>A line as <see cref="SmpTrace"/> reads it, such as <c>1.204 -> 02 00 00 ...</c>.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{At.TotalSeconds:0.000} {(Direction == SmpFrameDirection.ToDevice ? "->" : "<-")} {BitConverter.ToString(Bytes.ToArray()).Replace('-', ' ').ToLowerInvariant()}");
}
