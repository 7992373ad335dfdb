using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>A worker that is killed at any moment: the next one goes on from the stored snapshot, and the device ends right.</summary>
public sealed class WorkerTests
{
    private const int Kills = 200;

    [SampleProcess.SampleFact(Timeout = 600_000)]
    public async Task KilledWorkersAlwaysEndInTheRightImage()
    {
        var random = new Random(8);
        string store = Path.Combine(Path.GetTempPath(), $"smpfota-{Guid.NewGuid():N}.snapshot");
        int start = await StartTimeAsync();
        int kills = 0, updates = 0, restored = 0, runs = 0;
        try
        {
            while (kills < Kills)
            {
                using var device = new UdpDevice(new VirtualDeviceOptions { Seed = (ulong)updates, MaxWrite = 1232 });
                bool ended = false;
                for (int attempt = 0; !ended; attempt++)
                {
                    Assert.InRange(attempt, 0, 300);
                    runs++;
                    restored += File.Exists(store) ? 1 : 0;
                    using Process worker = SampleProcess.Start("--udp", device.Address, "--snapshot", store);
                    Task<string> output = worker.StandardOutput.ReadToEndAsync();
                    Task<string> error = worker.StandardError.ReadToEndAsync();
                    ended = worker.WaitForExit(start / 2 + random.Next(start + 600));
                    if (!ended)
                    {
                        worker.Kill();
                        kills++;
                    }

                    await worker.WaitForExitAsync();
                    string said = $"{await output}{await error}";
                    Assert.True(!ended || worker.ExitCode == 0, said);
                    Assert.Null(device.Failure);
                }

                updates++;
                Assert.False(File.Exists(store));
                using JsonDocument state = JsonDocument.Parse(device.Describe());
                JsonElement active = state.RootElement.GetProperty("slots").EnumerateArray().Single(s => s.GetProperty("active").GetBoolean());
                Assert.Equal("1.1.0", active.GetProperty("version").GetString());
                Assert.True(active.GetProperty("confirmed").GetBoolean());
            }
        }
        finally
        {
            File.Delete(store);
            Console.WriteLine($"workers: {kills} of {runs} killed, {restored} went on from a snapshot, {updates} updates");
        }
    }

    // What a process takes to start on this machine at this time: some are killed before they do anything, most later.
    private static async Task<int> StartTimeAsync()
    {
        var clock = Stopwatch.StartNew();
        await SampleProcess.RunAsync("--help");
        return (int)clock.ElapsedMilliseconds;
    }
}
