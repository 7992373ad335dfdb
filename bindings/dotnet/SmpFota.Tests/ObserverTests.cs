using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Whoever only watches changes nothing; a health check may ask the device; reports of the link are three facts.</summary>
public sealed class ObserverTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatAnObserverThrowsChangesNothing(bool fails)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        var thrown = new List<string>();
        int writes = 0;
        way.BeforeWrite = _ => _ = fails && ++writes == 15 ? throw new System.IO.IOException("the gateway is gone") : 0;
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            EventSink = _ => throw new InvalidOperationException("event"),
            SnapshotSink = (_, _) => throw new InvalidOperationException("snapshot"), FrameSink = _ => throw new InvalidOperationException("frame"),
            ObserverFailed = e =>
            {
                thrown.Add(e.Message);
                throw new InvalidOperationException("and this one too");
            },
        });
        var progress = new ThrowingProgress();
        Task<UpdateResult> update = client.UpdateAsync(image, progress: progress);
        if (fails)
        {
            Assert.Equal("the gateway is gone", (await Assert.ThrowsAsync<System.IO.IOException>(() => update.WaitAsync(Soon))).Message);
        }
        else
        {
            Assert.Equal(UpdateOutcome.Updated, (await update.WaitAsync(Soon)).Outcome);
            Assert.Contains("event", thrown);
        }

        Assert.Contains("snapshot", thrown);
        Assert.Contains("progress", thrown);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AHealthCheckMayAskTheDevice(bool exchange)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        string? running = null;
        SmpClient? own = null;
        SmpClient outer = null!;
        string? refused = null;
        outer = way.Client(exchange, way.Services with
        {
            HealthCheck = async (context, stop) =>
            {
                own = context.Client;
                running = (await own.ReadImagesAsync(stop)).Single(i => i.IsActive).Version;
                refused = (await Assert.ThrowsAsync<InvalidOperationException>(() => outer.EchoAsync("x", stop))).Message;
                return await own.EchoAsync("well", stop) == "well";
            },
        });
        await using SmpClient closing = outer;
        UpdateResult result = await outer.UpdateAsync(image, new UpdateOptions { WaitForHealth = true }).WaitAsync(Soon);
        Assert.Equal(UpdateOutcome.Updated, result.Outcome);
        Assert.Equal("1.1.0", running);
        Assert.Contains("HealthCheckContext.Client", refused);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => own!.EchoAsync("x"));
        Assert.Equal("again", await outer.EchoAsync("again"));
    }

    [Fact]
    public async Task AHealthCheckThatBlocksHoldsUpNobody()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        using var release = new ManualResetEventSlim();
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            HealthCheck = (_, _) =>
            {
                release.Wait(Soon);
                return Task.FromResult(true);
            },
        });
        Task<UpdateResult> update = client.UpdateAsync(image, new UpdateOptions { WaitForHealth = true, HealthTimeout = TimeSpan.FromMinutes(2) });
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => update.WaitAsync(Soon));
        Assert.Equal(SmpStatus.HealthCheckFailed, thrown.Status);
        release.Set();
    }

    [Fact]
    public async Task AHealthCheckThatIsNotThereIsRefusedAtTheStart()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using (SmpClient client = way.Duplex())
        {
            Assert.Throws<ArgumentException>(() => { _ = client.UpdateAsync(image, new UpdateOptions { WaitForHealth = true }); });
            Assert.Equal(0, way.Writes);
        }

        // A restored update says so when it comes to it, and stays as it is.
        byte[] snapshot = [];
        var options = new UpdateOptions { WaitForHealth = true };
        SmpClientServices services = way.Services with { HealthCheck = (_, stop) => Task.FromResult(true), SnapshotSink = Keep };
        way.BeforeWrite = writes => _ = writes == 20 ? throw new System.IO.IOException("the worker died") : 0;
        await using (SmpClient first = way.Duplex(services: services))
        {
            await Assert.ThrowsAsync<System.IO.IOException>(() => first.UpdateAsync(image, options));
        }

        way.BeforeWrite = null;
        await using SmpClient second = SmpClient.Restore(snapshot, image, way, new SmpClientOptions { CarrierKind = SmpCarrierKind.Transport }, way.Services with { SnapshotSink = Keep });
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => second.ContinueUpdateAsync());
        Assert.Contains("HealthCheck", thrown.Message);
        Assert.True(second.HasUpdateToContinue);
        await using SmpClient third = SmpClient.Restore(snapshot, image, way, new SmpClientOptions { CarrierKind = SmpCarrierKind.Transport }, services);
        Assert.Equal(UpdateOutcome.Updated, (await third.ContinueUpdateAsync()).Outcome);

        Task Keep(SmpSnapshot given, CancellationToken cancellationToken)
        {
            snapshot = given.HasEnded ? snapshot : given.Bytes.ToArray();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task ContinuingLooksAtWhatThereIs()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        byte[] snapshot = [];
        await using (SmpClient client = way.Duplex(services: way.Services with { SnapshotSink = Keep }))
        {
            Assert.False(client.HasUpdateToContinue);
            await client.EchoAsync("x");
            await Assert.ThrowsAsync<InvalidOperationException>(() => client.ContinueUpdateAsync());
            using var stop = new CancellationTokenSource();
            way.BeforeWrite = writes =>
            {
                if (writes == 12)
                {
                    stop.Cancel();
                }
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.UpdateAsync(image, cancellationToken: stop.Token));
            await Assert.ThrowsAsync<InvalidOperationException>(() => client.ContinueUpdateAsync());
        }

        way.BeforeWrite = null;
        await using SmpClient restored = SmpClient.Restore(snapshot, image, way, VirtualLink.Options(kind: SmpCarrierKind.Transport), way.Services);
        Assert.True(restored.HasUpdateToContinue);
        var busy = await Assert.ThrowsAsync<SmpUsageException>(() => restored.EchoAsync("x"));
        Assert.Equal(SmpStatus.OperationRunning, busy.Status);
        Assert.Equal(UpdateOutcome.Updated, (await restored.ContinueUpdateAsync()).Outcome);
        Assert.False(restored.HasUpdateToContinue);
        await Assert.ThrowsAsync<InvalidOperationException>(() => restored.ContinueUpdateAsync());
        Assert.Equal("x", await restored.EchoAsync("x"));

        Task Keep(SmpSnapshot given, CancellationToken cancellationToken)
        {
            snapshot = given.HasEnded ? snapshot : given.Bytes.ToArray();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task ReportsOfTheLinkAreCheckedAndBounded()
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        SmpClient client = way.Duplex();
        Assert.Throws<ArgumentException>(() => client.ReportLink(default));
        foreach (int bytes in new[] { int.MinValue, -1, 0, 5, 19, 65_536 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => SmpLinkEvent.MaxWrite(bytes));
        }

        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int count = 0; count < 1_000_000; count++)
        {
            client.ReportLink(count % 3 == 0 ? SmpLinkEvent.Down : count % 3 == 1 ? SmpLinkEvent.Up : SmpLinkEvent.MaxWrite(100));
        }

        client.ReportLink(SmpLinkEvent.Up);
        // Kept, they would be 16 MB at least; other tests that run meanwhile keep some too.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 << 20);
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
        Assert.Equal(100, way.LongestWrite);
        Assert.Equal(new[] { "None", "Down", "Up", "MaxWrite 244" }, new[] { default, SmpLinkEvent.Down, SmpLinkEvent.Up, SmpLinkEvent.MaxWrite(244) }.Select(e => e.ToString()));
        Assert.Equal(new[] { ("NewAddress", 4u), ("BondsLost", 5u), ("Up", 1u), ("MaxWrite 20", 2u) },
            new[] { SmpLinkEvent.NewAddress, SmpLinkEvent.BondsLost, SmpLinkEvent.Up, SmpLinkEvent.MaxWrite(20) }.Select(e => (e.ToString(), e.Kind)));
        Assert.NotEqual(SmpLinkEvent.Down, default);
        await client.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => client.ReportLink(SmpLinkEvent.Up));
        Assert.Throws<ObjectDisposedException>(() => { client.Pause(); });
        Assert.Throws<ObjectDisposedException>(() => { client.Resume(); });
    }

    [Fact]
    public async Task ManyMayDisposeAtOnce()
    {
        using var way = new VirtualLink();
        SmpClient client = way.Duplex();
        Task<string>[] echoes = Enumerable.Range(0, 4).Select(i => client.EchoAsync($"{i}")).ToArray();
        Task[] closings = Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await client.DisposeAsync())).ToArray();
        client.Dispose();
        await Task.WhenAll(closings).WaitAsync(Soon);
        foreach (Task<string> echo in echoes)
        {
            try
            {
                await echo.WaitAsync(Soon);
            }
            catch (ObjectDisposedException)
            {
                // Whoever came too late.
            }
        }

        Assert.Throws<ObjectDisposedException>(() => { _ = client.EchoAsync("x"); });
        client.Dispose();
        await client.DisposeAsync();
    }

    private sealed class ThrowingProgress : IProgress<UpdateProgress>
    {
        public void Report(UpdateProgress value) => throw new InvalidOperationException("progress");
    }
}
