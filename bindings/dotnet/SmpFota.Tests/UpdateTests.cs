using System;
using System.Linq;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Whole updates of the virtual device, in both profiles, over both kinds of carrier, on every link.</summary>
public sealed class UpdateTests
{
    public static TheoryData<VirtualProfile, bool, string> Ways
    {
        get
        {
            var ways = new TheoryData<VirtualProfile, bool, string>();
            foreach (VirtualProfile profile in Enum.GetValues<VirtualProfile>())
            {
                foreach (string link in VirtualDevice.LinkNames)
                {
                    ways.Add(profile, false, link);
                    ways.Add(profile, true, link);
                }
            }

            return ways;
        }
    }

    public static TheoryData<string, bool> Faults
    {
        get
        {
            var faults = new TheoryData<string, bool>();
            foreach (string fault in VirtualDevice.FaultNames)
            {
                faults.Add(fault, false);
                faults.Add(fault, true);
            }

            return faults;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ADeviceIsUpdated(VirtualProfile profile, bool exchange, string link)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Profile = profile, Link = link, Seed = 11 });
        await using SmpClient client = exchange ? way.Exchange() : way.Duplex();
        (UpdateResult result, int reverts) = await UntilItStaysAsync(client, image);
        CheckUpdated(result, image);
        Assert.True(result.UploadedBytes == image.Info.Size || reverts > 0, result.Json);
        Assert.True(reverts == 0 || link == "cellular-bad", $"{reverts} reverts");
        Assert.InRange(way.LongestWrite, 100, 244);
        SmpCounts counts = result.Counts!;
        Assert.True(counts.FramesSent >= counts.FramesAnswered && counts.BytesSent > image.Info.Size, result.Json);
        Assert.True(counts.RoundTripMedian <= counts.RoundTripP95 && counts.Phases[UpdatePhase.Upload] > TimeSpan.Zero, result.Json);
        Assert.True(result.Duration > TimeSpan.Zero && result.Duration >= result.UploadTime + result.SwapTime, result.Json);

        DeviceImage running = (await client.ReadImagesAsync()).Single(i => i.IsActive);
        Assert.Equal("1.1.0", running.Version);
        Assert.True(running.IsConfirmed);
        Assert.Equal(image.Info.Hash.ToArray(), running.Hash.ToArray());

        UpdateResult again = await client.UpdateAsync(image);
        Assert.Equal(UpdateOutcome.AlreadyInstalled, again.Outcome);
        Assert.Equal(0, again.UploadedBytes);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task FaultsEndRightOrWithAnError(string fault, bool exchange)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan", Fault = fault, Seed = 5 });
        await using SmpClient client = exchange ? way.Exchange() : way.Duplex();
        try
        {
            CheckUpdated(await client.UpdateAsync(image), image);
        }
        catch (SmpException e)
        {
            // Never a wrong success: a fault may be too much, but then it is named.
            Assert.NotEmpty(e.Message);
            Assert.InRange((int)e.Status, -499, -200);
        }
    }

    [Fact]
    public async Task TheFailureOfTheSeedThreadIsOvercome()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Profile = VirtualProfile.Ncs21, Link = "gateway-lan", Fault = "seed-thread" });
        await using SmpClient client = way.Duplex();
        CheckUpdated(await client.UpdateAsync(image), image);
    }

    [Fact]
    public async Task SerialConsolesAreUpdatedToo()
    {
        using FirmwareImage image = Images.Open(size: 8000);
        using var way = new VirtualLink(new VirtualDeviceOptions { SerialConsole = true });
        await using SmpClient client = way.Duplex(new SmpSessionOptions { Framing = SmpFramingMode.Serial, Nonce = 1 });
        CheckUpdated(await client.UpdateAsync(image), image);
        Assert.InRange(way.LongestWrite, 20, 128);
    }

    [Fact]
    public async Task LongFramesGoInSeveralWrites()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Reassembly = true, BufferSize = 2475, Link = "ble-local" });
        await using SmpClient client = way.Exchange(new SmpSessionOptions { Reassembly = SmpReassembly.Yes, Nonce = 1 });
        CheckUpdated(await client.UpdateAsync(image), image);
        Assert.Equal(244, way.LongestWrite);
        Assert.True(way.LargestBatch > 8, $"{way.LargestBatch}");
    }

    [Fact]
    public async Task AnExchangeGetsSeveralWritesAtOnce()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "iothub-method" });
        await using SmpClient client = way.Exchange();
        CheckUpdated(await client.UpdateAsync(image), image);
        Assert.True(way.LargestBatch > 1, $"{way.LargestBatch}");
    }

    [Fact]
    public async Task EachModeGoesAsFarAsItSays()
    {
        using FirmwareImage image = Images.Open();
        foreach ((UpdateMode mode, UpdateOutcome outcome, bool runs, bool confirmed) in new[]
        {
            (UpdateMode.TestAndConfirm, UpdateOutcome.Updated, true, true), (UpdateMode.TestOnly, UpdateOutcome.OnTrial, true, false),
            (UpdateMode.ConfirmAtOnce, UpdateOutcome.Updated, true, true), (UpdateMode.UploadOnly, UpdateOutcome.Uploaded, false, true),
        })
        {
            using var way = new VirtualLink();
            await using SmpClient client = way.Duplex();
            UpdateResult result = await client.UpdateAsync(image, new UpdateOptions { Mode = mode });
            Assert.Equal(outcome, result.Outcome);
            DeviceImage active = result.After.Single(i => i.IsActive);
            Assert.Equal(active, (await client.ReadImagesAsync()).Single(i => i.IsActive) with { Hash = active.Hash });
            Assert.Equal(runs ? "1.1.0" : "1.0.0", active.Version);
            Assert.Equal(confirmed, active.IsConfirmed);
        }
    }

    [Fact]
    public async Task ATrialIsRevertedByAReset()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        UpdateResult result = await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.TestOnly });
        Assert.Equal(UpdateOutcome.OnTrial, result.Outcome);
        await client.ResetAsync();
        way.Time.Advance(TimeSpan.FromMinutes(2));
        DeviceImage active = (await client.ReadImagesAsync()).Single(i => i.IsActive);
        Assert.Equal("1.0.0", active.Version);
        Assert.True(active.IsConfirmed);
    }

    [Fact]
    public async Task ARevertDuringTheHealthCheckIsReportedAsARevert()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            // Somebody resets the device while it is on trial, so the bootloader goes back.
            HealthCheck = (_, _) =>
            {
                lock (way.Time.Gate)
                {
                    way.Device.Write(way.Time.Now, [2, 0, 0, 1, 0, 0, 0, 5, 0xa0]);
                }

                way.Time.Advance(TimeSpan.FromMinutes(2));
                return Task.FromResult(true);
            },
        });
        var options = new UpdateOptions { WaitForHealth = true };
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, options));
        Assert.Equal(SmpStatus.Reverted, thrown.Status);
        Assert.NotEmpty(thrown.Message);
    }

    [Fact]
    public async Task AnImageForASmallerSlotIsRefused()
    {
        using FirmwareImage image = Images.Open(size: 60_000);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, new UpdateOptions { SlotSize = 30_000 }));
        Assert.Equal(SmpStatus.SlotTooSmall, thrown.Status);
    }

    [Fact]
    public async Task ADowngradeIsRefusedWhereAsked()
    {
        using FirmwareImage image = Images.Open("0.9.0");
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, new UpdateOptions { UpgradeOnly = true }));
        Assert.Equal(SmpRetry.Never, thrown.Retry);
        Assert.Equal(UpdateLeftWith.OldImageRuns, thrown.LeftWith);
        Assert.Equal(UpdatePhase.Discover, thrown.Phase);
        Assert.Null(thrown.Reason);
        Assert.True(thrown.Counts!.FramesSent > 0 && thrown.Counts.Phases.ContainsKey(UpdatePhase.Discover));
        Assert.Equal(SmpStatus.DowngradeRefused, thrown.Status);
        Assert.Equal("0.9.0", (await client.UpdateAsync(image)).After.Single(i => i.IsActive).Version);
    }

    [Fact]
    public async Task AnUnmetDependencyIsRefusedUnlessItIsToBeIgnored()
    {
        using FirmwareImage image = FirmwareImage.Open(Images.WithDependency(Images.Bytes()));
        Assert.Equal(1, image.Info.DependencyCount);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        var upload = new UpdateOptions { Mode = UpdateMode.UploadOnly };
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, upload));
        Assert.Equal(SmpStatus.DependencyUnmet, thrown.Status);
        Assert.Equal(["1.0.0"], (await client.ReadImagesAsync()).Select(i => i.Version));
        UpdateResult result = await client.UpdateAsync(image, upload with { IgnoreDependencies = true });
        Assert.Equal(UpdateOutcome.Uploaded, result.Outcome);
        Assert.Equal(image.Info.Size, result.UploadedBytes);
    }

    /// <summary>What the caller says of the bootloader counts where the device does not tell: one that overwrites has no trial.</summary>
    [Fact]
    public async Task TheBootModeIsTheCallersWhereTheDeviceDoesNotTell()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Profile = VirtualProfile.Ncs21 });
        await using SmpClient client = way.Duplex();
        UpdatePlan unknown = await client.CheckAsync(image);
        UpdatePlan told = await client.CheckAsync(image, new UpdateOptions { BootMode = BootMode.Overwrite });
        Assert.NotEqual(unknown.BootMode, told.BootMode);
        Assert.Equal(DeviceImageKind.Overwrite, told.BootMode);
    }

    // A link that duplicates writes can deliver the reset twice. The second one reverts the trial, and the update says so.
    private static async Task<(UpdateResult Result, int Reverts)> UntilItStaysAsync(SmpClient client, FirmwareImage image)
    {
        for (int reverts = 0; ; reverts++)
        {
            try
            {
                return (await client.UpdateAsync(image), reverts);
            }
            catch (UpdateOutcomeException e) when (e.Status == SmpStatus.Reverted && reverts < 3)
            {
                Assert.Equal("1.0.0", (await client.ReadImagesAsync()).Single(i => i.IsActive).Version);
            }
        }
    }

    private static void CheckUpdated(UpdateResult result, FirmwareImage image)
    {
        Assert.Equal(UpdateOutcome.Updated, result.Outcome);
        UpdatedImage updated = Assert.Single(result.Images);
        Assert.Equal("1.0.0", updated.From);
        Assert.Equal("1.1.0", updated.To);
        Assert.Equal(true, updated.IsConfirmed);
        Assert.Equal("1.0.0", result.Before.Single(i => i.IsActive).Version);
        DeviceImage active = result.After.Single(i => i.IsActive);
        Assert.Equal(image.Info.Hash.ToArray(), active.Hash.ToArray());
        Assert.True(active.IsConfirmed);
    }
}
