using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>
/// What the client allocates, alone in a process: <c>make bench</c> runs it and names the file that takes the figures. What the
/// carrier allocates itself is not counted.
/// </summary>
public sealed class AllocationBench
{
    private const int Updates = 1000;
    private const int ImageSize = 100 * 1024;

    [BenchFact]
    public async Task AnUpdate()
    {
        using FirmwareImage image = Images.Open(size: ImageSize);
        await MeasureAsync(image, 20, observed: true); // everything is compiled
        Figures plain = await MeasureAsync(image, Updates, observed: false);
        Figures observed = await MeasureAsync(image, Updates, observed: true);
        double more = observed.BytesPerUpdate / plain.BytesPerUpdate - 1;
        var figures = new Dictionary<string, double>
        {
            ["updates"] = Updates,
            ["image_bytes"] = ImageSize,
            ["exchanges_per_update"] = plain.ExchangesPerUpdate,
            ["bytes_per_exchange"] = Math.Round(plain.BytesPerUpdate / plain.ExchangesPerUpdate),
            ["bytes_per_update"] = Math.Round(plain.BytesPerUpdate),
            ["bytes_per_update_with_events_and_progress"] = Math.Round(observed.BytesPerUpdate),
        };
        string json = JsonSerializer.Serialize(figures, new JsonSerializerOptions { WriteIndented = true });
        string file = Environment.GetEnvironmentVariable(BenchFactAttribute.File)!;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await System.IO.File.WriteAllTextAsync(file, json + "\n");
        Console.WriteLine(json);
        Assert.True(figures["bytes_per_exchange"] <= 500, json);
        Assert.True(figures["bytes_per_update"] <= 120_000, json);
        Assert.True(more <= 0.2, json);
    }

    private static async Task<Figures> MeasureAsync(FirmwareImage image, int updates, bool observed)
    {
        long bytes = 0, exchanges = 0;
        for (int update = 0; update < updates; update++)
        {
            using var carrier = new CountingExchange();
            var services = new SmpClientServices { TimeProvider = carrier.Time, EventSink = observed ? static _ => { } : null };
            await using var client = new SmpClient(carrier, new SmpClientOptions { Session = new SmpSessionOptions { Nonce = (uint)update } }, services);
            IProgress<UpdateProgress>? progress = observed ? new NoProgress() : null;
            long before = GC.GetTotalAllocatedBytes(precise: true);
            UpdateResult result = await client.UpdateAsync(image, progress: progress);
            bytes += GC.GetTotalAllocatedBytes(precise: true) - before - carrier.OwnBytes;
            exchanges += carrier.Exchanges;
            Assert.Equal(UpdateOutcome.Updated, result.Outcome);
        }

        return new Figures((double)bytes / updates, (double)exchanges / updates);
    }

    private readonly record struct Figures(double BytesPerUpdate, double ExchangesPerUpdate);

    private sealed class NoProgress : IProgress<UpdateProgress>
    {
        public void Report(UpdateProgress value)
        {
        }
    }

    /// <summary>Answers on another thread, as a carrier over a network does, and knows what it allocates.</summary>
    internal sealed class CountingExchange : ISmpExchange, IDisposable
    {
        private readonly VirtualDevice device = new();
        private long ownBytes;

        internal OwnTime Time { get; } = new();

        internal long OwnBytes => Interlocked.Read(ref ownBytes);

        internal int Exchanges { get; private set; }

        public Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
            IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exchanges++;
            for (int index = 0; index < writes.Count; index++)
            {
                device.Write(Time.Now, writes[index].Span);
            }

            var answers = new List<ReadOnlyMemory<byte>>();
            TimeSpan end = Time.Now + wait;
            while (true)
            {
                while (device.TryRead(Time.Now, out byte[]? notification))
                {
                    answers.Add(notification);
                }

                if (answers.Count > 0 || Time.Now >= end)
                {
                    break;
                }

                Time.Now = device.Deadline is { } next && next < end ? next : end;
            }

            var source = new TaskCompletionSource<IReadOnlyList<ReadOnlyMemory<byte>>>(TaskCreationOptions.RunContinuationsAsynchronously);
            ThreadPool.UnsafeQueueUserWorkItem(static done => done.Source.SetResult(done.Answers), (Source: source, Answers: answers), preferLocal: false);
            Interlocked.Add(ref ownBytes, GC.GetAllocatedBytesForCurrentThread() - before);
            return source.Task;
        }

        public void Dispose() => device.Dispose();
    }

    /// <summary>Stands still but for the carrier; its timers are real ones that never fire.</summary>
    internal sealed class OwnTime : TimeProvider
    {
        internal TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.FromDays(1), Timeout.InfiniteTimeSpan);
    }

    private sealed class BenchFactAttribute : FactAttribute
    {
        internal const string File = "SMPFOTA_BENCH";

        public BenchFactAttribute()
        {
            if (Environment.GetEnvironmentVariable(File) is null)
            {
                Skip = $"a benchmark, alone in its process: {File} names the file for its figures";
            }
        }
    }
}
