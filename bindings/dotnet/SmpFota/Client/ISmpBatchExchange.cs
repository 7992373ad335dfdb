using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// A carrier of calls that takes several writes with a time between them, such as an Azure IoT Hub direct method to a gateway that
/// keeps the time. One <see cref="SmpClient"/> uses it at a time.
/// </summary>
/// <remarks>
/// With <see cref="SmpSessionOptions.BatchFrames"/> a call carries up to so many frames of an upload, many more than the device has
/// buffers for: a buffer is taken while a frame waits at the device, not while it travels. Without, it carries what
/// <see cref="ISmpExchange"/> would be given.
/// </remarks>
public interface ISmpBatchExchange : ISmpCarrier
{
    /// <summary>Makes one call: writes to the device, and brings back what the gateway has heard of it.</summary>
    /// <param name="batch">What the call carries. Its bytes stay as they are only until the returned task has completed.</param>
    /// <param name="cancellationToken">Fires when the operation is cancelled.</param>
    /// <returns>
    /// What the gateway has heard; <see cref="SmpBatchOutcome.Unknown"/> where nobody knows whether the writes were made, as after a
    /// time-out of the cloud: the session then asks the device with one frame before it sends on.
    /// </returns>
    /// <remarks>
    /// Called one at a time, on the thread pool. A call that ignores its token, or takes longer than
    /// <see cref="SmpClientOptions.CarrierTimeout"/> beyond the delays and the wait of its batch, is left behind; what it still brings is
    /// taken by the next operation, which first waits for it.
    /// </remarks>
    /// <exception cref="Exception">
    /// Anything thrown here ends the operation and reaches its caller; a cancellation that nobody asked for, such as a time-out of
    /// an HTTP client, as the inner exception of an <see cref="SmpProtocolException"/>.
    /// </exception>
    Task<SmpBatchOutcome> ExchangeAsync(SmpBatch batch, CancellationToken cancellationToken);
}
