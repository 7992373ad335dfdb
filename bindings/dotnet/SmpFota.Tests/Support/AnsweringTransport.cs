using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>Answers every request with one body.</summary>
internal sealed class AnsweringTransport(byte[] body) : ISmpTransport
{
    private readonly Channel<ReadOnlyMemory<byte>> received = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

    public ChannelReader<ReadOnlyMemory<byte>> Received => received.Reader;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
    {
        byte[] header = write[..8].ToArray();
        header[0]++;
        (header[2], header[3]) = ((byte)(body.Length >> 8), (byte)body.Length);
        byte[] answer = [.. header, .. body];
        received.Writer.TryWrite(answer);
        return ValueTask.CompletedTask;
    }
}
