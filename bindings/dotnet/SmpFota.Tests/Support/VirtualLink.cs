using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>A virtual device in virtual time, reached by either kind of carrier.</summary>
internal sealed class VirtualLink : ISmpTransport, ISmpExchange, ISmpLinkControl, IDisposable
{
    private readonly Channel<ReadOnlyMemory<byte>> received = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

    internal VirtualLink(VirtualDeviceOptions? options = null)
    {
        Device = new VirtualDevice(options);
        Time.NextArrival = () => Device.Deadline;
        Time.Deliver = Deliver;
    }

    internal VirtualTime Time { get; } = new();

    internal VirtualDevice Device { get; }

    /// <summary>Called before each write, with the number of writes so far.</summary>
    internal Action<int>? BeforeWrite { get; set; }

    internal int Writes { get; private set; }

    internal int LongestWrite { get; private set; }

    internal int LargestBatch { get; private set; }

    internal int LinkResets { get; private set; }

    public ChannelReader<ReadOnlyMemory<byte>> Received => received.Reader;

    internal SmpClientServices Services => new() { TimeProvider = Time };

    internal static SmpClientOptions Options(SmpSessionOptions? session = null, SmpCarrierKind kind = SmpCarrierKind.Auto) =>
        new() { Session = session ?? new SmpSessionOptions { Nonce = 7 }, CarrierKind = kind };

    internal SmpClient Duplex(SmpSessionOptions? session = null, SmpClientServices? services = null) =>
        new(this, Options(session, SmpCarrierKind.Transport), services ?? Services);

    internal SmpClient Exchange(SmpSessionOptions? session = null, SmpClientServices? services = null) =>
        new(this, Options(session, SmpCarrierKind.Exchange), services ?? Services);

    internal SmpClient Client(bool exchange, SmpClientServices? services = null) =>
        exchange ? Exchange(services: services) : Duplex(services: services);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(write.Span);
        return ValueTask.CompletedTask;
    }

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken)
    {
        // An exchange brings over what has arrived by itself; nothing may take it meanwhile.
        Time.NextArrival = static () => null;
        using IDisposable hold = Time.Hold();
        await Task.Yield();
        LargestBatch = Math.Max(LargestBatch, writes.Count);
        foreach (ReadOnlyMemory<byte> write in writes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Write(write.Span);
        }

        var arrived = new List<ReadOnlyMemory<byte>>();
        lock (Time.Gate)
        {
            TimeSpan end = Time.Now + wait;
            while (arrived.Count == 0)
            {
                while (Device.TryRead(Time.Now, out byte[]? notification))
                {
                    arrived.Add(notification);
                }

                if (arrived.Count == 0 && (Device.Deadline is not { } next || next > end))
                {
                    Time.AdvanceTo(end);
                    break;
                }

                Time.AdvanceTo(Device.Deadline ?? end);
            }
        }

        return arrived;
    }

    public ValueTask ResetLinkAsync(CancellationToken cancellationToken)
    {
        lock (Time.Gate)
        {
            LinkResets++;
            Device.SetLink(Time.Now, up: false);
            Time.Advance(TimeSpan.FromSeconds(2));
            Device.SetLink(Time.Now, up: true);
        }

        return ValueTask.CompletedTask;
    }

    public void Dispose() => Device.Dispose();

    private void Write(ReadOnlySpan<byte> bytes)
    {
        lock (Time.Gate)
        {
            BeforeWrite?.Invoke(Writes);
            Writes++;
            LongestWrite = Math.Max(LongestWrite, bytes.Length);
            Device.Write(Time.Now, bytes);
        }
    }

    private bool Deliver()
    {
        bool any = false;
        while (Device.TryRead(Time.Now, out byte[]? notification))
        {
            received.Writer.TryWrite(notification);
            any = true;
        }

        return any;
    }
}
