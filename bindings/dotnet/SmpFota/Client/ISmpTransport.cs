using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// A carrier that takes single writes and delivers what arrives whenever it arrives: Bluetooth, UDP, a serial port, messages
/// to and from a gateway. One <see cref="SmpClient"/> uses it at a time.
/// </summary>
public interface ISmpTransport : ISmpCarrier
{
    /// <summary>
    /// The bytes that arrive from the device, in the order of their arrival, cut in any way. The client takes a message out
    /// only when it uses it at once, so that a cancelled operation loses none. Completing the channel ends the operation.
    /// </summary>
    ChannelReader<ReadOnlyMemory<byte>> Received { get; }

    /// <summary>
    /// Sends one write to the device (one GATT write, one datagram). Called one at a time, in order. That it completes need only
    /// mean that the bytes are on their way; a write that is lost is repeated by the session.
    /// </summary>
    /// <param name="write">The bytes. They stay as they are only until the returned task has completed.</param>
    /// <param name="cancellationToken">Fires when the operation is cancelled.</param>
    /// <remarks>On the thread pool. A call that takes longer than <see cref="SmpClientOptions.CarrierTimeout"/> is left behind.</remarks>
    /// <exception cref="Exception">Anything thrown here ends the operation and reaches its caller; what may pass by itself is better left to the session.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken);
}
