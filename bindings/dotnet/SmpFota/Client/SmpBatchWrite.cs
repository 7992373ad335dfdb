using System;

namespace SmpFota;

/// <summary>One write of a call, and the time to keep before it.</summary>
/// <param name="Bytes">What is written: one GATT write, one datagram.</param>
/// <param name="Delay">
/// How long after the write before it in the same call it shall leave, in whole milliseconds; zero for the first one, and for the pieces of
/// one frame. It is the time in which the device works one frame off: more is allowed, less loses frames.
/// </param>
public readonly record struct SmpBatchWrite(ReadOnlyMemory<byte> Bytes, TimeSpan Delay);
