using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Tests.Support;

/// <summary>What becomes of one call.</summary>
public enum Fate
{
    /// <summary>It is made and comes back.</summary>
    Made,

    /// <summary>It never reaches the gateway, and nobody knows.</summary>
    Lost,

    /// <summary>It is made, its answer is lost, and nobody knows.</summary>
    MadeUnknown,

    /// <summary>It is made only together with the next one, and nobody knows.</summary>
    Late,

    /// <summary>It is made, and once more together with the next one.</summary>
    Twice,
}

/// <summary>A virtual device behind a gateway that takes several writes in a call and keeps the time between them, in virtual time.</summary>
internal sealed class BatchLink : ISmpBatchExchange, IDisposable
{
    private static readonly TimeSpan Travel = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan GivesUp = TimeSpan.FromSeconds(5);

    private List<(TimeSpan At, byte[] Bytes)> leftover = [];

    internal BatchLink(VirtualDeviceOptions? options = null) => Device = new VirtualDevice(options);

    internal VirtualTime Time { get; } = new();

    internal VirtualDevice Device { get; }

    /// <summary>What becomes of the call with this number and so many writes.</summary>
    internal Func<int, int, Fate> FateOf { get; init; } = static (_, _) => Fate.Made;

    /// <summary>Whether the gateway takes no notice of the delays.</summary>
    internal bool WritesAtOnce { get; init; }

    /// <summary>Called before each call, with its number.</summary>
    internal Action<int>? BeforeCall { get; set; }

    /// <summary>How many writes each call carried, and what became of it.</summary>
    internal List<(int Writes, int Bytes, Fate Fate)> Calls { get; } = [];

    /// <summary>The shortest time between two writes of a call that carries more than the device has buffers for.</summary>
    internal TimeSpan LeastDelay { get; private set; } = TimeSpan.MaxValue;

    internal SmpClientServices Services => new() { TimeProvider = Time };

    internal static SmpClientOptions Options(int? frames = 128, int? bytes = null) => new()
    {
        Session = new SmpSessionOptions { Nonce = 7, BatchFrames = frames, BatchBytes = bytes, BatchGap = TimeSpan.FromMilliseconds(10) },
    };

    internal SmpClient Client(int? frames = 128, SmpClientServices? services = null) => new(this, Options(frames), services ?? Services);

    public async Task<SmpBatchOutcome> ExchangeAsync(SmpBatch batch, CancellationToken cancellationToken)
    {
        using IDisposable hold = Time.Hold();
        await Task.Yield();
        int call = Calls.Count;
        BeforeCall?.Invoke(call);
        cancellationToken.ThrowIfCancellationRequested();
        Fate fate = FateOf(call, batch.Writes.Count);
        Calls.Add((batch.Writes.Count, batch.Writes.Sum(write => write.Bytes.Length), fate));
        foreach (SmpBatchWrite write in batch.Writes.Count > 4 ? batch.Writes.Skip(1) : [])
        {
            LeastDelay = write.Delay < LeastDelay ? write.Delay : LeastDelay;
        }

        lock (Time.Gate)
        {
            TimeSpan began = Time.Now;
            Time.Advance(Travel);
            List<(TimeSpan At, byte[] Bytes)> planned = Plan(batch);
            List<(TimeSpan At, byte[] Bytes)> due = leftover;
            if (fate is Fate.Made or Fate.MadeUnknown or Fate.Twice)
            {
                due.AddRange(planned);
            }

            leftover = fate is Fate.Late or Fate.Twice ? planned : [];
            TimeSpan last = planned.Count > 0 ? planned[^1].At : TimeSpan.Zero;
            List<ReadOnlyMemory<byte>> heard = Make(due.OrderBy(write => write.At).ToList(), Time.Now, batch.ExpectedAnswers, last + batch.Wait);
            Time.Advance(Travel);
            if (fate is Fate.Lost or Fate.MadeUnknown or Fate.Late)
            {
                Time.AdvanceTo(began + GivesUp);
                return SmpBatchOutcome.Unknown;
            }

            return SmpBatchOutcome.Returned(heard);
        }
    }

    public void Dispose() => Device.Dispose();

    private List<(TimeSpan At, byte[] Bytes)> Plan(SmpBatch batch)
    {
        var planned = new List<(TimeSpan At, byte[] Bytes)>();
        TimeSpan at = TimeSpan.Zero;
        foreach (SmpBatchWrite write in batch.Writes)
        {
            at += WritesAtOnce ? TimeSpan.Zero : write.Delay;
            planned.Add((at, write.Bytes.ToArray()));
        }

        return planned;
    }

    private List<ReadOnlyMemory<byte>> Make(List<(TimeSpan At, byte[] Bytes)> due, TimeSpan start, int expected, TimeSpan until)
    {
        var heard = new List<ReadOnlyMemory<byte>>();
        int made = 0;
        while (true)
        {
            while (Device.TryRead(Time.Now, out byte[]? notification))
            {
                heard.Add(notification);
            }

            if (made == due.Count && heard.Count >= expected && expected > 0)
            {
                return heard;
            }

            TimeSpan? nextWrite = made < due.Count ? start + due[made].At : null;
            TimeSpan? next = Device.Deadline is { } arrival && (nextWrite is null || arrival < nextWrite) ? arrival : nextWrite;
            if (next is not { } then || then > start + until)
            {
                Time.AdvanceTo(start + until);
                return heard;
            }

            Time.AdvanceTo(then);
            while (made < due.Count && start + due[made].At <= Time.Now)
            {
                Device.Write(Time.Now, due[made++].Bytes);
            }
        }
    }
}
