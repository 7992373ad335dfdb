using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using SmpFota.Interop;
using SmpFota.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace SmpFota.Tests;

/// <summary>Handles under abuse: threads, Dispose races, finalizers, very many of them.</summary>
public sealed class LifetimeTests(ITestOutputHelper output)
{
    [Fact]
    public void ASecondThreadInOneSessionGetsBusyAndNothingElse()
    {
        using FirmwareImage image = Images.Open();
        using var session = new SmpSession();
        session.StartUpdate(image);
        int busy = 0;
        var unexpected = new ConcurrentQueue<Exception>();
        OnThreads(4, thread =>
        {
            byte[] buffer = new byte[512];
            byte[] garbage = new byte[200];
            for (int turn = 0; turn < 20_000; turn++)
            {
                try
                {
                    switch ((turn + thread) % 4)
                    {
                        case 0: session.NextFrame(TimeSpan.FromSeconds(1), buffer); break;
                        case 1: session.Feed(TimeSpan.FromSeconds(1), garbage); break;
                        case 2: session.GetProgress(TimeSpan.FromSeconds(1)); break;
                        default: session.TryReadEvent(out _); break;
                    }
                }
                catch (SmpUsageException e) when (e.Status == SmpStatus.Busy)
                {
                    Interlocked.Increment(ref busy);
                }
                catch (Exception e)
                {
                    unexpected.Enqueue(e);
                }
            }
        });
        Assert.Empty(unexpected);
        output.WriteLine($"{busy} of 80000 calls found the session busy");
        Assert.Equal(UpdatePhase.Discover, session.GetProgress(TimeSpan.FromSeconds(1)).Phase);
    }

    [Fact]
    public void LookingAndCancellingDisturbNobody()
    {
        using FirmwareImage image = Images.Open();
        using var session = new SmpSession();
        var unexpected = new ConcurrentQueue<Exception>();
        int ended = 0;
        int asked = 0;
        int over = 0;
        OnThreads(3, thread =>
        {
            byte[] buffer = new byte[512];
            byte[] garbage = new byte[200];
            try
            {
                for (int turn = 0; thread == 0 ? turn < 2_000 : Volatile.Read(ref over) == 0; turn++)
                {
                    switch (thread)
                    {
                        case 0: ended += DriveUntilCancelled(session, image, buffer, garbage) ? 1 : 0; break;
                        case 1: session.GetProgress(TimeSpan.FromSeconds(1)); break;
                        default: asked += TryCancel(session) ? 1 : 0; break;
                    }
                }
            }
            catch (Exception e)
            {
                unexpected.Enqueue(e);
            }

            if (thread == 0)
            {
                Volatile.Write(ref over, 1);
            }
        });
        Assert.Empty(unexpected);
        output.WriteLine($"{asked} times cancelled, {ended} operations ended by it");
        Assert.InRange(ended, asked - 1, asked);
    }

    private static bool TryCancel(SmpSession session)
    {
        try
        {
            session.Cancel(TimeSpan.FromSeconds(1));
            return true;
        }
        catch (SmpUsageException e) when (e.Status == SmpStatus.NoOperation)
        {
            return false;
        }
    }

    // Starts an operation unless one runs, and drives it a little; whether it was cancelled.
    private static bool DriveUntilCancelled(SmpSession session, FirmwareImage image, byte[] buffer, byte[] garbage)
    {
        try
        {
            if (session.GetProgress(TimeSpan.FromSeconds(1)).Phase == UpdatePhase.Idle)
            {
                session.StartUpdate(image);
            }

            session.Feed(TimeSpan.FromSeconds(1), garbage);
            session.NextFrame(TimeSpan.FromSeconds(1), buffer);
            return false;
        }
        catch (OperationCanceledException)
        {
            session.StartUpdate(image);
            return true;
        }
    }

    [Fact]
    public void DisposeMayRaceWithAnyCall()
    {
        using FirmwareImage image = Images.Open(size: 3000);
        var unexpected = new ConcurrentQueue<Exception>();
        int closed = 0;
        for (int round = 0; round < 400; round++)
        {
            var session = new SmpSession();
            session.StartUpdate(image);
            using var barrier = new Barrier(3);
            OnThreads(3, thread =>
            {
                byte[] buffer = new byte[512];
                barrier.SignalAndWait();
                try
                {
                    if (thread == 0)
                    {
                        Thread.SpinWait(round * 13 % 4000);
                        session.Dispose();
                        return;
                    }

                    while (true)
                    {
                        try
                        {
                            session.NextFrame(TimeSpan.FromSeconds(1), buffer);
                            session.Feed(TimeSpan.FromSeconds(1), buffer);
                            session.GetProgress(TimeSpan.FromSeconds(1));
                        }
                        catch (SmpUsageException e) when (e.Status == SmpStatus.Busy)
                        {
                            // The other of the two.
                        }
                    }
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref closed);
                }
                catch (Exception e)
                {
                    unexpected.Enqueue(e);
                }
            });
        }

        Assert.Empty(unexpected);
        Assert.Equal(800, closed);
    }

    [Theory]
    [InlineData("image")]
    [InlineData("decoder")]
    [InlineData("device")]
    public void DisposeOfEveryKindMayRaceWithItsCallsAndWithItself(string kind)
    {
        byte[] bytes = Images.Bytes(size: 3000);
        byte[] garbage = new byte[200];
        int closed = 0;
        for (int round = 0; round < 200; round++)
        {
            IDisposable victim;
            Action use;
            switch (kind)
            {
                case "image":
                    FirmwareImage image = FirmwareImage.Open(bytes);
                    (victim, use) = (image, () =>
                    {
                        Assert.Contains("1.1.0", image.Describe());
                        using var session = new SmpSession();
                        session.StartUpdate(image);
                    });
                    break;
                case "decoder":
                    var decoder = new SerialDecoder();
                    (victim, use) = (decoder, () =>
                    {
                        decoder.Feed(garbage);
                        decoder.TryRead(out _);
                    });
                    break;
                default:
                    var device = new VirtualDevice();
                    (victim, use) = (device, () =>
                    {
                        device.Write(TimeSpan.FromSeconds(1), garbage);
                        device.TryRead(TimeSpan.FromSeconds(1), out _);
                        Assert.NotEmpty(device.Describe());
                    });
                    break;
            }

            using var barrier = new Barrier(4);
            OnThreads(4, thread =>
            {
                barrier.SignalAndWait();
                if (thread < 2)
                {
                    Thread.SpinWait(round * 17 % 4000);
                    victim.Dispose();
                    return;
                }

                try
                {
                    while (true)
                    {
                        try
                        {
                            use();
                        }
                        catch (SmpUsageException e) when (e.Status == SmpStatus.Busy)
                        {
                            // The other of the two.
                        }
                    }
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref closed);
                }
            });
        }

        Assert.Equal(400, closed);
    }

    [Fact]
    public unsafe void InventedClosedAndForeignHandlesAreInvalid()
    {
        using FirmwareImage image = Images.Open();
        var session = new SessionHandle();
        Open(session);
        nuint living;
        using (HandleLease lease = session.Lease())
        {
            living = lease.Value;
        }

        int invalid = (int)SmpStatus.InvalidHandle;
        byte[] bytes = new byte[512];
        var random = new Random(20_261_122);
        void ExpectInvalid(nuint handle, bool isSession)
        {
            nuint length = 0;
            ulong deadline = 0;
            fixed (byte* buffer = bytes)
            {
                Assert.Equal(invalid, NativeMethods.smpfota_image_describe(handle, buffer, 512, &length));
                Assert.Equal(invalid, NativeMethods.smpfota_image_close(handle));
                Assert.Equal(invalid, NativeMethods.smpfota_serial_decoder_feed(handle, buffer, 5));
                Assert.Equal(invalid, NativeMethods.smpfota_serial_decoder_close(handle));
                Assert.Equal(invalid, NativeMethods.smpfota_device_describe(handle, buffer, 512, &length));
                Assert.Equal(invalid, NativeMethods.smpfota_device_close(handle));
                if (!isSession)
                {
                    Assert.Equal(invalid, NativeMethods.smpfota_session_next_frame(handle, 0, buffer, 512, &length));
                    Assert.Equal(invalid, NativeMethods.smpfota_session_deadline(handle, &deadline));
                    Assert.Equal(invalid, NativeMethods.smpfota_session_close(handle));
                }
            }
        }

        for (int round = 0; round < 2000; round++)
        {
            nuint invented = (nuint)random.NextInt64(long.MinValue, long.MaxValue);
            if (invented != living)
            {
                ExpectInvalid(invented, isSession: false);
            }
        }

        // A session where another kind is wanted; then the same one after its close, where anything is wanted.
        ExpectInvalid(living, isSession: true);
        Assert.True(IsOpen(living));
        session.Dispose();
        ExpectInvalid(living, isSession: false);
        ExpectInvalid(0, isSession: false);
        Assert.Contains("1.1.0", image.Describe());
    }

    [Fact]
    public void AFinalizerNeverClosesAHandleInsideACall()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        byte[] bytes = Images.Bytes(size: 40_000);
        try
        {
            OnThreads(2, _ =>
            {
                byte[] buffer = new byte[512];
                for (int turn = 0; turn < 1500; turn++)
                {
                    // Nothing but the call itself refers to these objects.
                    Assert.Contains("1.1.0", FirmwareImage.Open(bytes).Describe());
                    Started(bytes).NextFrame(TimeSpan.FromSeconds(1), buffer);
                    Assert.NotEmpty(new VirtualDevice().Describe());
                }
            });
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [Fact]
    public void AHandleIsClosedByTheLastCallThatLeaves()
    {
        var handle = new SessionHandle();
        Open(handle);
        HandleLease lease = handle.Lease();
        handle.Dispose();
        Assert.False(handle.IsClosed);
        Assert.True(IsOpen(lease.Value));
        Assert.Throws<ObjectDisposedException>(() => { handle.Lease().Dispose(); });
        nuint value = lease.Value;
        lease.Dispose();
        Assert.True(handle.IsClosed);
        Assert.False(IsOpen(value));
    }

    [Fact]
    public void AnImageMayBeDisposedUnderItsUpdate()
    {
        using var device = new VirtualDevice();
        using var session = new SmpSession();
        FirmwareImage image = Images.Open();
        session.StartUpdate(image);
        image.Dispose();
        SyncLoop.Run(session, device);
        Assert.Contains("updated", session.GetResult());
    }

    [Fact]
    public void HundredThousandDroppedSessionsLeaveNoMemoryBehind()
    {
        using FirmwareImage image = Images.Open();
        Drop(image, 10_000);
        long[] memory = Enumerable.Range(0, 10).Select(_ =>
        {
            Drop(image, 10_000);
            return Settled();
        }).ToArray();
        output.WriteLine($"KiB after each 10,000: {string.Join(", ", memory.Select(m => m / 1024))}");

        // 70,000 sessions lie between; a leak of one of them would be some hundred bytes each.
        Assert.InRange(memory[7..].Min() - memory[..3].Min(), long.MinValue, 70_000 * 128);
    }

    [Fact]
    public void HundredThousandSessionsAreOpenAtOnce()
    {
        using FirmwareImage image = Images.Open();
        long before = Settled();
        var clock = Stopwatch.StartNew();
        SmpSession[] sessions = Enumerable.Range(0, 100_000).Select(_ => new SmpSession()).ToArray();
        TimeSpan opened = clock.Elapsed;
        long each = (Settled() - before) / sessions.Length;
        byte[] buffer = new byte[512];
        sessions[^1].StartUpdate(image);
        Assert.Equal(SmpNextStatus.Write, sessions[^1].NextFrame(TimeSpan.Zero, buffer).Status);
        foreach (SmpSession session in sessions)
        {
            session.Dispose();
        }

        output.WriteLine($"{each} bytes each in C# and native together, opened in {opened.TotalMilliseconds:0} ms");
        Assert.InRange(each, 0, 2048);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static SmpSession Started(byte[] bytes)
    {
        var session = new SmpSession();
        session.StartUpdate(FirmwareImage.Open(bytes));
        return session;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(FirmwareImage image, int count)
    {
        byte[] buffer = new byte[512];
        for (int index = 0; index < count; index++)
        {
            var session = new SmpSession();
            if (index % 10 == 0)
            {
                session.StartUpdate(image);
                session.NextFrame(TimeSpan.Zero, buffer);
            }
        }
    }

    private static long Settled()
    {
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        const string Status = "/proc/self/status";
        if (!File.Exists(Status))
        {
            using Process process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }

        string line = File.ReadLines(Status).First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(new string(line.Where(char.IsAsciiDigit).ToArray()), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static unsafe void Open(SessionHandle handle)
    {
        nuint raw = 0;
        StatusTable.Check(NativeMethods.smpfota_session_open(null, &raw, null));
        handle.Own(raw);
    }

    private static unsafe bool IsOpen(nuint value)
    {
        ulong deadline = 0;
        return NativeMethods.smpfota_session_deadline(value, &deadline) != (int)SmpStatus.InvalidHandle;
    }

    private static void OnThreads(int count, Action<int> body)
    {
        var failures = new ConcurrentQueue<Exception>();
        Thread[] threads = Enumerable.Range(0, count).Select(index => new Thread(() =>
        {
            try
            {
                body(index);
            }
            catch (Exception e)
            {
                failures.Enqueue(e);
            }
        })).ToArray();
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.Empty(failures);
    }
}
