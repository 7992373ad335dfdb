using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>The console of a device behind a TCP port, as QEMU offers it.</summary>
internal sealed class TcpTransport : ISmpTransport, IAsyncDisposable
{
    private readonly Channel<ReadOnlyMemory<byte>> received = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
    private readonly CancellationTokenSource closing = new();
    private readonly TcpClient client = new() { NoDelay = true };
    private Task reader = Task.CompletedTask;

    public ChannelReader<ReadOnlyMemory<byte>> Received => received.Reader;

    internal static async Task<TcpTransport> ConnectAsync(int port)
    {
        var transport = new TcpTransport();
        await transport.client.ConnectAsync("127.0.0.1", port);
        transport.reader = transport.ReadAsync();
        return transport;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken) =>
        client.GetStream().WriteAsync(write, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await reader;
        client.Dispose();
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await client.GetStream().ReadAsync(buffer, closing.Token) is int count and > 0)
            {
                received.Writer.TryWrite(buffer.AsSpan(0, count).ToArray());
            }

            received.Writer.TryComplete();
        }
        catch (OperationCanceledException)
        {
            // The test has ended.
        }
        catch (System.IO.IOException e)
        {
            received.Writer.TryComplete(e);
        }
    }
}
