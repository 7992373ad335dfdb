using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The session by hand: order of calls, bad arguments, determinism, a device that says nothing.</summary>
public sealed class SessionTests
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(1);

    [Fact]
    public void TheLoopByHandUpdatesADevice()
    {
        using FirmwareImage image = Images.Open();
        using var device = new VirtualDevice();
        using var session = new SmpSession();
        session.StartUpdate(image);
        SyncLoop.Run(session, device);
        using JsonDocument result = JsonDocument.Parse(session.GetResult());
        Assert.Equal("updated", result.RootElement.GetProperty("outcome").GetString());
        Assert.Equal(UpdatePhase.Done, session.GetProgress(TimeSpan.FromHours(1)).Phase);
        Assert.Null(session.Deadline);
        Assert.Contains("1.1.0", device.Describe());
    }

    /// <summary>Whoever drives by hand gets the same records as a client's caller.</summary>
    [Fact]
    public void TheLoopByHandHasTypedResults()
    {
        using FirmwareImage image = Images.Open();
        using var device = new VirtualDevice();
        using var session = new SmpSession(new SmpSessionOptions { RecordingCapacity = 65_536, RecordHeadersOnly = true });
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.GetUpdateResult()));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.GetUpdatePlan()));

        session.StartCheck(image);
        TimeSpan now = SyncLoop.Run(session, device);
        Assert.Equal((PlannedAction.Upload, "1.1.0"), (session.GetUpdatePlan().Images[0].Action, session.GetUpdatePlan().Images[0].To));
        Assert.Equal(SmpStatus.WrongState, Usage(() => session.GetUpdateResult()));

        session.StartUpdate(image);
        now = SyncLoop.Run(session, device, now);
        UpdateResult result = session.GetUpdateResult();
        Assert.Equal((UpdateOutcome.Updated, (long)image.Info.Size), (result.Outcome, result.UploadedBytes));
        Assert.Equal(image.Info.Version, result.After.Single(listed => listed.IsActive).VersionNumber);
        Assert.StartsWith("smpfota trace 1\n", result.Recording);
        Assert.Equal(SmpStatus.WrongState, Usage(() => session.GetUpdatePlan()));

        session.StartCommand("image_list");
        SyncLoop.Run(session, device, now);
        Assert.Equal(SmpStatus.WrongState, Usage(() => session.GetUpdateResult()));
    }

    [Fact]
    public void CallsInAWrongOrderChangeNothing()
    {
        using var session = new SmpSession();
        byte[] buffer = new byte[512];
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.NextFrame(Start, buffer)));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.GetResult()));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.Pause(Start)));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.Resume(Start)));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.Cancel(Start)));
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.ReportHealth(Start, true)));
        Assert.Null(session.Deadline);
        Assert.Equal(UpdatePhase.Idle, session.GetProgress(Start).Phase);

        session.StartCommand("image_list");
        using FirmwareImage image = Images.Open();
        Assert.Equal(SmpStatus.OperationRunning, Usage(() => session.StartUpdate(image)));
        Assert.Equal(SmpStatus.OperationRunning, Usage(() => session.StartCommand("reset")));
        Assert.Equal(SmpStatus.OperationRunning, Usage(() => session.StartRequest(SmpOperation.Read, 0, 0, [])));
        Assert.Equal(SmpStatus.WrongState, Usage(() => session.Resume(Start)));
        Assert.Equal(SmpStatus.WrongState, Usage(() => session.ReportHealth(Start, true)));
        Assert.Equal(SmpNextStatus.Write, session.NextFrame(Start, buffer).Status);
        Assert.Equal(SmpNextStatus.Wait, session.NextFrame(Start, buffer).Status);
        Assert.Equal(SmpStatus.NoOperation, Usage(() => session.GetResult()));
    }

    [Fact]
    public void ABufferThatIsTooSmallChangesNothing()
    {
        using SmpSession session = Listing(1);
        using SmpSession other = Listing(1);
        byte[] buffer = new byte[512];
        Assert.Equal(SmpStatus.BufferTooSmall, Usage(() => session.NextFrame(Start, new byte[10])));
        Assert.Equal(SmpStatus.BufferTooSmall, Usage(() => session.NextFrame(Start, [])));
        SmpNext next = session.NextFrame(Start, buffer);
        Assert.Equal(SmpNextStatus.Write, next.Status);
        byte[] expected = new byte[512];
        Assert.Equal(next, other.NextFrame(Start, expected));
        Assert.Equal(expected, buffer);
    }

    [Fact]
    public void TheSameCallsGiveTheSameBytes()
    {
        Assert.Equal(Frames(5), Frames(5));
        Assert.NotEqual(Frames(5), Frames(6));

        static List<string> Frames(uint nonce)
        {
            using FirmwareImage image = Images.Open();
            using var device = new VirtualDevice(new VirtualDeviceOptions { Link = "gateway-lan", Seed = 3 });
            using var session = new SmpSession(new SmpSessionOptions { Nonce = nonce });
            session.StartUpdate(image);
            var frames = new List<string>();
            byte[] buffer = new byte[512];
            TimeSpan now = TimeSpan.Zero;
            while (frames.Count < 60)
            {
                SmpNext next = session.NextFrame(now, buffer);
                if (next.Status == SmpNextStatus.Write)
                {
                    frames.Add(Convert.ToHexString(buffer.AsSpan(0, next.Length)));
                    device.Write(now, buffer.AsSpan(0, next.Length));
                    continue;
                }

                TimeSpan wait = session.Deadline!.Value;
                now = device.Deadline is { } arrival && arrival < wait ? arrival : wait;
                while (device.TryRead(now, out byte[]? notification))
                {
                    session.Feed(now, notification);
                }
            }

            return frames;
        }
    }

    [Fact]
    public void BadArgumentsAreNamed()
    {
        using var session = new SmpSession();
        Assert.Equal(SmpStatus.UnknownCommand, Usage(() => session.StartCommand("no-such-command")));
        Assert.Equal(SmpStatus.InvalidJson, Usage(() => session.StartCommand("echo", "{")));
        Assert.Equal(SmpStatus.InvalidArgument, Usage(() => session.StartCommand("echo", "{}")));
        Assert.Throws<ArgumentNullException>(() => session.StartCommand(null!));
        Assert.Throws<ArgumentNullException>(() => session.StartUpdate(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Feed(TimeSpan.FromSeconds(-1), [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.NextFrame(TimeSpan.FromTicks(-1), new byte[512]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpSession(new SmpSessionOptions { MaxWrite = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpSession(new SmpSessionOptions { Timeout = TimeSpan.FromDays(-1) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpSession(new SmpSessionOptions { FirstTimeout = TimeSpan.MaxValue }));
        Assert.Throws<ArgumentOutOfRangeException>(() => SmpLinkEvent.MaxWrite(0));
        Assert.Throws<ArgumentException>(() => session.ReportLink(Start, default));
        Assert.Equal(UpdatePhase.Idle, session.GetProgress(Start).Phase);
    }

    [Fact]
    public void GarbageIsCountedAndHarmless()
    {
        var random = new Random(2);
        using FirmwareImage image = Images.Open();
        using var device = new VirtualDevice();
        using var session = new SmpSession();
        session.StartUpdate(image);
        TimeSpan end = SyncLoop.Run(session, device, step: now =>
        {
            byte[] garbage = new byte[random.Next(60)];
            random.NextBytes(garbage);
            if (garbage.Length > 0)
            {
                garbage[0] |= 0xe0;
            }

            session.Feed(now, garbage);
            return true;
        });
        Assert.True(session.GetProgress(end).IgnoredFrames > 0);
        Assert.Contains("updated", session.GetResult());
    }

    [Fact]
    public void ASilentDeviceEndsInBoundedTime()
    {
        using SmpSession session = Listing(1);
        byte[] buffer = new byte[512];
        TimeSpan now = TimeSpan.Zero;
        SmpException? thrown = null;
        for (int turn = 0; thrown is null; turn++)
        {
            Assert.InRange(turn, 0, 200);
            try
            {
                if (session.NextFrame(now, buffer).Status != SmpNextStatus.Write)
                {
                    now = session.Deadline!.Value;
                }
            }
            catch (SmpException e)
            {
                thrown = e;
            }
        }

        Assert.Equal(SmpStatus.Timeout, Assert.IsType<SmpProtocolException>(thrown).Status);
        Assert.InRange(now, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Assert.Equal(thrown.Message, Assert.Throws<SmpProtocolException>(() => session.NextFrame(now, buffer)).Message);
        session.StartCommand("reset");
        Assert.Equal(SmpNextStatus.Write, session.NextFrame(now, buffer).Status);
    }

    [Fact]
    public void ACancelledOperationSaysSoAndMakesRoom()
    {
        using SmpSession session = Listing(1);
        byte[] buffer = new byte[512];
        session.NextFrame(Start, buffer);
        session.Cancel(Start);
        Assert.Throws<OperationCanceledException>(() => session.NextFrame(Start, buffer));
        Assert.Throws<OperationCanceledException>(() => session.NextFrame(Start, buffer));
        session.StartCommand("image_list");
        Assert.Equal(SmpNextStatus.Write, session.NextFrame(Start, buffer).Status);
    }

    [Fact]
    public void APausedSessionIsQuiet()
    {
        using SmpSession session = Listing(1);
        byte[] buffer = new byte[512];
        session.Pause(Start);
        Assert.Equal(SmpNextStatus.Wait, session.NextFrame(Start, buffer).Status);
        Assert.Null(session.Deadline);
        session.Resume(Start);
        Assert.Equal(SmpNextStatus.Write, session.NextFrame(Start, buffer).Status);
    }

    [Fact]
    public void ADeviceErrorKeepsItsCode()
    {
        using var device = new VirtualDevice();
        using var session = new SmpSession();
        session.StartRequest(SmpOperation.Read, 64, 1, [0xa0]);
        var thrown = Assert.Throws<SmpDeviceException>(() => SyncLoop.Run(session, device));
        Assert.Equal(SmpStatus.NotSupported, thrown.Status);
        Assert.Equal(8, thrown.Code);
        Assert.Null(thrown.Group);
        Assert.NotEmpty(thrown.Message);
    }

    [Fact]
    public void EventsKeepTheirJson()
    {
        using FirmwareImage image = Images.Open();
        using var device = new VirtualDevice();
        using var session = new SmpSession();
        Assert.False(session.TryReadEvent(out SmpEvent? none));
        Assert.Null(none);
        session.StartUpdate(image);
        var kinds = new List<string>();
        SyncLoop.Run(session, device, step: _ =>
        {
            while (session.TryReadEvent(out SmpEvent? happened))
            {
                using JsonDocument parsed = JsonDocument.Parse(happened.Json);
                kinds.Add(parsed.RootElement.EnumerateObject().First(p => p.Value.ValueKind == JsonValueKind.String).Value.GetString()!);
            }

            return true;
        });
        Assert.NotEmpty(kinds);
    }

    [Fact]
    public void AfterDisposeEveryMemberSaysSo()
    {
        var session = new SmpSession();
        session.Dispose();
        session.Dispose();
        using FirmwareImage image = Images.Open();
        Action[] calls =
        [
            () => session.NextFrame(Start, new byte[512]), () => session.Feed(Start, [1]), () => session.StartUpdate(image),
            () => session.StartCommand("reset"), () => session.StartRequest(SmpOperation.Read, 0, 0, []), () => _ = session.Deadline,
            () => session.ReportLink(Start, SmpLinkEvent.Up), () => session.Cancel(Start), () => session.Pause(Start),
            () => session.Resume(Start), () => session.ReportHealth(Start, true), () => session.GetProgress(Start),
            () => session.GetResult(), () => session.TryReadEvent(out _), () => session.Save(), () => session.Save(new byte[512]),
        ];
        Assert.All(calls, call => Assert.Throws<ObjectDisposedException>(call));
    }

    private static SmpSession Listing(uint nonce)
    {
        var session = new SmpSession(new SmpSessionOptions { Nonce = nonce });
        session.StartCommand("image_list");
        return session;
    }

    private static SmpStatus Usage(Action call) => Assert.Throws<SmpUsageException>(call).Status;
}
