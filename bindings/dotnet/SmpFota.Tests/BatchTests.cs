using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Whole updates over a carrier that takes several writes in one call, whatever becomes of the calls.</summary>
public sealed class BatchTests
{
    private const int Size = 60_000;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task ADeviceIsUpdatedByBatches()
    {
        using FirmwareImage image = Images.Open(size: Size);
        using var single = new BatchLink();
        await using SmpClient without = single.Client(frames: null);
        Assert.Equal(UpdateOutcome.Updated, (await without.UpdateAsync(image).WaitAsync(Soon)).Outcome);
        using var way = new BatchLink();
        await using SmpClient client = way.Client();
        UpdateResult result = await client.UpdateAsync(image).WaitAsync(Soon);
        Assert.Equal(UpdateOutcome.Updated, result.Outcome);
        await RunsAsync(client, image);

        // The device has four buffers, of which one is the answer's, and erases page by page.
        Assert.Equal(3, single.Calls.Max(call => call.Writes));
        Assert.InRange(way.Calls.Max(call => call.Writes), 64, 128);
        Assert.True(way.Calls.Count * 3 < single.Calls.Count, $"{way.Calls.Count} and {single.Calls.Count} calls");
        Assert.True(way.LeastDelay >= TimeSpan.FromMilliseconds(10), $"{way.LeastDelay}");
        Assert.True(result.Counts!.FramesSent < Size / 200 * 11 / 10, result.Json);
    }

    [Theory]
    [InlineData(8, null, 8)]
    [InlineData(128, 2_000, 8)]
    [InlineData(128, 300, 2)]
    public async Task ACallCarriesNoMoreThanItTakes(int frames, int? bytes, int most)
    {
        using FirmwareImage image = Images.Open(size: 20_000);
        using var way = new BatchLink();
        await using var client = new SmpClient(way, BatchLink.Options(frames, bytes), way.Services);
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
        Assert.Equal(most, way.Calls.Max(call => call.Writes));
        Assert.All(way.Calls, call => Assert.True(bytes is null || call.Bytes <= bytes || call.Writes == 1, $"{call.Bytes} bytes"));
    }

    [Theory]
    [InlineData(Fate.Lost, 4)]
    [InlineData(Fate.MadeUnknown, 4)]
    [InlineData(Fate.Late, 5)]
    [InlineData(Fate.Twice, 2)]
    public async Task WhateverBecomesOfACallTheImageIsRight(Fate fate, int every)
    {
        using FirmwareImage image = Images.Open(size: Size);
        for (int offset = 0; offset < every; offset++)
        {
            using var way = new BatchLink { FateOf = (call, _) => call % every == offset ? fate : Fate.Made };
            await using SmpClient client = way.Client();
            UpdateResult result = await client.UpdateAsync(image).WaitAsync(Soon);
            Assert.Equal(UpdateOutcome.Updated, result.Outcome);
            await RunsAsync(client, image);
            Assert.Contains(way.Calls, call => call.Fate == fate);
        }
    }

    [Fact]
    public async Task AfterACallOfWhichNobodyKnowsOneFrameAsks()
    {
        using FirmwareImage image = Images.Open(size: Size);
        bool lost = false;
        using var way = new BatchLink
        {
            FateOf = (_, writes) =>
            {
                bool chosen = writes >= 24 && !lost;
                lost |= chosen;
                return chosen ? Fate.MadeUnknown : Fate.Made;
            },
        };
        await using SmpClient client = way.Client();
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
        int unknown = way.Calls.FindIndex(call => call.Fate == Fate.MadeUnknown);
        Assert.Equal(1, way.Calls.Skip(unknown + 1).First(call => call.Writes > 0).Writes);
    }

    [Fact]
    public async Task AGatewayThatIgnoresTheDelaysGetsWhatTheDeviceHasBuffersFor()
    {
        using FirmwareImage image = Images.Open(size: Size);
        using var way = new BatchLink { WritesAtOnce = true };
        await using SmpClient client = way.Client();
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image).WaitAsync(Soon)).Outcome);
        await RunsAsync(client, image);
        int narrow = way.Calls.Count(call => call.Writes <= 3);
        Assert.True(narrow * 10 > way.Calls.Count * 8, $"{narrow} of {way.Calls.Count} calls");
        Assert.Contains(way.Calls, call => call.Writes > 3);
    }

    [Fact]
    public async Task AClientRestoredInTheMiddleOfABatchGoesOn()
    {
        using FirmwareImage image = Images.Open(size: Size);
        using var way = new BatchLink();
        byte[] saved = [];
        using var stop = new CancellationTokenSource();
        SmpClientServices services = way.Services with { SnapshotSink = (snapshot, _) => { saved = snapshot.HasEnded ? saved : snapshot.Bytes.ToArray(); return Task.CompletedTask; } };
        way.BeforeCall = call =>
        {
            if (call > 0 && way.Calls[call - 1].Writes >= 24)
            {
                way.BeforeCall = null;
                stop.Cancel();
            }
        };
        await using (SmpClient first = way.Client(services: services))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.UpdateAsync(image, cancellationToken: stop.Token).WaitAsync(Soon));
        }

        int calls = way.Calls.Count;
        Assert.True(saved.Length <= 512, $"{saved.Length} bytes");
        await using SmpClient second = SmpClient.Restore(saved, image, way, services: way.Services);
        Assert.True(second.HasUpdateToContinue);
        Assert.Equal(UpdateOutcome.Updated, (await second.ContinueUpdateAsync().WaitAsync(Soon)).Outcome);
        await RunsAsync(second, image);
        Assert.True(way.Calls.Skip(calls).Max(call => call.Writes) >= 24);
    }

    [Fact]
    public async Task TheManualLoopTellsTheSessionOfItsCalls()
    {
        using FirmwareImage image = Images.Open(size: Size);
        using var way = new BatchLink();
        using var session = new SmpSession(BatchLink.Options().Session);
        session.StartUpdate(image, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        byte[] buffer = new byte[2_500];
        while (true)
        {
            var writes = new List<SmpBatchWrite>();
            SmpNext next;
            while ((next = session.NextWrite(way.Time.Now, buffer, out TimeSpan delay)).Status == SmpNextStatus.Write)
            {
                Assert.True(writes.Count > 0 || delay == TimeSpan.Zero);
                writes.Add(new SmpBatchWrite(buffer.AsSpan(0, next.Length).ToArray(), delay));
            }

            if (next.Status == SmpNextStatus.Done)
            {
                break;
            }

            SmpExpected expected = session.GetExpected();
            Assert.True(expected.Answers > 0 || writes.Count == 0, $"nobody answers {writes.Count} writes");
            SmpBatchOutcome outcome = await way.ExchangeAsync(new SmpBatch(writes, expected.Answers, expected.Wait), default);
            foreach (ReadOnlyMemory<byte> answer in outcome.Answers)
            {
                session.Feed(way.Time.Now, answer.Span);
            }

            session.ReportCallReturned(way.Time.Now);
        }

        Assert.Contains("uploaded", session.GetResult());
        Assert.True(way.Calls.Max(call => call.Writes) >= 64);
    }

    [Fact]
    public async Task AHealthCheckAsksOverTheSameCarrier()
    {
        using FirmwareImage image = Images.Open(size: 6_000);
        using var way = new BatchLink();
        SmpClientServices services = way.Services with { HealthCheck = async (context, stop) => await context.Client.EchoAsync("well?", stop) == "well?" };
        await using SmpClient client = way.Client(services: services);
        var options = new UpdateOptions { WaitForHealth = true };
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image, options).WaitAsync(Soon)).Outcome);
    }

    /// <summary>A carrier of the first version keeps no time: a batch would be dropped, so it is refused where it would be made.</summary>
    [Fact]
    public void BatchesNeedACarrierThatKeepsTheTime()
    {
        using var way = new VirtualLink();
        foreach (Action make in new Action[]
        {
            () => new SmpClient(way, BatchLink.Options() with { CarrierKind = SmpCarrierKind.Exchange }).Dispose(),
            () => new SmpClient(way, BatchLink.Options() with { CarrierKind = SmpCarrierKind.Transport }).Dispose(),
        })
        {
            var thrown = Assert.Throws<ArgumentException>(make);
            Assert.Contains(nameof(ISmpBatchExchange), thrown.Message);
        }

        new SmpClient(way, BatchLink.Options(frames: 1)).Dispose();
    }

    [Fact]
    public async Task ACarrierThatBringsNothingAtAllIsNamed()
    {
        foreach (Task<SmpBatchOutcome>? brought in new[] { null, Task.FromResult<SmpBatchOutcome>(null!) })
        {
            await using var client = new SmpClient(new OwnBatches(() => brought!), BatchLink.Options());
            var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => client.EchoAsync("x").WaitAsync(Soon));
            Assert.Contains(nameof(OwnBatches), thrown.Message);
        }

        Assert.Throws<ArgumentNullException>(() => new SmpClient(null!));
        Assert.Throws<ArgumentNullException>(() => SmpBatchOutcome.Returned(null!));
        Assert.Throws<ArgumentNullException>(() => new SmpBatch(null!, 0, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpBatch([], -1, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpBatch([], 0, TimeSpan.FromTicks(-1)));
    }

    private static async Task RunsAsync(SmpClient client, FirmwareImage image)
    {
        DeviceImage active = (await client.ReadImagesAsync().WaitAsync(Soon)).Single(i => i.IsActive);
        Assert.Equal("1.1.0", active.Version);
        Assert.Equal(image.Info.Hash.ToArray(), active.Hash.ToArray());
    }

    private sealed class OwnBatches(Func<Task<SmpBatchOutcome>> bring) : ISmpBatchExchange
    {
        public Task<SmpBatchOutcome> ExchangeAsync(SmpBatch batch, CancellationToken cancellationToken) => bring();
    }
}
