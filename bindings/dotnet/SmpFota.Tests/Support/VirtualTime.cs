using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>
/// Time that passes only while somebody waits: whoever waits starts a timer, and then the clock moves on to the first timer
/// or the next arrival from the device, whichever comes first. Hours of a slow link take milliseconds.
/// </summary>
internal sealed class VirtualTime : TimeProvider
{
    // What has happened normally ends the wait and its timer. Where it does not, time goes on after this much real time.
    private const int PatienceMilliseconds = 20;

    private readonly List<VirtualTimer> timers = [];
    private TimeSpan now;
    private long activity;

    /// <summary>When the device will have something. Called under <see cref="Gate"/>.</summary>
    internal Func<TimeSpan?> NextArrival { get; set; } = static () => null;

    /// <summary>Brings over what has arrived by now; whether that was anything. Called under <see cref="Gate"/>.</summary>
    internal Func<bool> Deliver { get; set; } = static () => false;

    internal object Gate { get; } = new();

    internal TimeSpan Now
    {
        get { lock (Gate) { return now; } }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    internal void Advance(TimeSpan time) => AdvanceTo(Now + time);

    internal void AdvanceTo(TimeSpan time)
    {
        lock (Gate)
        {
            now = time > now ? time : now;
        }
    }

    // One thing happens, the first timer or the next arrival, unless somebody has done something since this was planned.
    private void Step(long planned)
    {
        VirtualTimer? first;
        lock (Gate)
        {
            first = timers.MinBy(timer => timer.Due);
            if (first is null || planned != activity)
            {
                return;
            }

            while (NextArrival() is { } arrival && arrival <= first.Due)
            {
                // What the device does inside is an event of its own and brings nothing.
                AdvanceTo(arrival);
                if (Deliver())
                {
                    first = null;
                    break;
                }
            }

            if (first is not null)
            {
                AdvanceTo(first.Due);
                timers.Remove(first);
            }
        }

        first?.Fire();
        _ = new Timer(_ => Step(planned), null, PatienceMilliseconds, Timeout.Infinite);
    }

    private sealed class VirtualTimer(VirtualTime time, Action fire) : ITimer
    {
        internal TimeSpan Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time.Gate)
            {
                time.timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan)
                {
                    return true;
                }

                Due = time.now + dueTime;
                time.timers.Add(this);
                long planned = ++time.activity;
                ThreadPool.QueueUserWorkItem(_ => time.Step(planned));
            }

            return true;
        }

        public void Dispose()
        {
            lock (time.Gate)
            {
                if (time.timers.Remove(this))
                {
                    time.activity++;
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        internal void Fire() => fire();
    }
}
