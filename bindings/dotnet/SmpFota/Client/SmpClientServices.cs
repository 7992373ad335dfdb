using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>What an <see cref="SmpClient"/> uses of its host: the clock, the health check, and observers.</summary>
/// <remarks>
/// A client takes a copy: a later change has no effect on it. Observers (<see cref="EventSink"/>, <see cref="FrameSink"/>,
/// <see cref="SnapshotSink"/> and the <see cref="IProgress{T}"/> of an operation) are called by the operation that runs, so they should be quick. What they throw
/// goes to <see cref="ObserverFailed"/>, and neither ends the operation nor hides how it ended.
/// </remarks>
public sealed record SmpClientServices
{
    /// <summary>The clock and the timers. The system's by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>
    /// Called when the new image runs on trial: true lets it be confirmed, false or an exception leaves it unconfirmed, so that the
    /// next reset reverts it. It is asked where <see cref="UpdateOptions.WaitForHealth"/> is set, and in a restored update that was
    /// started so. The token fires when the answer is not wanted any more.
    /// </summary>
    public Func<HealthCheckContext, CancellationToken, Task<bool>>? HealthCheck { get; set; }

    /// <summary>Takes the entries of the session's log. <see cref="SmpClient.ReadEventsAsync"/> gives the same as a stream.</summary>
    public Action<SmpEvent>? EventSink { get; set; }

    /// <summary>Takes what passes between the client and its carrier, each write and each notification, with its direction and time.</summary>
    public Action<SmpFrame>? FrameSink { get; set; }

    /// <summary>
    /// Takes snapshots of an update: store them, and <see cref="SmpClient.Restore"/> goes on from one in another process.
    /// <see cref="FileSnapshotStore.SinkFor"/> is one that keeps them in files.
    /// </summary>
    /// <remarks>
    /// Called when the update is about to wait for the device: in a new phase at once, else not more often than
    /// <see cref="SmpClientOptions.SnapshotInterval"/>, and never while the call before is still running; the update does not wait for it. The last
    /// call is made behind that, at the end of the update: it says that the update has ended (<see cref="SmpSnapshot.HasEnded"/>), or, where it
    /// was cut short, brings where it stands. The end waits up to 30 s for the sink; then the token of the call fires.
    /// </remarks>
    public Func<SmpSnapshot, CancellationToken, Task>? SnapshotSink { get; set; }

    /// <summary>Takes what an observer has thrown. What it throws itself is dropped.</summary>
    public Action<Exception>? ObserverFailed { get; set; }

    /// <summary>Calls an observer.</summary>
    internal void Tell<T>(Action<T> observer, T what)
    {
        try
        {
            observer(what);
        }
        catch (Exception e)
        {
            Failed(e);
        }
    }

    /// <summary>Says what an observer has thrown.</summary>
    internal void Failed(Exception thrown)
    {
        try
        {
            ObserverFailed?.Invoke(thrown);
        }
        catch (Exception)
        {
            // Nobody is left to tell.
        }
    }
}
