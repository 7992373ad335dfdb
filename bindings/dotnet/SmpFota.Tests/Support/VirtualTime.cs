using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>
/// Time that passes only while the driver waits: it starts a timer then, and the clock moves on to the timer or to the next
/// arrival from the device, whichever comes first. Hours of a slow link take milliseconds.
/// </summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly object gate = new();
    private TimeSpan now;

    /// <summary>When the device will have something, and what brings it over. Called under <see cref="Gate"/>.</summary>
    internal Func<TimeSpan?> NextArrival { get; set; } = static () => null;

    /// <summary>Brings over what has arrived by now; whether that was anything. Called under <see cref="Gate"/>.</summary>
    internal Func<bool> Deliver { get; set; } = static () => false;

    internal object Gate => gate;

    internal TimeSpan Now
    {
        get { lock (gate) { return now; } }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new VirtualTimer(this, callback, state, dueTime);

    internal void Advance(TimeSpan time)
    {
        lock (gate)
        {
            now += time;
        }
    }

    internal void AdvanceTo(TimeSpan time)
    {
        lock (gate)
        {
            now = time > now ? time : now;
        }
    }

    private sealed class VirtualTimer : ITimer
    {
        // A delivery normally ends the driver's wait. Where it does not, the timer goes on after this much real time.
        private const int PatienceMilliseconds = 20;

        private readonly VirtualTime time;
        private readonly TimerCallback callback;
        private readonly object? state;
        private readonly TimeSpan due;
        private Timer? again;
        private bool ended;

        internal VirtualTimer(VirtualTime time, TimerCallback callback, object? state, TimeSpan dueTime)
        {
            this.time = time;
            this.callback = callback;
            this.state = state;
            due = dueTime == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : time.Now + dueTime;
            ThreadPool.QueueUserWorkItem(static timer => timer.Step(), this, preferLocal: false);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
            lock (time.gate)
            {
                ended = true;
                again?.Dispose();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Step()
        {
            lock (time.gate)
            {
                while (!ended && time.NextArrival() is { } arrival && arrival <= due)
                {
                    time.now = arrival > time.now ? arrival : time.now;
                    if (time.Deliver())
                    {
                        again = new Timer(static timer => ((VirtualTimer)timer!).Step(), this, PatienceMilliseconds, Timeout.Infinite);
                        return;
                    }

                    if (time.NextArrival() is { } next && next <= time.now)
                    {
                        throw new InvalidOperationException("The device promises an arrival and delivers none.");
                    }
                }

                if (ended || due == TimeSpan.MaxValue)
                {
                    return;
                }

                ended = true;
                time.now = due > time.now ? due : time.now;
            }

            callback(state);
        }
    }
}
