using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>What an <see cref="SmpClient"/> uses of its host: the clock, the health check, and observers.</summary>
/// <remarks>
/// A client takes a copy: a later change has no effect on it. Observers (<see cref="EventSink"/>, <see cref="SnapshotSink"/> and the
/// <see cref="IProgress{T}"/> of an operation) are called by the operation that runs, so they should be quick. What they throw
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

    /// <summary>Takes the entries of the session's log, each as JSON.</summary>
    public Action<string>? EventSink { get; set; }

    /// <summary>
    /// Takes a snapshot of the session each time an update is about to wait for the device: store it, and <see cref="SmpClient.Restore"/>
    /// goes on from it in another process. The bytes may be kept.
    /// </summary>
    public Action<ReadOnlyMemory<byte>>? SnapshotSink { get; set; }

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
            try
            {
                ObserverFailed?.Invoke(e);
            }
            catch (Exception)
            {
                // Nobody is left to tell.
            }
        }
    }
}
