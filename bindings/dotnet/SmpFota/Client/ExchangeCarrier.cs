using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpExchange"/>: writes are gathered until the session waits, and go out as one batch.</summary>
internal sealed class ExchangeCarrier(ISmpExchange exchange, SmpClientOptions options) : Carrier
{
    // Also filled by a call that was left behind, whenever that comes back.
    private readonly ConcurrentQueue<ReadOnlyMemory<byte>> arrived = new();

    // The batch lies in pooled memory, which is the carrier's until its call returns.
    private List<ReadOnlyMemory<byte>> batch = [];
    private List<byte[]> rented = [];

    internal override ValueTask WriteAsync(ReadOnlyMemory<byte> write, OperationScope scope)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(write.Length);
        write.CopyTo(copy);
        rented.Add(copy);
        batch.Add(copy.AsMemory(0, write.Length));
        return default;
    }

    internal override bool TryReceive(out ReadOnlyMemory<byte> bytes) => arrived.TryDequeue(out bytes);

#if !NETSTANDARD2_0
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
#endif
    internal override async ValueTask WaitAsync(TimeSpan? wait, Task wake, OperationScope scope)
    {
        if (batch.Count == 0 && wait is null)
        {
            // The session expects nothing, so the carrier is left in peace.
            await WaitAnyAsync(null, scope.Time, wake, wake, scope.Caller).ConfigureAwait(false);
            return;
        }

        TimeSpan limit = wait is { } asked && asked < options.MaxExchangeWait ? asked : options.MaxExchangeWait;
        long start = scope.Time.GetTimestamp();
        int count = await ExchangeAsync(limit < TimeSpan.Zero ? TimeSpan.Zero : limit, scope).ConfigureAwait(false);
        TimeSpan pause = (limit < options.EmptyExchangePause ? limit : options.EmptyExchangePause)
            - scope.Time.GetElapsedTime(start);
        if (count == 0 && pause > TimeSpan.Zero)
        {
            await WaitAnyAsync(pause, scope.Time, wake, wake, scope.Caller).ConfigureAwait(false);
        }
    }

    internal override async ValueTask FlushAsync(OperationScope scope)
    {
        if (batch.Count > 0)
        {
            await ExchangeAsync(TimeSpan.Zero, scope).ConfigureAwait(false);
        }
    }

    internal override void Forget()
    {
        foreach (byte[] buffer in rented)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        rented.Clear();
        batch.Clear();
    }

    protected override void OnLeft(Task call)
    {
        // The carrier may still read the batch: it keeps it.
        batch = [];
        rented = [];
        if (call is Task<IReadOnlyList<ReadOnlyMemory<byte>>> late)
        {
            _ = late.ContinueWith(
                done => Take(done.Result), CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

#if !NETSTANDARD2_0
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
#endif
    private async ValueTask<int> ExchangeAsync(TimeSpan wait, OperationScope scope)
    {
        if (!await SettleAsync(scope).ConfigureAwait(false))
        {
            return 0;
        }

        Task<IReadOnlyList<ReadOnlyMemory<byte>>> call =
            exchange.ExchangeAsync(batch, wait, scope.Token) ?? throw Broken(exchange, "returned no task");
        if (!await GuardAsync(call, wait, scope).ConfigureAwait(false))
        {
            return 0;
        }

        Forget();
        return Take(await call.ConfigureAwait(false));
    }

    private int Take(IReadOnlyList<ReadOnlyMemory<byte>>? answers)
    {
        if (answers is null)
        {
            throw Broken(exchange, "returned null; where nothing has arrived it returns an empty list");
        }

        for (int index = 0; index < answers.Count; index++)
        {
            arrived.Enqueue(answers[index]);
        }

        return answers.Count;
    }
}
