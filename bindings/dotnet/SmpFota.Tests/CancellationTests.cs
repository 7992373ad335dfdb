using System;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Cancellation at any point: at once, nothing lost, and the client goes on.</summary>
public sealed class CancellationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CancelledAtRandomPointsAnUpdateCanBeStartedAgain(bool exchange)
    {
        using FirmwareImage image = Images.Open();
        var random = new Random(4);
        for (int round = 0; round < 25; round++)
        {
            using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan", Seed = (ulong)round });
            await using SmpClient client = exchange ? way.Exchange() : way.Duplex();
            for (int cancelled = 0; cancelled < 3; cancelled++)
            {
                using var stop = new CancellationTokenSource();
                int at = way.Writes + random.Next(1, 40);
                way.BeforeWrite = writes => Cancel(writes >= at, stop);
                var thrown = await Assert.ThrowsAsync<OperationCanceledException>(() => client.UpdateAsync(image, cancellationToken: stop.Token));
                Assert.Equal(stop.Token, thrown.CancellationToken);
            }

            way.BeforeWrite = null;
            UpdateResult result = await client.UpdateAsync(image);
            Assert.Equal(UpdateOutcome.Updated, result.Outcome);
            Assert.Equal(image.Info.Hash.ToArray(), result.After.Single(i => i.IsActive).Hash.ToArray());
        }
    }

    [Fact]
    public async Task ACancelledWaitTakesNoMessage()
    {
        var transport = new MuteTransport();
        await using var client = new SmpClient(transport);
        for (int round = 0; round < 50; round++)
        {
            using var stop = new CancellationTokenSource();
            Task echo = client.EchoAsync("x", stop.Token);
            await transport.Written.Reader.ReadAsync();
            await Task.Yield();
            stop.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => echo);
            transport.Arriving.Writer.TryWrite(new byte[] { (byte)round });
            Assert.True(transport.Received.TryRead(out ReadOnlyMemory<byte> kept));
            Assert.Equal(round, kept.Span[0]);
        }
    }

    [Fact]
    public async Task ATokenThatHasFiredSendsNothing()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.UpdateAsync(image, cancellationToken: new CancellationToken(true)));
        Assert.Equal(0, way.Writes);
    }

    [Fact]
    public async Task WaitingForTheTurnIsCancelledToo()
    {
        var transport = new MuteTransport();
        await using var client = new SmpClient(transport);
        using var stopFirst = new CancellationTokenSource();
        using var stopSecond = new CancellationTokenSource();
        Task first = client.EchoAsync("1", stopFirst.Token);
        Task second = client.EchoAsync("2", stopSecond.Token);
        stopSecond.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.False(first.IsCompleted);
        stopFirst.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    private static void Cancel(bool now, CancellationTokenSource stop)
    {
        if (now)
        {
            stop.Cancel();
        }
    }

    /// <summary>Takes every write and answers none.</summary>
    private sealed class MuteTransport : ISmpTransport
    {
        internal Channel<ReadOnlyMemory<byte>> Arriving { get; } = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        internal Channel<int> Written { get; } = Channel.CreateUnbounded<int>();

        public ChannelReader<ReadOnlyMemory<byte>> Received => Arriving.Reader;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
        {
            Written.Writer.TryWrite(write.Length);
            return ValueTask.CompletedTask;
        }
    }
}
