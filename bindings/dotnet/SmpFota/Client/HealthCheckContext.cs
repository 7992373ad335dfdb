namespace SmpFota;

/// <summary>What a health check is given.</summary>
public sealed class HealthCheckContext
{
    internal HealthCheckContext(SmpClient client) => Client = client;

    /// <summary>
    /// A client of the check's own for the same device: the update stands still meanwhile, and the client that runs it would wait
    /// for itself. Closed when the check has ended.
    /// </summary>
    public SmpClient Client { get; }
}
