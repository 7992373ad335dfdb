using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Brings snapshots to the sink: one call at a time, not more often than asked for, and once more at the end.</summary>
internal sealed class SnapshotKeeper(SmpClientOptions options, SmpClientServices services)
{
    // How long the end of an update waits for the sink, in real time: it is no part of the conversation with the device.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Outlives an update whose sink did not come back.
    private Task call = Task.CompletedTask;
    private Action leave = static () => { };
    private UpdatePhase stored;
    private long storedAt;

    internal bool IsWanted => services.SnapshotSink is not null;

    /// <summary>An update begins: its first wait is worth a snapshot.</summary>
    internal void Begin() => stored = UpdatePhase.Idle;

    /// <summary>The update is about to wait. Nothing is saved while it is too early, or while the sink is still busy.</summary>
    internal void Offer(SmpSession session, UpdatePhase phase)
    {
        bool due = phase != stored || services.TimeProvider.GetElapsedTime(storedAt) >= options.SnapshotInterval;
        if (due && call.IsCompleted)
        {
            stored = phase;
            storedAt = services.TimeProvider.GetTimestamp();
            call = CallAsync(new SmpSnapshot(session.Save(), phase, false));
        }
    }

    /// <summary>The last call for an update, behind the one that may still run.</summary>
    internal async Task EndAsync(SmpSnapshot last)
    {
        if (await DoneAsync().ConfigureAwait(false))
        {
            call = CallAsync(last);
            await DoneAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> DoneAsync()
    {
        if (!call.IsCompleted)
        {
            await Task.WhenAny(call, Task.Delay(Patience)).ConfigureAwait(false);
        }

        if (call.IsCompleted)
        {
            return true;
        }

        services.Failed(new TimeoutException($"The snapshot sink did not come back for {Patience.TotalSeconds} s."));
        leave();
        return false;
    }

    private async Task CallAsync(SmpSnapshot snapshot)
    {
        using var left = new CancellationTokenSource();
        leave = left.Cancel;
        try
        {
            await services.SnapshotSink!(snapshot, left.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            services.Failed(e);
        }
    }
}
