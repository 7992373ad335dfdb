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
/// <remarks>
/// Nobody can see that a thread is just about to start a wait. So a leap that may pass over one, beyond
/// <see cref="ShortLeap"/>, is made only after nothing at all has happened for some real time.
/// </remarks>
internal sealed class VirtualTime : TimeProvider
{
    // What has happened normally ends the wait and its timer. Where it does not, time goes on after this much real time.
    private const int PatienceMilliseconds = 20;

    // A leap that passes over a wait which is just being started would change how a test ends.
    private const int QuietMilliseconds = 50;
    private const int QuietRounds = 8;

    private static readonly TimeSpan ShortLeap = TimeSpan.FromSeconds(60);

    private readonly List<VirtualTimer> timers = [];
    private TimeSpan now;
    private long activity;
    private int holds;

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

    /// <summary>Time stands still until the hold is disposed: somebody works who would be overtaken.</summary>
    internal IDisposable Hold()
    {
        lock (Gate)
        {
            holds++;
            activity++;
        }

        return new Held(this);
    }

    private void Plan(long planned) => ThreadPool.QueueUserWorkItem(_ => Step(planned, 0));

    private void PlanLater(long planned, int milliseconds, int quiet) => _ = PlanLaterAsync(planned, milliseconds, quiet);

    private async Task PlanLaterAsync(long planned, int milliseconds, int quiet)
    {
        await Task.Delay(milliseconds);
        Step(planned, quiet);
    }

    // One thing happens, the first timer or the next arrival, unless somebody has done something since this was planned.
    private void Step(long planned, int quiet)
    {
        VirtualTimer? first;
        lock (Gate)
        {
            first = timers.MinBy(timer => timer.Due);
            if (first is null || planned != activity || holds > 0)
            {
                return;
            }

            TimeSpan next = NextArrival() is { } comes && comes < first.Due ? comes : first.Due;
            if (next - now > ShortLeap && quiet < QuietRounds)
            {
                // Nothing may wait for a thread either.
                PlanLater(planned, QuietMilliseconds, ThreadPool.PendingWorkItemCount == 0 ? quiet + 1 : 0);
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
        PlanLater(planned, PatienceMilliseconds, 0);
    }

    private sealed class Held(VirtualTime time) : IDisposable
    {
        public void Dispose()
        {
            lock (time.Gate)
            {
                time.holds--;
                time.Plan(++time.activity);
            }
        }
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
                time.Plan(++time.activity);
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
