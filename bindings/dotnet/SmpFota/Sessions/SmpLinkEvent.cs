using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>Something that happened to the device link, as far as the carrier can see it. <c>default</c> is no event, and refused.</summary>
public readonly record struct SmpLinkEvent
{
    private const int LeastWrite = 20;
    private const int MostWrite = 65_535;

    private readonly LinkEventKind kind;
    private readonly int value;

    private SmpLinkEvent(LinkEventKind kind, int value = 0)
    {
        this.kind = kind;
        this.value = value;
    }

    private enum LinkEventKind
    {
        None,
        Down,
        Up,
        MaxWrite,
        NewAddress = 5,
        BondsLost,
    }

    /// <summary>The link went down; what was in flight is lost.</summary>
    public static SmpLinkEvent Down { get; } = new(LinkEventKind.Down);

    /// <summary>The link is up again.</summary>
    public static SmpLinkEvent Up { get; } = new(LinkEventKind.Up);

    /// <summary>The link is up again, to the same device under another address or name, as a firmware loader may have one.</summary>
    public static SmpLinkEvent NewAddress { get; } = new(LinkEventKind.NewAddress);

    /// <summary>
    /// The link came up and could not be encrypted: the device does not know the bond any more. An update then waits 45 s for an answer, as
    /// when somebody pairs anew, and fails with <see cref="SmpFinding.BondsLost"/> or, before its reset, <see cref="SmpFinding.PairingNeeded"/>.
    /// </summary>
    public static SmpLinkEvent BondsLost { get; } = new(LinkEventKind.BondsLost);

    internal bool IsNone => kind == LinkEventKind.None;

    /// <summary>What one write may carry from now on, if this is such an event.</summary>
    internal int? WriteLimit => kind == LinkEventKind.MaxWrite ? value : null;

    /// <summary>The event as the library numbers it.</summary>
    internal uint Kind => (uint)kind - 1;

    internal uint Value => (uint)value;

    /// <summary>One write may now carry this many bytes (the ATT MTU - 3): 20 to 65,535.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is outside that range.</exception>
    public static SmpLinkEvent MaxWrite(int bytes)
    {
        NativeOption.Within(bytes, nameof(bytes), LeastWrite, MostWrite);
        return new SmpLinkEvent(LinkEventKind.MaxWrite, bytes);
    }

    /// <summary><c>Down</c>, <c>Up</c>, <c>NewAddress</c>, <c>BondsLost</c>, <c>MaxWrite 244</c>; <c>None</c> for <c>default</c>.</summary>
    public override string ToString() =>
        kind == LinkEventKind.MaxWrite ? FormattableString.Invariant($"{kind} {value}") : kind.ToString();

    internal void ThrowIfNone(string name)
    {
        if (IsNone)
        {
            throw new ArgumentException("default(SmpLinkEvent) is no event; use Down, Up or MaxWrite, NewAddress or BondsLost.", name);
        }
    }
}
