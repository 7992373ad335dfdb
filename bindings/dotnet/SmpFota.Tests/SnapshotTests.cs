using System;
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

    private static SmpStatus Refused(byte[] snapshot, FirmwareImage? image) =>
        Assert.Throws<SmpSnapshotException>(() => SmpSession.Restore(snapshot, image).Dispose()).Status;
}
