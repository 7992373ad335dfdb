using System;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>A look before the first byte tells what the update then does, and leaves the device as it is.</summary>
public sealed class CheckTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACheckTellsWhatTheUpdateDoes(bool exchange)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Client(exchange);
        UpdatePlan plan = await client.CheckAsync(image, new UpdateOptions { EraseFirst = true, WaitForHealth = true });
        PlannedImage planned = Assert.Single(plan.Images);
        Assert.Equal((0, "1.0.0", "1.1.0"), (planned.Image, planned.From, planned.To));
        Assert.Equal(PlannedAction.Upload, planned.Action);
        Assert.Equal(PlannedMark.Trial, planned.Mark);
        Assert.Equal(UpdateOutcome.Updated, planned.End);
        Assert.Equal(0, planned.UploadNumber);
        Assert.Equal(image.Info.Size, planned.UploadBytes);
        Assert.True(planned.ErasesFirst);
        Assert.Equal(DeviceImageKind.Swap, planned.Kind);
        Assert.Equal(PlannedWayBack.UntilConfirmed, planned.WayBack);
        Assert.Empty(planned.Against);
        Assert.Equal($"image 0 1.0.0 -> 1.1.0: Upload of {image.Info.Size} bytes", plan.ToString());
        using (JsonDocument json = JsonDocument.Parse(plan.Json))
        {
            Assert.Equal("check", json.RootElement.GetProperty("operation").GetString());
        }

        Assert.True(plan.Counts!.FramesSent > 0 && plan.Counts.Phases.ContainsKey(UpdatePhase.Discover));
        Assert.Equal(plan.Before, await client.ReadImagesAsync());
        UpdateResult result = await client.UpdateAsync(image);
        Assert.Equal(planned.End, result.Outcome);
        Assert.Equal(planned.UploadBytes, result.UploadedBytes);
        Assert.Equal(plan.BootMode, result.BootMode);

        PlannedImage again = Assert.Single((await client.CheckAsync(image)).Images);
        Assert.Equal((PlannedAction.Nothing, PlannedMark.None, 0L), (again.Action, again.Mark, again.UploadBytes));
        Assert.Null(again.UploadNumber);
        Assert.Null(again.WayBack);
        Assert.Equal("image 0 1.1.0 -> 1.1.0: Nothing", again.ToString());
    }

    [Theory]
    [InlineData(UpdateMode.TestOnly, PlannedMark.Trial, UpdateOutcome.OnTrial)]
    [InlineData(UpdateMode.ConfirmAtOnce, PlannedMark.ForGood, UpdateOutcome.Updated)]
    [InlineData(UpdateMode.UploadOnly, PlannedMark.None, UpdateOutcome.Uploaded)]
    public async Task EachModeIsPlanned(UpdateMode mode, PlannedMark mark, UpdateOutcome end)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        PlannedImage planned = Assert.Single((await client.CheckAsync(image, new UpdateOptions { Mode = mode })).Images);
        Assert.Equal((PlannedAction.Upload, mark, end), (planned.Action, planned.Mark, planned.End));
    }

    /// <summary>What already lies in the slot is marked, and what runs on trial is confirmed.</summary>
    [Fact]
    public async Task WhatTheDeviceHoldsIsNotUploadedAgain()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        Assert.Equal(PlannedAction.Mark, (await client.CheckAsync(image)).Images.Single().Action);
        await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.TestOnly });
        Assert.Equal(PlannedAction.Confirm, (await client.CheckAsync(image)).Images.Single().Action);
    }

    [Fact]
    public async Task WhatTheUpdateRefusesTheCheckRefuses()
    {
        using FirmwareImage image = Images.Open("0.9.0", size: 60_000);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        foreach ((UpdateOptions options, SmpStatus status) in new[]
        {
            (new UpdateOptions { SlotSize = 30_000 }, SmpStatus.SlotTooSmall), (new UpdateOptions { UpgradeOnly = true }, SmpStatus.DowngradeRefused),
        })
        {
            var checkedFirst = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.CheckAsync(image, options));
            var updated = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, options));
            Assert.Equal(status, checkedFirst.Status);
            Assert.Equal((updated.Status, updated.Message), (checkedFirst.Status, checkedFirst.Message));
        }

        Assert.Throws<ArgumentNullException>(() => { _ = client.CheckAsync(null!); });
        var outside = Assert.Throws<ArgumentOutOfRangeException>(() => { _ = client.CheckAsync(image, new UpdateOptions { SlotSize = 0 }); });
        Assert.Equal(nameof(UpdateOptions.SlotSize), outside.ParamName);
    }

    /// <summary>What is overridden by its name stands in the plan, with what it would have ended as.</summary>
    [Fact]
    public async Task WhatIsOverriddenSpeaksAgainstIt()
    {
        using FirmwareImage image = Images.Open("1.1.0", size: 60_000);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        var options = new UpdateOptions { SlotSize = 30_000, SecurityCounter = 3 };
        var refused = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.CheckAsync(image, options));
        Assert.Equal(SmpStatus.SlotTooSmall, refused.Status);
        options.IgnoreSize = true;
        refused = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.CheckAsync(image, options));
        Assert.Equal(SmpStatus.DowngradeRefused, refused.Status);
        options.IgnoreSecurityCounter = true;
        PlannedImage planned = Assert.Single((await client.CheckAsync(image, options)).Images);
        Assert.Equal(
            [("security_counter", SmpStatus.DowngradeRefused), ("size", SmpStatus.SlotTooSmall)],
            planned.Against.Select(a => (a.Objection, a.Status)));
        Assert.Contains("60000 bytes", planned.Against[1].ToString(), StringComparison.Ordinal);
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image, options)).Outcome);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => { _ = client.CheckAsync(image, new UpdateOptions { RequireWayBack = true, Mode = UpdateMode.ConfirmAtOnce }); });
    }

    /// <summary>A restored session goes on looking: it does not begin to write.</summary>
    [Fact]
    public async Task ARestoredCheckStaysACheck()
    {
        using FirmwareImage image = Images.Open();
        byte[] saved;
        using (var session = new SmpSession())
        {
            session.StartCheck(image);
            saved = session.Save();
        }

        using var way = new VirtualLink();
        await using SmpClient client = SmpClient.Restore(saved, image, way, VirtualLink.Options(kind: SmpCarrierKind.Transport), way.Services);
        Assert.True(client.HasUpdateToContinue);
        UpdateResult result = await client.ContinueUpdateAsync();
        Assert.Equal(UpdateOutcome.Checked, result.Outcome);
        Assert.Equal(["1.0.0"], (await client.ReadImagesAsync()).Select(i => i.Version));
    }
}
