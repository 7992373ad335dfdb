using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>A session goes on from its stored bytes, and never from wrong ones.</summary>
public sealed class SnapshotTests
{
    [Theory]
    [InlineData(VirtualProfile.Zephyr44)]
    [InlineData(VirtualProfile.Ncs21)]
    public void AnUpdateGoesOnAfterEachSave(VirtualProfile profile)
    {
        using FirmwareImage image = Images.Open(size: 6000);
        for (int stop = 1; stop <= 40; stop += 3)
        {
            using var device = new VirtualDevice(new VirtualDeviceOptions { Profile = profile });
            byte[] snapshot;
            TimeSpan stopped;
            bool ended = true;
            using (var first = new SmpSession())
            {
                int steps = 0;
                first.StartUpdate(image);
                stopped = SyncLoop.Run(first, device, step: _ => ended = ++steps <= stop);
                if (ended)
                {
                    break;
                }

                snapshot = first.Save();
                Assert.InRange(snapshot.Length, 1, 512);
                byte[] room = new byte[512];
                Assert.Equal(snapshot.Length, first.Save(room));
                Assert.Equal(snapshot, room[..snapshot.Length]);
            }

            using SmpSession second = SmpSession.Restore(snapshot, image);
            SyncLoop.Run(second, device, stopped);
            Assert.Contains("\"outcome\"", second.GetResult());
            Assert.Contains("1.1.0", device.Describe());
        }
    }

    [Fact]
    public void WrongSnapshotsAreRefused()
    {
        using FirmwareImage image = Images.Open();
        using FirmwareImage other = Images.Open("2.0.0", seed: 9);
        using var session = new SmpSession();
        session.StartUpdate(image);
        session.NextFrame(TimeSpan.Zero, new byte[512]);
        byte[] snapshot = session.Save();
        Assert.Equal(SmpStatus.SnapshotImage, Refused(snapshot, other));
        Assert.Equal(SmpStatus.SnapshotDamaged, Refused([], image));
        for (int index = 0; index < snapshot.Length; index++)
        {
            byte[] damaged = (byte[])snapshot.Clone();
            damaged[index] ^= 0x10;
            Refused(damaged, image);
        }

        var small = Assert.Throws<SmpUsageException>(() => session.Save(new byte[3]));
        Assert.Equal(SmpStatus.BufferTooSmall, small.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStoredSnapshotGoesOnInAnotherClient(bool exchange)
    {
        using FirmwareImage image = Images.Open();
        for (int die = 2; die < 90; die += 17)
        {
            using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan", Seed = (ulong)die });
            ReadOnlyMemory<byte> stored = default;
            Exception? failed = null;
            SmpClientServices services = way.Services with { SnapshotSink = Keep, ObserverFailed = e => failed = e };
            way.BeforeWrite = writes => _ = writes == die ? throw new System.IO.IOException("the worker died") : 0;
            await using (SmpClient first = way.Client(exchange, services))
            {
                await Assert.ThrowsAsync<System.IO.IOException>(() => first.UpdateAsync(image));
            }

            way.BeforeWrite = null;
            await using SmpClient second = SmpClient.Restore(
                stored.Span, image, way, VirtualLink.Options(kind: exchange ? SmpCarrierKind.Exchange : SmpCarrierKind.Transport), services);
            UpdateResult result = await second.ContinueUpdateAsync();
            Assert.Equal("1.1.0", result.After.Single(i => i.IsActive).Version);
            Assert.Null(failed);

            Task Keep(SmpSnapshot snapshot, CancellationToken cancellationToken)
            {
                if (!snapshot.HasEnded)
                {
                    Assert.InRange(snapshot.Bytes.Length, 1, 1024);
                    stored = snapshot.Bytes;
                }

                return Task.CompletedTask;
            }
        }
    }

    [Fact]
    public void TheSavedOptionsHoldUnlessOthersAreGiven()
    {
        using FirmwareImage image = Images.Open();
        using var device = new VirtualDevice();
        using var session = new SmpSession(new SmpSessionOptions { MaxWrite = 100 });
        session.StartUpdate(image);
        int steps = 0;
        TimeSpan stopped = SyncLoop.Run(session, device, step: _ => ++steps < 30);
        byte[] snapshot = session.Save();
        using SmpSession same = SmpSession.Restore(snapshot, image);
        Assert.Throws<SmpUsageException>(() => same.NextFrame(stopped, new byte[99]));
        Assert.InRange(same.NextFrame(stopped, new byte[100]).Length, 1, 100);
        using SmpSession other = SmpSession.Restore(snapshot, image, new SmpSessionOptions { MaxWrite = 200 });
        Assert.Throws<SmpUsageException>(() => other.NextFrame(stopped, new byte[199]));
        Assert.InRange(other.NextFrame(stopped, new byte[200]).Length, 1, 200);
    }

    private static SmpStatus Refused(byte[] snapshot, FirmwareImage? image) =>
        Assert.Throws<SmpSnapshotException>(() => SmpSession.Restore(snapshot, image).Dispose()).Status;
}
