namespace SmpFota;

/// <summary>What a health check is given.</summary>
public sealed class HealthCheckContext
{
    /// <summary>Makes one, as a client does; for the tests of a health check.</summary>
    /// <param name="client">The client that the check may ask, such as a mock.</param>
    /// <exception cref="System.ArgumentNullException">There is no client.</exception>
    public HealthCheckContext(SmpClient client)
    {
        System.ArgumentNullException.ThrowIfNull(client);
        Client = client;
    }

    /// <summary>
    /// A client of the check's own for the same device: the update stands still meanwhile, and the client that runs it would wait
    /// for itself. Closed when the check has ended.
    /// </summary>
    public SmpClient Client { get; }
}
