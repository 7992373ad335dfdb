using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The client: commands, progress, health check, failing carriers, one operation at a time.</summary>
public sealed class ClientTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CommandsWork(bool exchange)
    {
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan" });
        await using SmpClient client = exchange ? way.Exchange() : way.Duplex();
        Assert.Equal("Grüße", await client.EchoAsync("Grüße"));
        DeviceImage running = Assert.Single(await client.ReadImagesAsync());
        Assert.Equal("1.0.0", running.Version);
        Assert.True(running.IsActive && running.IsConfirmed && running.IsBootable);
        Assert.Equal(32, running.Hash.Length);
        Assert.Contains("\"images\"", await client.CommandAsync("image_list"));
        byte[] answer = await client.RequestAsync(SmpOperation.Write, 0, 0, new byte[] { 0xa1, 0x61, (byte)'d', 0x61, (byte)'x' });
        Assert.Contains((byte)'x', answer);
        await client.ResetAsync();
    }

    [Fact]
    public async Task DeviceErrorsHaveGroupAndCode()
    {
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        var thrown = await Assert.ThrowsAsync<SmpDeviceException>(() => client.RequestAsync(SmpOperation.Read, 64, 0, default));
        Assert.Equal(SmpStatus.NotSupported, thrown.Status);
        Assert.Equal(8, thrown.Code);
        Assert.Equal("still there", await client.EchoAsync("still there"));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("gateway-lan")]
    [InlineData("cellular-bad")]
    public async Task ProgressIsMonotone(string link)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = link, Seed = 2 });
        await using SmpClient client = way.Duplex();
        var progress = new CollectingProgress();
        await client.UpdateAsync(image, progress: progress);

        List<UpdateProgress> reports = progress.Reports;
        Assert.True(reports.Count > 5, $"{reports.Count} reports");
        for (int index = 1; index < reports.Count; index++)
        {
            Assert.True(reports[index].Phase >= reports[index - 1].Phase, $"{reports[index - 1]} then {reports[index]}");
            Assert.True(reports[index].BytesAcknowledged >= reports[index - 1].BytesAcknowledged, $"{reports[index - 1]} then {reports[index]}");
            Assert.NotEqual(reports[index - 1], reports[index]);
        }

        UpdateProgress last = reports[^1];
        Assert.Equal(UpdatePhase.Done, last.Phase);
        Assert.Equal(image.Info.Size, last.BytesTotal);
        Assert.Equal(last.BytesTotal, last.BytesAcknowledged);
        Assert.Equal(1.0, last.Fraction);
        Assert.Contains(reports, r => r.Phase == UpdatePhase.Upload && r.TimeLeft is not null);
        Assert.All(reports, r => Assert.InRange(r.Fraction, 0.0, 1.0));
    }

    [Fact]
    public async Task AHealthyImageIsConfirmed()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        int asked = 0;
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            HealthCheck = async (_, stop) =>
            {
                asked++;
                await Task.Delay(TimeSpan.FromSeconds(5), way.Time, stop);
                return true;
            },
        });
        UpdateResult result = await client.UpdateAsync(image, new UpdateOptions { WaitForHealth = true });
        Assert.Equal(1, asked);
        Assert.Equal(UpdateOutcome.Updated, result.Outcome);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnUnhealthyImageIsNotConfirmed(bool throws)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            HealthCheck = (_, _) => throws ? throw new InvalidOperationException("no sensor data") : Task.FromResult(false),
        });
        var options = new UpdateOptions { WaitForHealth = true };
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, options));
        Assert.Equal(SmpStatus.HealthCheckFailed, thrown.Status);
        Assert.Equal(throws ? "no sensor data" : null, thrown.InnerException?.Message);
    }

    [Fact]
    public async Task AHealthCheckThatNeverAnswersEnds()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        bool told = false;
        await using SmpClient client = way.Duplex(services: way.Services with
        {
            HealthCheck = async (_, stop) =>
            {
                using CancellationTokenRegistration registration = stop.Register(() => told = true);
                await Task.Delay(Timeout.Infinite, stop);
                return true;
            },
        });
        var options = new UpdateOptions { WaitForHealth = true, HealthTimeout = TimeSpan.FromMinutes(5) };
        var thrown = await Assert.ThrowsAsync<UpdateOutcomeException>(() => client.UpdateAsync(image, options));
        Assert.Equal(SmpStatus.HealthCheckFailed, thrown.Status);
        Assert.True(told);
    }

    [Fact]
    public async Task EventsReachTheirSink()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        var events = new List<SmpEvent>();
        await using var client = way.Duplex(services: way.Services with { EventSink = events.Add });
        await client.UpdateAsync(image);
        Assert.Contains(events, e => e is SmpPhaseEvent { Phase: UpdatePhase.Upload });
    }

    [Fact]
    public async Task OperationsWaitForEachOther()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan" });
        await using SmpClient client = way.Duplex();
        Task<UpdateResult> update = client.UpdateAsync(image);
        Task<string>[] echoes = Enumerable.Range(0, 5).Select(i => client.EchoAsync($"{i}")).ToArray();
        Assert.Equal(UpdateOutcome.Updated, (await update).Outcome);
        Assert.Equal(new[] { "0", "1", "2", "3", "4" }, await Task.WhenAll(echoes));
    }

    [Fact]
    public async Task WhatTheTransportThrowsReachesTheCaller()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        way.BeforeWrite = writes =>
        {
            if (writes == 20)
            {
                way.BeforeWrite = null;
                throw new System.IO.IOException("the gateway is gone");
            }
        };
        await using SmpClient client = way.Duplex();
        var thrown = await Assert.ThrowsAsync<System.IO.IOException>(() => client.UpdateAsync(image));
        Assert.Equal("the gateway is gone", thrown.Message);
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image)).Outcome);
    }

    [Fact]
    public async Task AClosedTransportEndsTheOperation()
    {
        var closed = new ClosedTransport();
        await using var client = new SmpClient(closed);
        var thrown = await Assert.ThrowsAsync<SmpProtocolException>(() => client.ReadImagesAsync());
        Assert.Equal(SmpStatus.LinkLost, thrown.Status);
    }

    [Fact]
    public async Task ALinkThatIsReportedUpAgainGoesOn()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "ble-local" });
        await using SmpClient client = way.Duplex();
        way.BeforeWrite = writes =>
        {
            if (writes % 25 == 10)
            {
                client.ReportLink(SmpLinkEvent.Down);
                client.ReportLink(SmpLinkEvent.Up);
                client.ReportLink(SmpLinkEvent.MaxWrite(writes < 50 ? 100 : 200));
            }
        };
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(image)).Outcome);
    }

    [Fact]
    public async Task APausedClientWaits()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "ble-local" });
        await using SmpClient client = way.Duplex();
        Assert.False(client.Pause());
        way.BeforeWrite = writes => _ = writes == 30 ? Pause() : 0;
        Task<UpdateResult> update = client.UpdateAsync(image);
        await Task.Delay(300);
        Assert.False(update.IsCompleted);
        Assert.InRange(way.Writes, 31, 40);
        Assert.True(client.Resume());
        Assert.Equal(UpdateOutcome.Updated, (await update).Outcome);

        int Pause()
        {
            client.Pause();
            return 0;
        }
    }

    [Fact]
    public async Task DisposeEndsTheRunningOperation()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan" });
        SmpClient client = way.Duplex();
        ValueTask disposed = default;
        way.BeforeWrite = writes => disposed = writes == 30 ? client.DisposeAsync() : disposed;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.UpdateAsync(image));
        await disposed;
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.EchoAsync("x"));
    }

    [Fact]
    public void NullsAreRefused()
    {
        Assert.Throws<ArgumentNullException>(() => new SmpClient(null!));
        Assert.Throws<ArgumentNullException>(() => SmpClient.Restore([], null, null!));
        using var way = new VirtualLink();
        SmpClient client = way.Duplex();
        Assert.Throws<ArgumentNullException>(() => { _ = client.UpdateAsync(null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = client.EchoAsync(null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = client.CommandAsync(null!); });
    }

    private sealed class ClosedTransport : ISmpTransport
    {
        private readonly Channel<ReadOnlyMemory<byte>> channel = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        public ChannelReader<ReadOnlyMemory<byte>> Received => channel.Reader;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken)
        {
            channel.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }
}
