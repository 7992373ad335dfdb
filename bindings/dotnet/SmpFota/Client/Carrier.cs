using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>The two kinds of transport under one face, as the driver loop sees them.</summary>
internal abstract class Carrier
{
    /// <summary>The longest single wait; timers take no more than some weeks.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>Takes one write. The bytes may change once the task has completed.</summary>
    internal abstract ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken);

    /// <summary>Takes what has arrived, if anything has.</summary>
    internal abstract bool TryReceive(out ReadOnlyMemory<byte> bytes);

    /// <summary>Waits until something has arrived, the time has passed or <paramref name="wake"/> has completed. Null waits without limit.</summary>
    internal abstract Task WaitAsync(TimeSpan? wait, Task wake, CancellationToken cancellationToken);

    /// <summary>Sends what is unsent without waiting for the device.</summary>
    internal abstract Task FlushAsync(CancellationToken cancellationToken);

    /// <summary>Drops what is unsent, because the operation has ended.</summary>
    internal abstract void Forget();

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

    // Timers cut off what is below a millisecond, and a timer that is early costs a turn of the loop.
    private static TimeSpan RoundUp(TimeSpan wait) =>
        TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, wait.TotalMilliseconds)));
}
