using System;

namespace SmpFota.Sample;

/// <summary>A way to a device: a carrier and what belongs to it.</summary>
internal interface IConnection : IAsyncDisposable
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <summary>What is known of this way, and its clock.</summary>
    SmpClientOptions Options { get; }

    /// <summary>A client over the carrier.</summary>
    SmpClient Connect(SmpClientOptions options);

    /// <summary>A client over the carrier that goes on where a stored one stood.</summary>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged or belongs to another image.</exception>
    SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientOptions options);
}
