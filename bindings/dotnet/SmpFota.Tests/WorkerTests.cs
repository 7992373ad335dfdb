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

    /// <summary>Twenty devices, each with a worker that is stopped in the middle of its update, half of them without warning.</summary>
    [SampleProcess.SampleFact(Timeout = 600_000)]
    public async Task TwentyDevicesSurviveTheEndOfTheirWorkers()
    {
        const int Devices = 20;
        string folder = Directory.CreateTempSubdirectory("smpfota").FullName;
        var devices = new UdpDevice[Devices];
        try
        {
            for (int index = 0; index < Devices; index++)
            {
                devices[index] = new UdpDevice(new VirtualDeviceOptions { Seed = (ulong)index, MaxWrite = 1232 });
            }

            int went = 0;
            for (int first = 0; first < Devices; first += 4)
            {
                int from = first;
                bool[] restored = await Task.WhenAll(Enumerable.Range(from, 4).Select(index => StopAndGoOnAsync(index)));
                went += restored.Count(on => on);
            }

            Assert.True(went > Devices / 2, $"only {went} of {Devices} went on from a snapshot");
            foreach (UdpDevice device in devices)
            {
                Assert.Null(device.Failure);
                using JsonDocument state = JsonDocument.Parse(device.Describe());
                JsonElement active = state.RootElement.GetProperty("slots").EnumerateArray().Single(s => s.GetProperty("active").GetBoolean());
                Assert.Equal("1.1.0", active.GetProperty("version").GetString());
                Assert.True(active.GetProperty("confirmed").GetBoolean());
            }
        }
        finally
        {
            foreach (UdpDevice? device in devices)
            {
                device?.Dispose();
            }

            Directory.Delete(folder, recursive: true);
        }

        async Task<bool> StopAndGoOnAsync(int index)
        {
            string store = Path.Combine(folder, $"{index}.snapshot");
            string[] arguments = ["--udp", devices[index].Address, "--snapshot", store];
            bool stored;
            using (Process worker = SampleProcess.Start(arguments))
            {
                Task<string> output = worker.StandardOutput.ReadToEndAsync();
                Task<string> error = worker.StandardError.ReadToEndAsync();
                while (!File.Exists(store) && !worker.HasExited)
                {
                    await Task.Delay(5);
                }

                await Task.Delay(index * 20);
                if (index % 2 == 0)
                {
                    worker.Kill();
                    await worker.WaitForExitAsync();
                }
                else
                {
                    using Process kill = Process.Start("/bin/sh", ["-c", FormattableString.Invariant($"kill -TERM {worker.Id}")]);
                    await kill.WaitForExitAsync();
                    await worker.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(5));
                    Assert.True(worker.ExitCode is 0 or 1, $"{worker.ExitCode}: {await output}{await error}");
                    Assert.True(worker.ExitCode == 0 || File.Exists(store), "what was stored is gone");
                }

                stored = File.Exists(store);
            }

            (int code, _, string said) = await SampleProcess.RunAsync(arguments);
            Assert.True(code == 0, said);
            return stored;
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
