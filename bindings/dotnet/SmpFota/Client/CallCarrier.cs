using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives a carrier of calls: writes are gathered until the session waits, go out together, and the call brings the answers.</summary>
/// <typeparam name="TWrite">A write as the carrier takes it.</typeparam>
/// <typeparam name="TOutcome">What a call brings.</typeparam>
internal abstract class CallCarrier<TWrite, TOutcome>(SmpClientOptions options) : Carrier
    where TOutcome : class
{
    // Also filled by a call that was left behind, whenever that comes back.
    private readonly ConcurrentQueue<ReadOnlyMemory<byte>> arrived = new();

    // The batch lies in pooled memory, which is the carrier's until its call returns.
    private List<TWrite> batch = [];
    private List<byte[]> rented = [];

    /// <summary>Whether a call would carry anything.</summary>
    protected bool HasWrites => batch.Count > 0;

    internal override ValueTask WriteAsync(ReadOnlyMemory<byte> write, TimeSpan delay, OperationScope scope)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(write.Length);
        write.CopyTo(copy);
        rented.Add(copy);
        batch.Add(Gather(copy.AsMemory(0, write.Length), delay));
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

        TimeSpan limit = Patience(wait);
        limit = limit < options.MaxExchangeWait ? limit : options.MaxExchangeWait;
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

    /// <summary>The write as the carrier takes it.</summary>
    protected abstract TWrite Gather(ReadOnlyMemory<byte> bytes, TimeSpan delay);

    /// <summary>How long a call waits for the device where the session waits so long; null is without limit.</summary>
    protected virtual TimeSpan Patience(TimeSpan? wait) => wait ?? TimeSpan.MaxValue;

    /// <summary>How long a call is to take of itself that waits so long for the device.</summary>
    protected virtual TimeSpan Length(IReadOnlyList<TWrite> writes, TimeSpan wait) => wait;

    /// <summary>Makes a call.</summary>
    /// <exception cref="InvalidOperationException">The carrier returned no task.</exception>
    protected abstract Task<TOutcome> CallAsync(IReadOnlyList<TWrite> writes, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>What a call has brought.</summary>
    /// <exception cref="InvalidOperationException">It brought nothing at all.</exception>
    protected abstract IReadOnlyList<ReadOnlyMemory<byte>> AnswersOf(TOutcome? outcome);

    /// <summary>The call that was just waited for came back with this.</summary>
    protected virtual void OnReturned(TOutcome outcome)
    {
    }

    protected override void OnLeft(Task call)
    {
        // The carrier may still read the batch: it keeps it.
        batch = [];
        rented = [];
        if (call is Task<TOutcome> late)
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

        TimeSpan length = Length(batch, wait);
        Task<TOutcome> call = CallAsync(batch, wait, scope.Token);
        if (!await GuardAsync(call, length, scope).ConfigureAwait(false))
        {
            return 0;
        }

        Forget();
        TOutcome outcome = await call.ConfigureAwait(false);
        int count = Take(outcome);
        OnReturned(outcome);
        return count;
    }

    private int Take(TOutcome? outcome)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> answers = AnswersOf(outcome);
        for (int index = 0; index < answers.Count; index++)
        {
            arrived.Enqueue(answers[index]);
        }

        return answers.Count;
    }
}
