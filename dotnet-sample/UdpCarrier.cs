using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>A duplex carrier: a device that speaks SMP over UDP (Zephyr's default port is 1337), one frame a datagram.</summary>
internal sealed class UdpCarrier : ISmpTransport, IConnection
{
    // Fits the smallest MTU of IPv6, so that no datagram is cut up on the way.
    private const int MaxDatagram = 1232;

    private readonly Channel<ReadOnlyMemory<byte>> received = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
    private readonly CancellationTokenSource closing = new();
    private readonly UdpClient socket;
    private readonly Task reader;

    internal UdpCarrier(DnsEndPoint endPoint)
    {
        socket = new UdpClient(endPoint.Host, endPoint.Port);
        Name = $"{endPoint.Host}:{endPoint.Port} over UDP";
        reader = ReadAsync();
    }

    public string Name { get; }

    public ChannelReader<ReadOnlyMemory<byte>> Received => received.Reader;

    private SmpClientOptions Options { get; } = new()
    {
        Session = new SmpSessionOptions { MaxWrite = MaxDatagram, Reassembly = SmpReassembly.No },
    };

    public SmpClient Connect(SmpClientServices services) => new(this, Options, services);

    public SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientServices services) => SmpClient.Restore(snapshot, image, this, Options, services);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
    {
        try
        {
            await socket.SendAsync(write, cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // Nobody listens now; a device that is just booting will in a moment. The session asks again.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        socket.Dispose();
        await reader;
    }

    private async Task ReadAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            try
            {
                UdpReceiveResult datagram = await socket.ReceiveAsync(closing.Token);
                received.Writer.TryWrite(datagram.Buffer);
            }
            catch (SocketException)
            {
                // The answer to a datagram that found nobody.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
