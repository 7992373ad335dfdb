using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Every command of the library has its method, and each does its work on the virtual device.</summary>
public sealed class CommandTests : IAsyncLifetime
{
    private readonly VirtualLink way = new(new VirtualDeviceOptions { Link = "gateway-lan" });
    private SmpClient client = null!;

    public Task InitializeAsync()
    {
        client = way.Duplex();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        way.Dispose();
    }

    [Fact]
    public void EveryCommandHasAMethod()
    {
        using var session = new SmpSession();
        string known = Assert.Throws<SmpUsageException>(() => session.StartCommand("none")).Message;
        string[] names = Regex.Matches(known[known.IndexOf("there are", StringComparison.Ordinal)..], @"\b[a-z]+(_[a-z]+)+\b|\becho\b|\breset\b|\bparameters\b")
            .Select(m => m.Value).ToArray();
        string sources = string.Concat(Directory.GetFiles(
            Path.Combine(Repository.Root, "bindings", "dotnet", "SmpFota", "Client", "Commands"), "*.cs").Select(File.ReadAllText));
        Assert.True(names.Length > 20, known);
        Assert.All(names, name => Assert.Contains($"\"{name}\"", sources));
    }

    [Fact]
    public async Task Images()
    {
        byte[] bytes = Support.Images.Bytes();
        using FirmwareImage image = FirmwareImage.Open(bytes);
        await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        IReadOnlyList<DeviceImage> tested = await client.TestImageAsync(image.Info.Hash);
        Assert.True(tested.Single(i => i.Version == "1.1.0").IsPending);
        await client.ResetAsync(new ResetOptions { Force = true });
        way.Time.Advance(TimeSpan.FromMinutes(2));
        DeviceImage trial = (await client.ReadImagesAsync()).Single(i => i.IsActive);
        Assert.Equal(("1.1.0", false), (trial.Version, trial.IsConfirmed));
        Assert.True((await client.ConfirmImageAsync()).Single(i => i.IsActive).IsConfirmed);

        using FirmwareImage next = Support.Images.Open("1.2.0");
        await client.UpdateAsync(next, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        Assert.Equal(2, (await client.ReadImagesAsync()).Count);
        await client.EraseSlotAsync();
        Assert.Single(await client.ReadImagesAsync());
        await client.UpdateAsync(next, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        Assert.True((await client.ConfirmImageAsync(next.Info.Hash)).Single(i => i.Version == "1.2.0").IsPermanent);
        await client.ResetAsync();
        way.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("1.2.0", (await client.ReadImagesAsync()).Single(i => i.IsActive).Version);

        DeviceSlots slots = Assert.Single(await client.ReadSlotsAsync());
        Assert.Equal(new[] { 0, 1 }, slots.Slots.Select(s => s.Slot));
        Assert.All(slots.Slots, s => Assert.True(s.Size > bytes.Length));
        var thrown = await Assert.ThrowsAsync<SmpDeviceException>(() => client.TestImageAsync(new byte[32]));
        Assert.Equal(1, thrown.Group);
        Assert.Equal(8, thrown.Code);
    }

    [Fact]
    public async Task OperatingSystem()
    {
        Assert.Equal("", await client.EchoAsync(""));
        SmpParameters parameters = await client.ReadParametersAsync();
        Assert.Equal((384, 4), (parameters.BufferSize, parameters.BufferCount));
        BootloaderInfo bootloader = await client.ReadBootloaderAsync();
        Assert.Equal("MCUboot", bootloader.Name);
        Assert.NotNull(bootloader.Mode);
        Assert.NotNull(bootloader.ModeName);
        Assert.Contains("Zephyr", await client.ReadOsInfoAsync());
        Assert.NotEqual(await client.ReadOsInfoAsync(), await client.ReadOsInfoAsync("a"));
        var time = new DateTime(2026, 1, 31, 23, 59, 50);
        await client.SetDateTimeAsync(time);
        Assert.InRange(await client.ReadDateTimeAsync(), time, time.AddSeconds(30));
        TaskStatistics task = (await client.ReadTasksAsync())[0];
        Assert.NotEmpty(task.Name);
        Assert.True(task.StackSize > 0 && task.StackUsed <= task.StackSize);
        MemoryPoolStatistics pool = (await client.ReadMemoryPoolsAsync())[0];
        Assert.True(pool.BlockSize > 0 && pool.Free <= pool.Blocks);
    }

    [Fact]
    public async Task Statistics()
    {
        IReadOnlyList<string> groups = await client.ReadStatisticsGroupsAsync();
        Assert.NotEmpty(groups);
        IReadOnlyDictionary<string, ulong> counters = await client.ReadStatisticsAsync(groups[0]);
        Assert.NotEmpty(counters);
        await Assert.ThrowsAsync<SmpDeviceException>(() => client.ReadStatisticsAsync("nothing"));
        Assert.Throws<ArgumentNullException>(() => { _ = client.ReadStatisticsAsync(null!); });
    }

    [Fact]
    public async Task Settings()
    {
        byte[] value = [0, 255, 128];
        await client.WriteSettingAsync("app/rate", value);
        Assert.Equal(value, await client.ReadSettingAsync("app/rate"));
        await client.CommitSettingsAsync();
        await client.SaveSettingsAsync();
        await client.WriteSettingAsync("app/rate", new byte[] { 1 });
        await client.LoadSettingsAsync();
        Assert.Equal(value, await client.ReadSettingAsync("app/rate", maxSize: 16));
        await client.DeleteSettingAsync("app/rate");
        var thrown = await Assert.ThrowsAsync<SmpDeviceException>(() => client.ReadSettingAsync("app/rate"));
        Assert.Equal(3, thrown.Group);
        await client.EraseStorageAsync();
    }

    [Fact]
    public async Task Files()
    {
        byte[] content = new byte[3000];
        new Random(1).NextBytes(content);
        var progress = new CollectingProgress();
        await client.UploadFileAsync("/lfs1/data.bin", content, progress: progress);
        Assert.Equal(content.Length, progress.Reports[^1].BytesAcknowledged);
        Assert.Equal(content.Length, await client.ReadFileLengthAsync("/lfs1/data.bin"));
        Assert.Equal(content, await client.DownloadFileAsync("/lfs1/data.bin"));
        IReadOnlyList<FileHashKind> kinds = await client.ReadFileHashKindsAsync();
        Assert.Contains(kinds, k => k is { Kind: "sha256", IsChecksum: false, Size: 32 });
        DeviceFileHash hash = await client.HashFileAsync("/lfs1/data.bin", new FileHashOptions { Kind = "sha256", Offset = 100, Length = 500 });
        Assert.Equal(SHA256.HashData(content.AsSpan(100, 500)), hash.Hash.ToArray());
        Assert.Equal((100, 500, null), (hash.Offset, hash.Length, hash.Checksum));
        Assert.NotNull((await client.HashFileAsync("/lfs1/data.bin", new FileHashOptions { Kind = "crc32" })).Checksum);
        await client.CloseFileAsync();
        await Assert.ThrowsAsync<SmpDeviceException>(() => client.DownloadFileAsync("/lfs1/missing"));
        var tooLong = await Assert.ThrowsAsync<SmpUsageException>(() => client.DownloadFileAsync("/lfs1/data.bin", new FileDownloadOptions { MaxLength = 10 }));
        Assert.Equal(SmpStatus.ImageTooLarge, tooLong.Status);
        Assert.NotEmpty(tooLong.Message);
    }

    [Fact]
    public async Task ShellAndGroups()
    {
        ShellResult shell = await client.ExecuteShellAsync(["echo", "hello"], TimeSpan.FromSeconds(5));
        Assert.Equal("hello", shell.Output?.Trim());
        Assert.Equal(0, shell.ExitCode);
        Assert.NotEqual(0, (await client.ExecuteShellAsync(["false"])).ExitCode);

        IReadOnlyList<int> groups = await client.ReadGroupsAsync();
        Assert.Equal(await client.CountGroupsAsync(), groups.Count);
        for (int index = 0; index < groups.Count; index++)
        {
            Assert.Equal(groups[index], (await client.ReadGroupAsync(index)).Group);
        }

        Assert.True((await client.ReadGroupAsync(groups.Count - 1)).IsLast);
        SmpGroup os = Assert.Single(await client.ReadGroupDetailsAsync([0]));
        Assert.Equal(0, os.Group);
        Assert.Contains("os", os.Name);
        Assert.Equal(groups.Count, (await client.ReadGroupDetailsAsync()).Count);
    }

    [Fact]
    public async Task AnOldServerDoesWhatItHasAndSaysWhatItLacks()
    {
        using var old = new VirtualLink(new VirtualDeviceOptions { Profile = VirtualProfile.Ncs21 });
        await using SmpClient asked = old.Duplex();
        Assert.Equal("hi", await asked.EchoAsync("hi"));
        Assert.Equal("1.0.0", Assert.Single(await asked.ReadImagesAsync()).Version);
        Assert.NotEmpty(await asked.ReadTasksAsync());
        Assert.NotEmpty(await asked.ReadStatisticsAsync((await asked.ReadStatisticsGroupsAsync())[0]));
        Assert.NotEqual(0, (await asked.ExecuteShellAsync(["false"])).ExitCode);
        await asked.UploadFileAsync("/lfs1/a", new byte[] { 1, 2, 3 });
        Assert.Equal(new byte[] { 1, 2, 3 }, await asked.DownloadFileAsync("/lfs1/a"));
        await asked.EraseStorageAsync();
        Func<Task>[] missing =
        [
            () => asked.ReadBootloaderAsync(), () => asked.ReadOsInfoAsync(), () => asked.ReadDateTimeAsync(), () => asked.ReadMemoryPoolsAsync(),
            () => asked.ReadSlotsAsync(), () => asked.ReadSettingAsync("a"), () => asked.ReadFileHashKindsAsync(), () => asked.CountGroupsAsync(),
        ];
        foreach (Func<Task> command in missing)
        {
            var thrown = await Assert.ThrowsAsync<SmpDeviceException>(command);
            Assert.Equal(SmpStatus.NotSupported, thrown.Status);
            Assert.Equal(8, thrown.Code);
        }
    }

    [Fact]
    public async Task RawRequestsOfVendorsGroups()
    {
        byte[] body = [0xa1, 0x61, (byte)'d', 0x62, (byte)'h', (byte)'i'];
        byte[] answer = await client.RequestAsync(SmpOperation.Write, 0, 0, body);
        Assert.Contains("hi", Encoding.Latin1.GetString(answer));
        var thrown = await Assert.ThrowsAsync<SmpDeviceException>(() => client.RequestAsync(SmpOperation.Read, 128, 1, default));
        Assert.Equal(8, thrown.Code);
    }
}
