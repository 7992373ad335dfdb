using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>A duplex carrier: a virtual device behind an emulated gateway. Time runs ten times as fast there.</summary>
internal sealed class VirtualCarrier : ISmpTransport, ISmpLinkControl, IConnection
{
    private readonly FastClock clock = new();
    private readonly VirtualDevice device;
    private readonly Channel<ReadOnlyMemory<byte>> received = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
    private readonly SemaphoreSlim changed = new(0);
    private readonly CancellationTokenSource closing = new();
    private readonly long start;
    private readonly Task pump;

    internal VirtualCarrier(VirtualDeviceOptions options)
    {
        start = clock.GetTimestamp();
        device = new VirtualDevice(options);
        Name = $"a virtual device over {options.Link}{(options.Fault is { } fault ? $" with {fault}" : "")}";
        pump = PumpAsync();
    }

    public string Name { get; }

    public ChannelReader<ReadOnlyMemory<byte>> Received => received.Reader;

    private TimeSpan Now => clock.GetElapsedTime(start);

    public TimeProvider Time => clock;

    public SmpClient Connect(SmpClientServices services) => new(this, null, services);

    public SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientServices services) => SmpClient.Restore(snapshot, image, this, null, services);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
    {
        lock (device)
        {
            device.Write(Now, write.Span);
        }

        changed.Release();
        return ValueTask.CompletedTask;
    }

    public async ValueTask ResetLinkAsync(CancellationToken cancellationToken)
    {
        lock (device)
        {
            device.SetLink(Now, up: false);
        }

        await Task.Delay(TimeSpan.FromSeconds(2), clock, cancellationToken);
        lock (device)
        {
            device.SetLink(Now, up: true);
        }

        changed.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await pump;
        device.Dispose();
    }

    // Brings over what has arrived, then sleeps until the device has more or something was written to it.
    private async Task PumpAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            TimeSpan? next;
            lock (device)
            {
                while (device.TryRead(Now, out byte[]? notification))
                {
                    received.Writer.TryWrite(notification);
                }

                next = device.Deadline - Now;
            }

            Task change = changed.WaitAsync(FastClock.Milliseconds(next), closing.Token);
            await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
