using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Carriers that do not keep to their interface, or are simply late: each operation ends, with a sentence, and nothing hangs.</summary>
public sealed class CarrierTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private delegate Task<IReadOnlyList<ReadOnlyMemory<byte>>> Exchange(
        IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken stop);

    public enum Fault
    {
        NoTask,
        NoList,
        Throws,
        ThrowsLater,
        OwnTimeout,
        OwnCancellation,
    }

    public enum Habit
    {
        Synchronous,
        EachTwice,
        Backwards,
        ForeignAnswers,
        EmptyAnswers,
        KeepsWrites,
        Context,
    }

    [Theory]
    [InlineData(Fault.NoTask, typeof(InvalidOperationException))]
    [InlineData(Fault.NoList, typeof(InvalidOperationException))]
    [InlineData(Fault.Throws, typeof(IOException))]
    [InlineData(Fault.ThrowsLater, typeof(IOException))]
    [InlineData(Fault.OwnTimeout, typeof(SmpProtocolException))]
    [InlineData(Fault.OwnCancellation, typeof(SmpProtocolException))]
    public async Task WhatACarrierDoesWrongEndsTheOperationAndNothingElse(Fault fault, Type expected)
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        int calls = 0;
        var carrier = new OwnExchange(async (writes, wait, stop) =>
        {
            if (++calls == 12)
            {
                await Task.Yield();
                throw fault == Fault.ThrowsLater ? new IOException("the gateway is gone")
                    : fault == Fault.OwnTimeout ? new TaskCanceledException("The request was canceled due to the configured HttpClient.Timeout.", new TimeoutException())
                    : new OperationCanceledException("I did not feel like it.");
            }

            return await way.ExchangeAsync(writes, wait, stop);
        })
        {
            Before = call => call != 11 ? null
                : fault == Fault.Throws ? throw new IOException("the gateway is gone")
                : fault == Fault.NoList ? Task.FromResult<IReadOnlyList<ReadOnlyMemory<byte>>>(null!) : null,
            HasNoTask = call => fault == Fault.NoTask && call == 11,
        };
        await using var client = new SmpClient(carrier, VirtualLink.Options(), way.Services);
        Exception thrown = await Assert.ThrowsAnyAsync<Exception>(() => client.UpdateAsync(image).WaitAsync(Soon));
        Assert.Equal(expected, thrown.GetType());
        Assert.NotEmpty(thrown.Message);
        if (expected == typeof(SmpProtocolException))
        {
            Assert.Equal(SmpStatus.Timeout, ((SmpProtocolException)thrown).Status);
            Assert.IsAssignableFrom<OperationCanceledException>(thrown.InnerException);
        }

        // The client is good for another one, and the device goes on where it stands.
        calls = 1_000;
        carrier.Calls = 1_000;
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
    }

    [Theory]
    [InlineData(Habit.Synchronous)]
    [InlineData(Habit.EachTwice)]
    [InlineData(Habit.Backwards)]
    [InlineData(Habit.ForeignAnswers)]
    [InlineData(Habit.EmptyAnswers)]
    [InlineData(Habit.KeepsWrites)]
    [InlineData(Habit.Context)]
    public async Task OddCarriersUpdateADevice(Habit habit)
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        int caller = Environment.CurrentManagedThreadId;
        bool inContext = false;
        var carrier = new OwnExchange((writes, wait, stop) =>
        {
            inContext |= SynchronizationContext.Current is not null;
            if (habit == Habit.Synchronous)
            {
                Task<IReadOnlyList<ReadOnlyMemory<byte>>> done = way.ExchangeAsync(writes, wait, stop);
                done.Wait(stop);
                return done;
            }

            return OddAsync();

            async Task<IReadOnlyList<ReadOnlyMemory<byte>>> OddAsync()
            {
                IReadOnlyList<ReadOnlyMemory<byte>> answers = await way.ExchangeAsync(writes, wait, stop);
                return habit switch
                {
                    Habit.EachTwice => answers.SelectMany(answer => new[] { answer, answer }).ToList(),
                    Habit.Backwards => answers.Reverse().ToList(),
                    Habit.ForeignAnswers => answers.Prepend(new byte[] { 3, 0, 0, 1, 0, 1, 200, 1, 0xa0 }).ToList(),
                    Habit.EmptyAnswers => answers.Append(default).ToList(),
                    _ => answers,
                };
            }
        });
        await using var client = new SmpClient(carrier, VirtualLink.Options(), way.Services);
        SynchronizationContext? before = SynchronizationContext.Current;
        Task<UpdateResult> update;
        try
        {
            SynchronizationContext.SetSynchronizationContext(habit == Habit.Context ? new DeadContext() : before);
            update = client.UpdateAsync(image);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        // It came back before the work was done, although the carrier may never yield.
        Assert.Equal(caller, Environment.CurrentManagedThreadId);
        Assert.Equal(UpdateOutcome.Updated, (await update.WaitAsync(Soon)).Outcome);
        Assert.False(inContext);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADeadlineInterruptsACallThatNeverReturns(bool heeds)
    {
        using FirmwareImage image = Images.Open(size: 6000);
        var carrier = new OwnExchange(async (_, _, stop) =>
        {
            await Task.Delay(Timeout.Infinite, heeds ? stop : CancellationToken.None);
            return [];
        });
        await using var client = new SmpClient(carrier);
        var options = new UpdateOptions { Deadline = TimeSpan.FromMilliseconds(300) };
        var thrown = await Assert.ThrowsAnyAsync<SmpException>(() => client.UpdateAsync(image, options).WaitAsync(Soon));
        Assert.Equal(SmpStatus.Timeout, thrown.Status);
    }

    [Fact]
    public async Task ACallThatNeverReturnsIsLeftBehindAtTheTimeLimit()
    {
        var carrier = new OwnExchange((_, _, _) => new TaskCompletionSource<IReadOnlyList<ReadOnlyMemory<byte>>>().Task);
        var options = new SmpClientOptions { MaxExchangeWait = TimeSpan.FromMilliseconds(50), CarrierTimeout = TimeSpan.FromMilliseconds(100) };
        await using var client = new SmpClient(carrier, options);
        for (int round = 0; round < 2; round++)
        {
            // The second operation waits for the call that the first one left behind, no longer than for one of its own.
            var thrown = await Assert.ThrowsAsync<SmpProtocolException>(() => client.EchoAsync("x").WaitAsync(Soon));
            Assert.Equal(SmpStatus.Timeout, thrown.Status);
            Assert.Contains("carrier", thrown.Message);
        }

        Assert.Equal(1, carrier.Calls);
    }

    [Fact]
    public async Task CancellationAndDisposeDoNotDependOnTheCarrier()
    {
        var exchange = new OwnExchange((_, _, _) => new TaskCompletionSource<IReadOnlyList<ReadOnlyMemory<byte>>>().Task);
        var transport = new StuckTransport();
        foreach (SmpClient client in new[] { new SmpClient(exchange), new SmpClient(transport) })
        {
            using var stop = new CancellationTokenSource();
            Task<string> echo = client.EchoAsync("x", stop.Token);
            await Task.Delay(50);
            stop.Cancel();
            var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => echo.WaitAsync(Soon));
            Assert.Equal(stop.Token, thrown.CancellationToken);
            Task<string> next = client.EchoAsync("y");
            await client.DisposeAsync().AsTask().WaitAsync(Soon);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => next.WaitAsync(Soon));
        }
    }

    [Fact]
    public async Task WhatALeftCallStillBringsIsTakenByTheNextOperation()
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        var late = new TaskCompletionSource();
        bool first = true;
        var carrier = new OwnExchange(async (writes, wait, stop) =>
        {
            bool mine = first;
            first = false;
            IReadOnlyList<ReadOnlyMemory<byte>> answers = await way.ExchangeAsync(writes, wait, CancellationToken.None);
            if (mine)
            {
                await late.Task;
            }

            return answers;
        });
        await using var client = new SmpClient(carrier, VirtualLink.Options(), way.Services);
        using var stop = new CancellationTokenSource();
        Task<UpdateResult> update = client.UpdateAsync(image, cancellationToken: stop.Token);
        await Task.Delay(50);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => update.WaitAsync(Soon));
        Task<UpdateResult> again = client.UpdateAsync(image);
        await Task.Delay(50);
        Assert.Equal(1, carrier.MostAtOnce);
        late.SetResult();
        Assert.Equal(UpdateOutcome.Updated, (await again.WaitAsync(Soon)).Outcome);
        Assert.Equal(1, carrier.MostAtOnce);
    }

    [Fact]
    public async Task AFaultThatComesTooLateIsObserved()
    {
        var unobserved = new ConcurrentQueue<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> handler = (_, e) => unobserved.Enqueue(e.Exception);
        TaskScheduler.UnobservedTaskException += handler;
        try
        {
            await LateFaultsAsync();
            for (int round = 0; round < 5; round++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.DoesNotContain(unobserved, e => e.ToString().Contains("too late", StringComparison.Ordinal));
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= handler;
        }

        static async Task LateFaultsAsync()
        {
            var late = new TaskCompletionSource<IReadOnlyList<ReadOnlyMemory<byte>>>();
            var exchange = new OwnExchange((_, _, _) => late.Task);
            var transport = new StuckTransport { Takes = true };
            foreach (SmpClient client in new[] { new SmpClient(exchange), new SmpClient(transport) })
            {
                using var stop = new CancellationTokenSource(50);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.EchoAsync("x", stop.Token).WaitAsync(Soon));
                await client.DisposeAsync();
            }

            late.SetException(new IOException("too late"));
            transport.Channel.Writer.Complete(new IOException("too late"));
        }
    }

    [Fact]
    public async Task ATransportWithoutAChannelIsNamed()
    {
        await using var client = new SmpClient(new NoChannel());
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => client.EchoAsync("x").WaitAsync(Soon));
        Assert.Contains(nameof(NoChannel), thrown.Message);
    }

    /// <summary>Disposed at each call of the carrier in turn, an update ends at once, and the next client brings the device home.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposedAtEachAwaitOfAnUpdate(bool synchronously)
    {
        using FirmwareImage image = Images.Open(size: 3000);
        for (int at = 0; ; at++)
        {
            using var way = new VirtualLink();
            SmpClient client = way.Exchange();
            Task closed = Task.CompletedTask;
            way.BeforeWrite = writes =>
            {
                if (writes == at)
                {
                    way.BeforeWrite = null;
                    closed = synchronously ? Task.Run(client.Dispose) : client.DisposeAsync().AsTask();
                }
            };
            try
            {
                Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
                if (way.BeforeWrite is not null)
                {
                    Assert.True(at > 10, $"only {at} writes");
                    return;
                }

                // The update was quicker than the word.
                await closed.WaitAsync(Soon);
            }
            catch (ObjectDisposedException)
            {
                await closed.WaitAsync(Soon);
                await client.DisposeAsync().AsTask().WaitAsync(Soon);
            }

            await using SmpClient next = way.Exchange(new SmpSessionOptions { Nonce = (uint)at + 100 });
            await next.UpdateAsync(image).WaitAsync(Soon);
            Assert.Equal("1.1.0", (await next.ReadImagesAsync()).Single(i => i.IsActive).Version);
        }
    }

    /// <summary>A context that runs nothing: whoever posts to it waits for ever.</summary>
    private sealed class DeadContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }

    private sealed class OwnExchange(Exchange exchange) : ISmpExchange
    {
        private int inside;

        internal int Calls { get; set; }

        internal int MostAtOnce { get; private set; }

        internal Func<int, Task<IReadOnlyList<ReadOnlyMemory<byte>>>?>? Before { get; init; }

        internal Func<int, bool>? HasNoTask { get; init; }

        public Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
            IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken)
        {
            int call = Calls++;
            if (HasNoTask?.Invoke(call) == true)
            {
                return null!;
            }

            return Before?.Invoke(call) ?? CountedAsync();

            async Task<IReadOnlyList<ReadOnlyMemory<byte>>> CountedAsync()
            {
                MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref inside));
                try
                {
                    return await exchange(writes, wait, cancellationToken);
                }
                finally
                {
                    Interlocked.Decrement(ref inside);
                }
            }
        }
    }

    private sealed class StuckTransport : ISmpTransport
    {
        internal Channel<ReadOnlyMemory<byte>> Channel { get; } = System.Threading.Channels.Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        internal bool Takes { get; init; }

        public ChannelReader<ReadOnlyMemory<byte>> Received => Channel.Reader;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken) =>
            Takes ? ValueTask.CompletedTask : new ValueTask(new TaskCompletionSource().Task);
    }

    private sealed class NoChannel : ISmpTransport
    {
        public ChannelReader<ReadOnlyMemory<byte>> Received => null!;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
