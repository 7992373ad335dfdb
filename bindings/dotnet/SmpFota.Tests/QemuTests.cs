using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>
/// A real Zephyr application behind a real MCUboot, in QEMU: SMPFOTA_QEMU_PORT is the TCP port of its console, and
/// SMPFOTA_IMAGE_110 an image for it, version 1.1.0. The bootloader checks hashes, not signatures.
/// </summary>
public sealed class QemuTests : IAsyncLifetime
{
    private static readonly byte[] Reset = [2, 0, 0, 1, 0, 0, 0x42, 5, 0xa0];

    private TcpTransport transport = null!;
    private SmpClient client = null!;

    public async Task InitializeAsync()
    {
        int port = int.Parse(Environment.GetEnvironmentVariable(QemuFactAttribute.Port)!, CultureInfo.InvariantCulture);
        transport = await TcpTransport.ConnectAsync(port);
        client = new SmpClient(
            transport,
            new SmpClientOptions { Session = new SmpSessionOptions { Framing = SmpFramingMode.Serial } },
            new SmpClientServices { HealthCheck = (_, stop) => ResetBehindItsBackAsync(stop) });
    }

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        await transport.DisposeAsync();
    }

    [QemuFact]
    public async Task ARealDeviceIsUpdatedTestedAndConfirmed()
    {
        DeviceImage before = await ActiveAsync();
        using FirmwareImage image = ImageOtherThan(before);
        var progress = new CollectingProgress();
        UpdateResult result = await client.UpdateAsync(image, progress: progress);
        Assert.Equal(UpdateOutcome.Updated, result.Outcome);
        Assert.Equal(image.Info.Size, progress.Reports[^1].BytesAcknowledged);
        DeviceImage after = await ActiveAsync();
        Assert.Equal(image.Info.Hash.ToArray(), after.Hash.ToArray());
        Assert.True(after.IsConfirmed);
        Assert.Equal("real", await client.EchoAsync("real"));
    }

    [QemuFact]
    public async Task ATrialThatNobodyConfirmsIsReportedAsReverted()
    {
        DeviceImage before = await ActiveAsync();
        using FirmwareImage image = ImageOtherThan(before);
        UpdateResult trial = await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.TestOnly });
        Assert.Equal(UpdateOutcome.OnTrial, trial.Outcome);
        DeviceImage running = await ActiveAsync();
        Assert.Equal(image.Info.Hash.ToArray(), running.Hash.ToArray());
        Assert.False(running.IsConfirmed);

        await client.ResetAsync();
        await BackAsync(before);

        // Once more, and this time the device is reset behind the update's back while it waits for the word on the image.
        var options = new UpdateOptions { WaitForHealth = true };
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, options));
        Assert.Equal(SmpStatus.Reverted, thrown.Status);
        await BackAsync(before);
    }

    private async Task<bool> ResetBehindItsBackAsync(CancellationToken stop)
    {
        await transport.WriteAsync(SerialFraming.Encode(Reset), stop);
        await Task.Delay(TimeSpan.FromSeconds(8), stop);
        return true;
    }

    // Either test may come first, so each takes a version that does not run yet.
    private static FirmwareImage ImageOtherThan(DeviceImage running)
    {
        byte[] bytes = File.ReadAllBytes(Environment.GetEnvironmentVariable(QemuFactAttribute.Image)!);
        return FirmwareImage.Open(running.Version == "1.1.0" ? Images.WithVersion(bytes, 1, 2, 0) : bytes);
    }

    private async Task<DeviceImage> ActiveAsync() => (await client.ReadImagesAsync()).Single(i => i.IsActive);

    // Swapping back takes the bootloader some seconds, during which nobody answers.
    private async Task BackAsync(DeviceImage before)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                DeviceImage active = (await client.ReadImagesAsync(limit.Token)).Single(i => i.IsActive);
                if (active.Version == before.Version)
                {
                    Assert.Equal(before.Hash.ToArray(), active.Hash.ToArray());
                    Assert.True(active.IsConfirmed);
                    return;
                }
            }
            catch (SmpProtocolException)
            {
                // Still booting.
            }

            await Task.Delay(300, limit.Token);
        }
    }

    private sealed class QemuFactAttribute : FactAttribute
    {
        internal const string Port = "SMPFOTA_QEMU_PORT";
        internal const string Image = "SMPFOTA_IMAGE_110";

        public QemuFactAttribute()
        {
            if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Port)) || string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Image)))
            {
                Skip = $"there is no QEMU device: {Port} and {Image} are not set";
            }
        }
    }
}
