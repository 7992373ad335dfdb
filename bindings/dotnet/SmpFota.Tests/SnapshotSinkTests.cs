using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Snapshots as a service wants them: not too often, one at a time, once more at the end, in a file that is always whole.</summary>
public sealed class SnapshotSinkTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"smpfota-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task TheSinkIsCalledInIntervalsOneCallAtATimeAndAtTheEnd()
    {
        using FirmwareImage image = Images.Open(size: 60_000);
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan", Seed = 5 });
        var calls = new List<(TimeSpan At, SmpSnapshot Snapshot)>();
        int inside = 0, together = 0;
        var interval = TimeSpan.FromSeconds(5);
        // An exchange keeps the time itself, and would not stand still.
        SmpClientOptions options = VirtualLink.Options(kind: SmpCarrierKind.Transport) with { SnapshotInterval = interval };
        await using var client = new SmpClient(way, options, way.Services with
        {
            SnapshotSink = async (snapshot, cancellationToken) =>
            {
                // On a busy machine the whole update would pass while this, or what it returns to, waits for a thread.
                IDisposable held = way.Time.Hold();
                _ = Task.Delay(10, CancellationToken.None).ContinueWith(_ => held.Dispose(), TaskScheduler.Default);
                together = Math.Max(together, Interlocked.Increment(ref inside));
                calls.Add((way.Time.Now, snapshot));
                await Task.Yield();
                Interlocked.Decrement(ref inside);
            },
        });
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image)).Outcome);
        Assert.Equal((1, 0), (together, inside));
        Assert.InRange(calls.Count, 5, 60);
        for (int index = 1; index < calls.Count - 1; index++)
        {
            Assert.True(
                calls[index].Snapshot.Phase != calls[index - 1].Snapshot.Phase || calls[index].At - calls[index - 1].At >= interval,
                $"{calls[index - 1].At} {calls[index].At}");
            Assert.False(calls[index].Snapshot.HasEnded);
            Assert.NotEqual(0, calls[index].Snapshot.Bytes.Length);
        }

        Assert.Equal((true, 0, UpdatePhase.Done), (calls[^1].Snapshot.HasEnded, calls[^1].Snapshot.Bytes.Length, calls[^1].Snapshot.Phase));
        int before = calls.Count;
        await client.EchoAsync("x");
        await client.CheckAsync(image);
        Assert.Equal(before, calls.Count);
    }

    /// <summary>An update that is cut short leaves where it stands, however long the interval is; another client goes on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnUpdateThatIsCutShortLeavesWhereItStands(bool disposed)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        var store = new FileSnapshotStore(folder);
        SmpClientServices services = way.Services with { SnapshotSink = store.SinkFor("Gateway 7/Gerät") };
        SmpClientOptions options = VirtualLink.Options(kind: SmpCarrierKind.Transport) with { SnapshotInterval = TimeSpan.FromDays(1) };
        using var stop = new CancellationTokenSource();
        await using (var first = new SmpClient(way, options, services))
        {
            way.BeforeWrite = writes =>
            {
                if (writes == 40 && disposed)
                {
                    _ = first.DisposeAsync().AsTask();
                }
                else if (writes == 40)
                {
                    stop.Cancel();
                }
            };
            await Assert.ThrowsAnyAsync<Exception>(() => first.UpdateAsync(image, cancellationToken: stop.Token));
        }

        way.BeforeWrite = null;
        Assert.Equal(["Gateway 7/Gerät"], store.ListDevices());
        byte[]? stored = await store.ReadAsync("Gateway 7/Gerät");
        Assert.NotNull(stored);
        await using SmpClient second = SmpClient.Restore(stored, image, way, options, services);
        Assert.Equal(UpdatePhase.Upload, second.RestoredProgress!.Value.Phase);
        Assert.InRange(second.RestoredProgress.Value.BytesAcknowledged, 2_000, image.Info.Size);
        var refused = await Assert.ThrowsAsync<SmpUsageException>(() => second.EchoAsync("x"));
        Assert.Equal(SmpStatus.OperationRunning, refused.Status);
        Assert.Contains("ContinueUpdateAsync", refused.Message);
        Assert.Equal(UpdateOutcome.Updated, (await second.ContinueUpdateAsync()).Outcome);
        Assert.Null(second.RestoredProgress);
        Assert.Empty(store.ListDevices());
        Assert.Null(await store.ReadAsync("Gateway 7/Gerät"));
    }

    [Fact]
    public async Task AFailedUpdateLeavesNothingToGoOnWith()
    {
        using FirmwareImage image = Images.Open("0.9.0");
        using var way = new VirtualLink();
        var store = new FileSnapshotStore(folder);
        await using SmpClient client = way.Duplex(services: way.Services with { SnapshotSink = store.SinkFor("a") });
        await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, new UpdateOptions { UpgradeOnly = true }));
        Assert.Empty(store.ListDevices());
    }

    /// <summary>While one process stores for ever, no reader finds half a snapshot, and none is left behind.</summary>
    [Fact]
    public async Task TheFileIsAlwaysWhole()
    {
        var store = new FileSnapshotStore(folder);
        Func<SmpSnapshot, CancellationToken, Task> sink = store.SinkFor("a");
        await sink(Made(0), default);
        Task writing = Task.Run(async () =>
        {
            for (int number = 1; number < 200; number++)
            {
                await sink(Made(number), default);
            }
        });
        int reads = 0;
        while (!writing.IsCompleted || reads < 10)
        {
            byte[]? found = await store.ReadAsync("a");
            Assert.NotNull(found);
            Assert.Equal(512, found!.Length);
            Assert.Single(found.Distinct());
            reads++;
        }

        await writing;
        Assert.Single(Directory.GetFiles(folder));
        store.Delete("a");
        store.Delete("a");
        Assert.Empty(Directory.GetFiles(folder));

        static SmpSnapshot Made(int number) => new(Enumerable.Repeat((byte)number, 512).ToArray(), UpdatePhase.Upload, false);
    }

    [Fact]
    public async Task NamesOfDevicesAreToldApartAndKept()
    {
        var store = new FileSnapshotStore(folder);
        string[] names = ["a", "A", "a/b", "a_b", "..", "con", "lpt1", "ü", "x:y*z?", " "];
        foreach (string name in names)
        {
            await store.SinkFor(name)(new SmpSnapshot(new byte[] { 1 }, UpdatePhase.Upload, false), default);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), store.ListDevices().Order(StringComparer.Ordinal));
        Assert.Equal(names.Length, Directory.GetFiles(folder).Select(file => file.ToUpperInvariant()).Distinct().Count());
        Assert.Throws<ArgumentException>(() => store.SinkFor(""));
        Assert.Throws<ArgumentException>(() => store.SinkFor(new string('x', 201)));
    }
}
