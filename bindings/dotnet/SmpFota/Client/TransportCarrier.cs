using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpTransport"/>: each write at once, and waiting never takes a message.</summary>
internal sealed class TransportCarrier(ISmpTransport transport) : Carrier
{
    // Outlives a wait that ended for another reason, and the operation too.
    private Task<bool>? arrival;

    private ChannelReader<ReadOnlyMemory<byte>> Received =>
        transport.Received ?? throw Broken(transport, "has no channel of received bytes (Received is null)");

    internal override async ValueTask WriteAsync(ReadOnlyMemory<byte> write, TimeSpan delay, OperationScope scope)
    {
        if (!await SettleAsync(scope).ConfigureAwait(false))
        {
            return;
        }

        ValueTask call = transport.WriteAsync(write, scope.Token);
        if (call.IsCompletedSuccessfully)
        {
            call.GetAwaiter().GetResult();
            return;
        }

        await GuardAsync(call.AsTask(), TimeSpan.Zero, scope).ConfigureAwait(false);
    }

    internal override bool TryReceive(out ReadOnlyMemory<byte> bytes) => Received.TryRead(out bytes);

    internal override async ValueTask WaitAsync(TimeSpan? wait, Task wake, OperationScope scope)
    {
        arrival ??= Watch();
        if (!arrival.IsCompleted)
        {
            await WaitAnyAsync(wait, scope.Time, arrival, wake, scope.Caller).ConfigureAwait(false);
        }

        if (arrival.IsCompleted)
        {
            Task<bool> completed = arrival;
            arrival = null;
            if (!await completed.ConfigureAwait(false))
            {
                throw new SmpProtocolException(
                    SmpStatus.LinkLost, "The transport ended its stream of received bytes while the device was awaited.");
            }
        }
    }

    internal override ValueTask FlushAsync(OperationScope scope) => default;

    internal override void Forget()
    {
    }

    // A channel that faults when nobody waits any more is observed too.
    private Task<bool> Watch()
    {
        Task<bool> watched = Received.WaitToReadAsync(CancellationToken.None).AsTask();
        _ = watched.ContinueWith(
            static done => _ = done.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return watched;
    }
}
