using System;

namespace SmpFota.Interop;

/// <summary>The library counts whole milliseconds in unsigned numbers.</summary>
internal static class NativeTime
{
    private const uint Unknown = uint.MaxValue;

    /// <summary>Monotonic time as the library takes it.</summary>
    internal static ulong Now(TimeSpan now)
    {
        if (now < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(now), now, "Time is counted from a start of the caller's choice and is never negative.");
        }

        return (ulong)(now.Ticks / TimeSpan.TicksPerMillisecond);
    }

    /// <summary>A point in time that the library named.</summary>
    internal static TimeSpan Point(ulong milliseconds) =>
        milliseconds >= (ulong)(TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond)
            ? TimeSpan.MaxValue
            : TimeSpan.FromTicks((long)milliseconds * TimeSpan.TicksPerMillisecond);

    /// <summary>A length of time that the library measured; null where it says unknown.</summary>
    internal static TimeSpan? Length(uint milliseconds) =>
        milliseconds == Unknown ? null : TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond);
}
