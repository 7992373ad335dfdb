using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Channels;

namespace SmpFota;

/// <summary>Those who read a client's events one after the other. Whoever is slow loses the oldest and holds up nobody.</summary>
internal sealed class EventStreams
{
    // How many wait for a reader.
    private const int Kept = 256;

    private readonly object gate = new();
    private readonly List<Channel<SmpEvent>> readers = [];
    private bool closed;
    private volatile bool any;

    internal bool Any => any;

    internal void Publish(SmpEvent happened)
    {
        lock (gate)
        {
            foreach (Channel<SmpEvent> reader in readers)
            {
                reader.Writer.TryWrite(happened);
            }
        }
    }

    /// <summary>Ends every stream behind what waits in it.</summary>
    internal void Complete()
    {
        lock (gate)
        {
            closed = true;
            foreach (Channel<SmpEvent> reader in readers)
            {
                reader.Writer.TryComplete();
            }
        }
    }

    internal async IAsyncEnumerable<SmpEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Channel<SmpEvent> channel = Channel.CreateBounded<SmpEvent>(
            new BoundedChannelOptions(Kept) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        lock (gate)
        {
            if (closed)
            {
                yield break;
            }

            readers.Add(channel);
            any = true;
        }

        try
        {
            while (await channel.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                while (channel.Reader.TryRead(out SmpEvent? happened))
                {
                    yield return happened;
                }
            }
        }
        finally
        {
            lock (gate)
            {
                readers.Remove(channel);
                any = readers.Count > 0;
            }
        }
    }
}
