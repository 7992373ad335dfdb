using System;

namespace SmpFota.Tests.Support;

/// <summary>The drive loop of the documentation, by hand: one session, one virtual device, no tasks, virtual time.</summary>
internal static class SyncLoop
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(12);

    /// <summary>Runs the started operation to its end; the time at the end.</summary>
    /// <param name="session">The session.</param>
    /// <param name="device">The device.</param>
    /// <param name="now">When the operation starts.</param>
    /// <param name="step">Called before each question, with the time; may stop the loop by returning false.</param>
    internal static TimeSpan Run(SmpSession session, VirtualDevice device, TimeSpan now = default, Func<TimeSpan, bool>? step = null)
    {
        byte[] buffer = new byte[2500];
        while (now < Limit)
        {
            if (step is not null && !step(now))
            {
                return now;
            }

            while (device.TryRead(now, out byte[]? notification))
            {
                session.Feed(now, notification);
            }

            SmpNext next = session.NextFrame(now, buffer);
            switch (next.Status)
            {
                case SmpNextStatus.Write:
                    device.Write(now, buffer.AsSpan(0, next.Length));
                    break;
                case SmpNextStatus.Done:
                    return now;
                default:
                    TimeSpan deadline = session.Deadline ?? throw new InvalidOperationException("It waits without a deadline.");
                    TimeSpan arrival = device.Deadline ?? deadline;
                    TimeSpan then = arrival < deadline ? arrival : deadline;
                    now = then > now ? then : now;
                    break;
            }
        }

        throw new InvalidOperationException($"It has not ended after {Limit}.");
    }
}
