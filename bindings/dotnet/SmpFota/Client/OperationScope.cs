using System;
using System.Threading;

namespace SmpFota;

/// <summary>What limits the carrier's calls of one operation: the caller's token, the update's deadline, the patience with a call.</summary>
internal sealed class OperationScope : IDisposable
{
    private readonly TimeSpan carrierTimeout;
    private readonly TimeProvider time;
    private readonly long start;
    private readonly TimeSpan? deadline;
    private readonly CancellationToken closing;
    private CancellationTokenSource stop;
    private TimeSpan pausedFor;
    private long pausedAt;

    internal OperationScope(SmpClientOptions options, TimeProvider time, TimeSpan? deadline, CancellationToken caller, CancellationToken closing)
    {
        carrierTimeout = options.CarrierTimeout;
        this.time = time;
        this.deadline = deadline;
        this.closing = closing;
        Caller = caller;
        start = time.GetTimestamp();
        stop = CancellationTokenSource.CreateLinkedTokenSource(caller);
    }

    internal TimeProvider Time => time;

    /// <summary>Fires when the operation is to end.</summary>
    internal CancellationToken Caller { get; }

    /// <summary>What a call of the carrier gets: fires too when the call is left behind.</summary>
    internal CancellationToken Token => stop.Token;

    internal bool IsPaused { get; private set; }

    /// <summary>Whether the update's deadline has passed, so that the session will say so when it is asked.</summary>
    internal bool IsOver => Left() is { } left && left <= TimeSpan.Zero;

    /// <summary>How long a call may take that was asked to wait so long.</summary>
    internal TimeSpan Limit(TimeSpan asked)
    {
        TimeSpan limit = asked + carrierTimeout;
        return Left() is not { } left ? limit : left <= TimeSpan.Zero ? TimeSpan.Zero : left < limit ? left : limit;
    }

    /// <summary>Ends the loop. The closing client is asked itself: it tells <see cref="Caller"/> on another thread, which may take a while.</summary>
    internal void ThrowIfEnded()
    {
        Caller.ThrowIfCancellationRequested();
        closing.ThrowIfCancellationRequested();
    }

    internal void Pause()
    {
        IsPaused = true;
        pausedAt = time.GetTimestamp();
    }

    internal void Resume()
    {
        IsPaused = false;
        pausedFor += time.GetElapsedTime(pausedAt);
    }

    /// <summary>Tells the call that is left behind; later calls get another token.</summary>
    internal void LeaveCall()
    {
        CancellationTokenSource left = stop;
        stop = CancellationTokenSource.CreateLinkedTokenSource(Caller);

        // Elsewhere: what the carrier does then must not run in here.
        ThreadPool.QueueUserWorkItem(_ => Tell(left));
    }

    public void Dispose() => stop.Dispose();

    private static void Tell(CancellationTokenSource left)
    {
        try
        {
            left.Cancel();
        }
        catch (AggregateException)
        {
            // The carrier's own business.
        }

        left.Dispose();
    }

    // Some more than the session takes, which counts from its first question on.
    private TimeSpan? Left() =>
        deadline is not { } limit || IsPaused ? null : limit + pausedFor - time.GetElapsedTime(start) + TimeSpan.FromMilliseconds(20);
}
