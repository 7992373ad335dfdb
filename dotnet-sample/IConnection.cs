using System;

namespace SmpFota.Sample;

/// <summary>A way to a device: a carrier and what belongs to it.</summary>
internal interface IConnection : IAsyncDisposable
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <summary>A client over the carrier.</summary>
    SmpClient Connect();
}
