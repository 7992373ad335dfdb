using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>One call of the caller's health check; an exception is a verdict too, and is kept.</summary>
internal sealed class HealthCheck(SmpClient owner, Func<HealthCheckContext, CancellationToken, Task<bool>>? check, CancellationToken cancellationToken)
    : IAsyncDisposable
{
    private static readonly AsyncLocal<SmpClient?> Checked = new();

    // The session has its own time limit for the answer; a check that runs on after it is told to stop.
    private readonly CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    private SmpClient? client;
    private Task<bool>? verdict;

    internal bool IsThere => check is not null;

    /// <summary>Whether the device belongs to the check now.</summary>
    internal bool IsRunning => verdict is { IsCompleted: false };

    internal Exception? Thrown { get; private set; }

    /// <summary>Whether the caller is inside a health check of an update of this client.</summary>
    internal static bool IsInside(SmpClient client) => ReferenceEquals(Checked.Value, client);

    /// <summary>Starts the check, or gives the one that was started. On the thread pool: a check that blocks holds up nobody.</summary>
    internal Task<bool> Start(Func<SmpClient> open)
    {
        if (verdict is null)
        {
            client = open();
            verdict = Task.Run(RunAsync, CancellationToken.None);
        }

        return verdict;
    }

    /// <summary>Ends the check and closes its client, so that the device is the update's again.</summary>
    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync().ConfigureAwait(false);
        if (client is not null)
        {
            await client.DisposeAsync().ConfigureAwait(false);
        }

        // The source stays for a check that has not noticed yet.
    }

    private async Task<bool> RunAsync()
    {
        try
        {
            Checked.Value = owner;
            return await check!(new HealthCheckContext(client!), ended.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // After a cancellation nobody asks for the verdict.
            Thrown = e;
            return false;
        }
    }
}
