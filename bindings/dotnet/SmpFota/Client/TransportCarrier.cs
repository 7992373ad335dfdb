using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpTransport"/>: each write at once, and waiting never takes a message.</summary>
internal sealed class TransportCarrier(ISmpTransport transport, TimeProvider time) : Carrier
{
    // Outlives a wait that ended for another reason, and the operation too.
    private Task<bool>? arrival;

    internal override ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken) =>
        transport.WriteAsync(write, cancellationToken);

    internal override bool TryReceive(out ReadOnlyMemory<byte> bytes) => transport.Received.TryRead(out bytes);

    internal override async Task WaitAsync(TimeSpan? wait, Task wake, CancellationToken cancellationToken)
    {
        arrival ??= transport.Received.WaitToReadAsync(CancellationToken.None).AsTask();
        if (!arrival.IsCompleted)
        {
            await WaitAnyAsync(wait, time, arrival, wake, cancellationToken).ConfigureAwait(false);
        }

        if (arrival.IsCompleted)
        {
            Task<bool> completed = arrival;
            arrival = null;
            if (!await completed.ConfigureAwait(false))
            {
                throw new SmpProtocolException(
                    SmpStatus.LinkLost, "The transport ended its stream of received bytes while the device was awaited.", null, null, null);
            }
        }
    }

    internal override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    internal override void Forget()
    {
    }
}
