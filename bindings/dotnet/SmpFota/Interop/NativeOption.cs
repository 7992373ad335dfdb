using System;

namespace SmpFota.Interop;

/// <summary>Checks an option's value and turns it into the library's unsigned number.</summary>
internal static class NativeOption
{
    /// <summary>A length of time as an option of the library, rounded up to whole milliseconds.</summary>
    internal static uint From(TimeSpan value, string name)
    {
        if (value < TimeSpan.Zero || value.TotalMilliseconds >= uint.MaxValue)
        {
            throw new ArgumentOutOfRangeException(name, value, "The time must be between zero and 49 days.");
        }

        return (uint)((value.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
    }

    /// <summary>A count or size as an option of the library.</summary>
    internal static uint From(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        return (uint)value;
    }
}
