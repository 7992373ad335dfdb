using System;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace SmpFota.Tests.Support;

/// <summary>A virtual device behind a UDP port, some times as fast as a real one. It outlives the clients that talk to it.</summary>
internal sealed class UdpDevice : IDisposable
{
    private const int Speed = 4;

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly VirtualDevice device;
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Thread thread;
    private volatile bool stopping;

    internal UdpDevice(VirtualDeviceOptions options)
    {
        device = new VirtualDevice(options);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        thread = new Thread(Serve) { IsBackground = true };
        thread.Start();
    }

    internal string Address => $"127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}";

    /// <summary>Why it stopped by itself, if it did.</summary>
    internal Exception? Failure { get; private set; }

    private TimeSpan Now => clock.Elapsed * Speed;

    internal string Describe()
    {
        lock (device)
        {
            return device.Describe();
        }
    }

    public void Dispose()
    {
        stopping = true;
        thread.Join();
        socket.Dispose();
        device.Dispose();
    }

    private void Serve()
    {
        byte[] buffer = new byte[65_536];
        EndPoint? peer = null;
        try
        {
            while (!stopping)
            {
                TimeSpan wait;
                lock (device)
                {
                    while (device.TryRead(Now, out byte[]? notification))
                    {
                        Send(notification, peer);
                    }

                    wait = device.Deadline is { } next ? (next - Now) / Speed : TimeSpan.MaxValue;
                }

                int microseconds = (int)Math.Clamp(wait.TotalMicroseconds, 0, 20_000);
                if (!socket.Poll(microseconds, SelectMode.SelectRead))
                {
                    continue;
                }

                EndPoint from = new IPEndPoint(IPAddress.Any, 0);
                int length;
                try
                {
                    length = socket.ReceiveFrom(buffer, ref from);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
                {
                    continue; // a client died with an answer on its way
                }

                peer = from;
                lock (device)
                {
                    device.Write(Now, buffer.AsSpan(0, length));
                }
            }
        }
        catch (Exception e)
        {
            Failure = e;
        }
    }

    private void Send(byte[] notification, EndPoint? peer)
    {
        if (peer is null)
        {
            return;
        }

        try
        {
            socket.SendTo(notification, peer);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
        {
            // The client has died.
        }
    }
}
