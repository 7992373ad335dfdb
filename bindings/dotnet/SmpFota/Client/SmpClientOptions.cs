using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>How an <see cref="SmpClient"/> works: figures only, so that it can be bound from configuration.</summary>
/// <remarks>A client takes a copy and checks it at once: a later change has no effect on it.</remarks>
public sealed record SmpClientOptions
{
    /// <summary>
    /// What is known of the way to the device; where it has no nonce, the client takes a random one. Null, the default: the defaults, or
    /// what the saved session knew where one is restored.
    /// </summary>
    public SmpSessionOptions? Session { get; set; }

    /// <summary>As what the carrier is used, where its class implements several. Auto by default: as a batch exchange, an exchange, a transport, the first that it is.</summary>
    public SmpCarrierKind CarrierKind { get; set; }

    /// <summary>The least time between two reports of progress; a new phase is reported at once. Zero to one day; 100 ms by default.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The least time between two snapshots in one phase of an update; see <see cref="SmpClientServices.SnapshotSink"/>. Zero to one day; 1 s by default.</summary>
    public TimeSpan SnapshotInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait asked of one exchange, which is then repeated. 1 ms to one day; 20 s by default.</summary>
    public TimeSpan MaxExchangeWait { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The least time between two exchanges of which the first brought nothing. 1 ms to one day; 50 ms by default.</summary>
    public TimeSpan EmptyExchangePause { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// How long a call of the carrier may take beyond the wait it was asked for. A call that takes longer is left behind, and the
    /// operation ends with <see cref="SmpStatus.Timeout"/>. 1 ms to one day; 5 minutes by default.
    /// </summary>
    public TimeSpan CarrierTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A copy of its own for a client.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    internal SmpClientOptions Checked()
    {
        var day = TimeSpan.FromDays(1);
        NativeOption.Named(CarrierKind is >= SmpCarrierKind.Auto and <= SmpCarrierKind.BatchExchange, CarrierKind, nameof(CarrierKind));
        NativeOption.Within(ProgressInterval, nameof(ProgressInterval), TimeSpan.Zero, day);
        NativeOption.Within(SnapshotInterval, nameof(SnapshotInterval), TimeSpan.Zero, day);
        NativeOption.Within(MaxExchangeWait, nameof(MaxExchangeWait), TimeSpan.FromMilliseconds(1), day);
        NativeOption.Within(EmptyExchangePause, nameof(EmptyExchangePause), TimeSpan.FromMilliseconds(1), day);
        NativeOption.Within(CarrierTimeout, nameof(CarrierTimeout), TimeSpan.FromMilliseconds(1), day);
        Session?.Check();
        return this with { Session = Session is null ? null : Session with { } };
    }
}
