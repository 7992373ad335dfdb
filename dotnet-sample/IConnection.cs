using System;

namespace SmpFota.Sample;

/// <summary>A way to a device: a carrier and what belongs to it.</summary>
internal interface IConnection : IAsyncDisposable
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <summary>The clock of this way.</summary>
    TimeProvider Time => TimeProvider.System;

    /// <summary>A client over the carrier.</summary>
    SmpClient Connect(SmpClientServices services);

    /// <summary>A client over the carrier that goes on where a stored one stood.</summary>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged or belongs to another image.</exception>
    SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientServices services);
}
