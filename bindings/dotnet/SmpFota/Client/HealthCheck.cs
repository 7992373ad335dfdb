using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>One call of the caller's health check; an exception is a verdict too, and is kept.</summary>
internal sealed class HealthCheck(Func<CancellationToken, Task<bool>>? check, CancellationToken cancellationToken) : IDisposable
{
    // The session has its own time limit for the answer; a check that runs on after it is told to stop.
    private readonly CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    private Task<bool>? verdict;

    internal bool IsAsked => check is not null;

    internal Exception? Thrown { get; private set; }

    internal Task<bool> Start() => verdict ??= RunAsync();

    public void Dispose()
    {
        ended.Cancel();
        ended.Dispose();
    }

    private async Task<bool> RunAsync()
    {
        try
        {
            return await check!(ended.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Thrown = e;
            return false;
        }
    }
}
