using System;

namespace SmpFota;

/// <summary>Something that happened to the device link, as far as the carrier can see it.</summary>
public readonly record struct SmpLinkEvent
{
    private SmpLinkEvent(uint kind, uint value)
    {
        Kind = kind;
        Value = value;
    }

    /// <summary>The link went down; what was in flight is lost.</summary>
    public static SmpLinkEvent Down { get; } = new(0, 0);

    /// <summary>The link is up again.</summary>
    public static SmpLinkEvent Up { get; } = new(1, 0);

    internal uint Kind { get; }

    internal uint Value { get; }

    /// <summary>One write may now carry this many bytes (the ATT MTU - 3).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public static SmpLinkEvent MaxWrite(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return new SmpLinkEvent(2, (uint)bytes);
    }
}
