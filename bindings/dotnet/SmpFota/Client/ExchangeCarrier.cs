using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpExchange"/>: writes are gathered until the session waits, and go out as one batch.</summary>
internal sealed class ExchangeCarrier(ISmpExchange exchange, SmpClientOptions options) : Carrier
{
    private readonly Queue<ReadOnlyMemory<byte>> arrived = new();
    private List<ReadOnlyMemory<byte>> batch = [];

    internal override ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
    {
        batch.Add(write.ToArray());
        return ValueTask.CompletedTask;
    }

    internal override bool TryReceive(out ReadOnlyMemory<byte> bytes) => arrived.TryDequeue(out bytes);

    internal override async Task WaitAsync(TimeSpan? wait, Task wake, CancellationToken cancellationToken)
    {
        if (batch.Count == 0 && wait is null)
        {
            // The session expects nothing, so the carrier is left in peace.
            await WaitAnyAsync(null, options.TimeProvider, wake, wake, cancellationToken).ConfigureAwait(false);
            return;
        }

        TimeSpan limit = wait is { } asked && asked < options.MaxExchangeWait ? asked : options.MaxExchangeWait;
        long start = options.TimeProvider.GetTimestamp();
        int count = await ExchangeAsync(limit < TimeSpan.Zero ? TimeSpan.Zero : limit, cancellationToken).ConfigureAwait(false);
        TimeSpan pause = (limit < options.EmptyExchangePause ? limit : options.EmptyExchangePause)
            - options.TimeProvider.GetElapsedTime(start);
        if (count == 0 && pause > TimeSpan.Zero)
        {
            await WaitAnyAsync(pause, options.TimeProvider, wake, wake, cancellationToken).ConfigureAwait(false);
        }
    }

    internal override Task FlushAsync(CancellationToken cancellationToken) =>
        batch.Count == 0 ? Task.CompletedTask : ExchangeAsync(TimeSpan.Zero, cancellationToken);

    internal override void Forget() => batch.Clear();

    private async Task<int> ExchangeAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        List<ReadOnlyMemory<byte>> writes = batch;
        batch = [];
        IReadOnlyList<ReadOnlyMemory<byte>> answers =
            await exchange.ExchangeAsync(writes, wait, cancellationToken).ConfigureAwait(false);
        foreach (ReadOnlyMemory<byte> answer in answers)
        {
            arrived.Enqueue(answer);
        }

        return answers.Count;
    }
}
