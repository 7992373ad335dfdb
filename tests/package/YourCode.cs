// What the README's program leaves to its reader: the client of a cloud, the call of a gateway, and where they come from. The gateway
// here reaches the virtual device over UDP.
global using static YourCode;
using System.Net;
using System.Net.Sockets;

public sealed class ServiceClient(int port)
{
    public UdpClient Socket { get; } = new("127.0.0.1", port);
}

public static class YourCode
{
    public static readonly ServiceClient hub = new(int.Parse(Environment.GetEnvironmentVariable("SMPFOTA_TEST_DEVICE")!));
    public static readonly CancellationToken cancellationToken = CancellationToken.None;

    public static async Task<IReadOnlyList<ReadOnlyMemory<byte>>> CallTheGatewayAsync(
        ServiceClient hub, string gatewayId, IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> write in writes)
        {
            await hub.Socket.SendAsync(write, cancellationToken);
        }

        var anybody = new IPEndPoint(IPAddress.Any, 0);
        bool came = await Task.Run(() => hub.Socket.Client.Poll(wait, SelectMode.SelectRead), cancellationToken);
        return came ? [hub.Socket.Receive(ref anybody)] : [];
    }
}
