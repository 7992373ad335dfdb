using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// What a transport or exchange implements besides, if it can drop the link to the device. Without it an update only takes
/// longer where a fresh link would have helped.
/// </summary>
public interface ISmpLinkControl
{
    /// <summary>
    /// Drops the link to the device and brings it up again, subscription included. Where that does not succeed it just
    /// comes back: the session goes on asking the device.
    /// </summary>
    /// <param name="cancellationToken">Fires when the operation is cancelled.</param>
    /// <exception cref="System.Exception">Anything thrown here ends the operation and reaches its caller.</exception>
    ValueTask ResetLinkAsync(CancellationToken cancellationToken);
}
