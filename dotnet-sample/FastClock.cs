using System;
using System.Threading;

namespace SmpFota.Sample;

/// <summary>A clock on which everything takes a tenth of the time, so that nobody has to wait for a virtual device.</summary>
internal sealed class FastClock : TimeProvider
{
    private const int Speed = 10;

    /// <summary>How long that is on a wall clock, for waits that take milliseconds; -1 waits without limit.</summary>
    internal static int Milliseconds(TimeSpan? time) =>
        time is { } wait ? (int)Math.Clamp(Math.Ceiling(wait.TotalMilliseconds / Speed), 0, int.MaxValue) : -1;

    public override long TimestampFrequency => System.TimestampFrequency / Speed;

    public override long GetTimestamp() => System.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, Shortened(dueTime), Shortened(period));

    private static TimeSpan Shortened(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? time : time / Speed;
}
