using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// A carrier of requests and responses that takes several writes at once, such as an Azure IoT Hub direct method to a gateway.
/// One <see cref="SmpClient"/> uses it at a time.
/// </summary>
public interface ISmpExchange : ISmpCarrier
{
    /// <summary>Sends writes to the device and brings back what has arrived from it.</summary>
    /// <param name="writes">
    /// The writes, in the order in which the device shall get them; none to only ask for what has arrived. List and bytes stay as
    /// they are only until the returned task has completed: what is needed longer has to be copied.
    /// </param>
    /// <param name="wait">
    /// How long to wait at most for the device. Come back as soon as something has arrived: what follows is fetched next time.
    /// </param>
    /// <param name="cancellationToken">Fires when the operation is cancelled.</param>
    /// <returns>
    /// The notifications since the last call, in the order of their arrival; none if nothing came. A call whose outcome is
    /// unknown (a timeout of the cloud) is best answered with none: the session asks the device again.
    /// </returns>
    /// <remarks>
    /// Called one at a time, on the thread pool. A call that ignores its token, or takes longer than
    /// <see cref="SmpClientOptions.CarrierTimeout"/> beyond <paramref name="wait"/>, is left behind; what it still brings is taken
    /// by the next operation, which first waits for it.
    /// </remarks>
    /// <exception cref="Exception">
    /// Anything thrown here ends the operation and reaches its caller; a cancellation that nobody asked for, such as a time-out of
    /// an HTTP client, as the inner exception of an <see cref="SmpProtocolException"/>.
    /// </exception>
    Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken);
}
