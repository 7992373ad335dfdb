using System;
using System.Globalization;

namespace SmpFota.Interop;

/// <summary>Checks options and turns them into the library's unsigned numbers. Null is always right: the library decides.</summary>
internal static class NativeOption
{
    /// <summary>The longest time that is an option anywhere.</summary>
    internal static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Refuses what lies outside the range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal static void Within(TimeSpan? value, string name, TimeSpan least, TimeSpan most)
    {
        if (value is { } given && (given < least || given > most))
        {
            throw new ArgumentOutOfRangeException(name, given, $"{name} must lie between {Text(least)} and {Text(most)}.");
        }
    }

    /// <summary>Refuses what lies outside the range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal static void Within(int? value, string name, int least, int most)
    {
        if (value is { } given && (given < least || given > most))
        {
            throw new ArgumentOutOfRangeException(
                name, given, FormattableString.Invariant($"{name} must lie between {least} and {most}."));
        }
    }

    /// <summary>Refuses a number that names nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal static void Named(bool isNamed, object value, string name)
    {
        if (!isNamed)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} has no such value.");
        }
    }

    /// <summary>A length of time that was checked, rounded up to whole milliseconds.</summary>
    internal static uint From(TimeSpan value) => (uint)((value.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);

    /// <summary>A count or size that is not negative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal static uint From(int value, string name)
    {
        Within(value, name, 0, int.MaxValue);
        return (uint)value;
    }

    private static string Text(TimeSpan time) => time.ToString("c", CultureInfo.InvariantCulture);
}
