using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>The two kinds of transport under one face, as the driver loop sees them.</summary>
/// <remarks>What waits in every exchange keeps its state in pooled objects, where the platform has them.</remarks>
internal abstract class Carrier
{
    /// <summary>The longest single wait; timers take no more than some weeks.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    // A call that was left behind. The carrier is used by one call at a time, so the next one waits for it.
    private Task? leftBehind;

    /// <summary>Takes one write, to leave so long after the one before it in the same call. The bytes may change once the task has completed.</summary>
    internal abstract ValueTask WriteAsync(ReadOnlyMemory<byte> write, TimeSpan delay, OperationScope scope);

    /// <summary>Takes what has arrived, if anything has.</summary>
    internal abstract bool TryReceive(out ReadOnlyMemory<byte> bytes);

    /// <summary>The session is about to wait, or has ended: what it wants to know of the call that is made now.</summary>
    internal virtual void Prepare(SmpSession session)
    {
    }

    /// <summary>All that has arrived was given to the session: what it is to know of the call that brought it.</summary>
    internal virtual void Conclude(SmpSession session, TimeSpan now)
    {
    }

    /// <summary>Waits until something has arrived, the time has passed or <paramref name="wake"/> has completed. Null waits without limit.</summary>
    internal abstract ValueTask WaitAsync(TimeSpan? wait, Task wake, OperationScope scope);

    /// <summary>Sends what is unsent without waiting for the device.</summary>
    internal abstract ValueTask FlushAsync(OperationScope scope);

    /// <summary>Drops what is unsent, because the operation has ended.</summary>
    internal abstract void Forget();

    /// <summary>Drops the link and brings it up, within the limits of the operation.</summary>
    internal async ValueTask ResetLinkAsync(ISmpLinkControl control, OperationScope scope)
    {
        if (await SettleAsync(scope).ConfigureAwait(false))
        {
            await GuardAsync(control.ResetLinkAsync(scope.Token).AsTask(), TimeSpan.Zero, scope).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the first of two tasks, or for the time to pass.</summary>
    internal static async Task WaitAnyAsync(
        TimeSpan? wait, TimeProvider time, Task first, Task second, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TimeSpan limit = wait is not { } asked ? Timeout.InfiniteTimeSpan : asked < LongestWait ? RoundUp(asked) : LongestWait;
        Task timer = Task.Delay(limit, time, ended.Token);
        await Task.WhenAny(first, second, timer).ConfigureAwait(false);
        ended.Cancel();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Waits for a call that was left behind. False when the update's deadline has passed before it was done.</summary>
    protected async ValueTask<bool> SettleAsync(OperationScope scope)
    {
        if (leftBehind is { } earlier)
        {
            if (!earlier.IsCompleted && !await GuardAsync(earlier, TimeSpan.Zero, scope).ConfigureAwait(false))
            {
                return false;
            }

            leftBehind = null;
        }

        return true;
    }

    /// <summary>
    /// Waits for a call of the carrier as long as the operation allows, whether the carrier heeds its token or not. A call that
    /// is left behind goes on by itself; what becomes of it is observed.
    /// </summary>
    /// <returns>False when the update's deadline has passed before the call was done: the session is to say so.</returns>
#if !NETSTANDARD2_0
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
#endif
    protected async ValueTask<bool> GuardAsync(Task call, TimeSpan asked, OperationScope scope)
    {
        if (call.Status == TaskStatus.RanToCompletion)
        {
            return true;
        }

        TimeSpan limit = scope.Limit(asked);
        try
        {
            await call.WaitAsync(RoundUp(limit), scope.Time, scope.Caller).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!call.IsCompleted)
        {
            Leave(call, scope);
            throw;
        }
        catch (TimeoutException) when (!call.IsCompleted)
        {
            Leave(call, scope);
            if (scope.IsOver)
            {
                return false;
            }

            throw new SmpProtocolException(
                SmpStatus.Timeout,
                $"The carrier did not come back from a call for {limit.TotalSeconds:0.###} s; it was left behind. The device keeps what it has.");
        }
        catch (OperationCanceledException e) when (!scope.Caller.IsCancellationRequested)
        {
            // A time-out of the carrier's own is no cancellation by the caller.
            throw new SmpProtocolException(SmpStatus.Timeout, $"The carrier gave up a call: {e.Message}", e);
        }
    }

    /// <summary>A carrier that does not keep to its interface.</summary>
    protected static InvalidOperationException Broken(object carrier, string what) => new($"{carrier.GetType()} {what}.");

    /// <summary>Called with a call that was left behind.</summary>
    protected virtual void OnLeft(Task call)
    {
    }

    private void Leave(Task call, OperationScope scope)
    {
        if (!ReferenceEquals(call, leftBehind))
        {
            leftBehind = call.ContinueWith(
                static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            OnLeft(call);
        }

        scope.LeaveCall();
    }

    // Timers cut off what is below a millisecond, and a timer that is early costs a turn of the loop.
    private static TimeSpan RoundUp(TimeSpan wait) =>
        TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, wait.TotalMilliseconds)));
}
