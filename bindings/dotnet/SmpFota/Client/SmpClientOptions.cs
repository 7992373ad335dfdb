using System;

namespace SmpFota;

/// <summary>How an <see cref="SmpClient"/> works. Immutable, and safe to share.</summary>
public sealed record SmpClientOptions
{
    /// <summary>
    /// What is known of the way to the device; where it has no nonce, the client takes a random one. Null for the defaults, or for
    /// those of the saved session where one is restored.
    /// </summary>
    public SmpSessionOptions? Session { get; init; }

    /// <summary>The clock and the timers. The system's by default.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The least time between two reports of progress; a new phase is reported at once. 100 ms by default.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait asked of one exchange, which is then repeated. 20 s by default.</summary>
    public TimeSpan MaxExchangeWait { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The least time between two exchanges of which the first brought nothing. 50 ms by default.</summary>
    public TimeSpan EmptyExchangePause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Takes the entries of the session's log, each as JSON. Called by the operation that runs, so it should be quick.</summary>
    public Action<string>? EventSink { get; init; }

    /// <summary>
    /// Takes a snapshot of the session each time an update is about to wait for the device: store it, and <see cref="SmpClient.Restore(ReadOnlySpan{byte}, FirmwareImage?, ISmpTransport, SmpClientOptions?)"/>
    /// goes on from it in another process. The bytes may be kept. Called by the operation that runs; what it throws ends the operation.
    /// </summary>
    public Action<ReadOnlyMemory<byte>>? SnapshotSink { get; init; }
}
