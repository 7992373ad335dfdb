using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Failures are data: what to do about one, where it stood, what it leaves; and a program's tests can make each.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task AFailedUpdateSaysWhereItStoodAndWhatToDo()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        way.BeforeWrite = writes =>
        {
            if (writes == 30)
            {
                // The link goes away for good, and so does whoever could bring it back.
                way.Device.SetLink(way.Time.Now, up: false);
            }
        };
        var session = new SmpSessionOptions { Nonce = 7, RecordingCapacity = 65_536 };
        await using var client = new SmpClient(new Silent(way), VirtualLink.Options(session), way.Services);
        var thrown = await Assert.ThrowsAsync<SmpProtocolException>(() => client.UpdateAsync(image));
        Assert.True(thrown.IsTransient);
        Assert.Equal(SmpRetry.Later, thrown.Retry);
        Assert.Equal(UpdatePhase.Upload, thrown.Phase);
        Assert.InRange(thrown.Progress!.Value.BytesAcknowledged, 1, image.Info.Size - 1);
        Assert.Equal(image.Info.Size, thrown.Progress.Value.BytesTotal);
        Assert.Equal(UpdateLeftWith.OldImageRuns, thrown.LeftWith);
        Assert.NotEqual(SmpFinding.None, thrown.Finding);
        Assert.Equal(thrown.Finding, thrown.Evidence!.Finding);
        Assert.True(thrown.Counts!.FramesSent > 30);
        Assert.StartsWith("smpfota trace 1\n", thrown.Recording);
    }

    [Fact]
    public async Task AResultHasItsRecordingWhereOneWasMade()
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        await using (SmpClient client = way.Duplex(new SmpSessionOptions { Nonce = 7, RecordingCapacity = 65_536, RecordHeadersOnly = true }))
        {
            Assert.StartsWith("smpfota trace 1\n", (await client.UpdateAsync(image)).Recording);
        }

        await using SmpClient quiet = way.Duplex();
        Assert.Null((await quiet.UpdateAsync(image)).Recording);
    }

    /// <summary>A carrier that gives up knows nothing of the update, the exception does.</summary>
    [Fact]
    public async Task ACarriersTimeoutSaysWhereTheUpdateStood()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        way.BeforeWrite = writes => _ = writes == 20 ? throw new OperationCanceledException("the cloud's own time-out") : 0;
        await using SmpClient client = way.Exchange();
        var thrown = await Assert.ThrowsAsync<SmpProtocolException>(() => client.UpdateAsync(image));
        Assert.Equal((SmpStatus.Timeout, true, UpdatePhase.Upload), (thrown.Status, thrown.IsTransient, thrown.Phase));
        Assert.True(thrown.Progress!.Value.BytesAcknowledged > 0);
    }

    [Fact]
    public void EveryExceptionCanBeMadeByATest()
    {
        Type[] kinds = typeof(SmpException).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(SmpException))).ToArray();
        Assert.Equal(7, kinds.Length);
        var cause = new InvalidOperationException("why");
        foreach (Type kind in kinds)
        {
            var made = (SmpException)Activator.CreateInstance(kind, SmpStatus.DeviceBusy, "busy", cause)!;
            Assert.Equal((SmpStatus.DeviceBusy, "busy", cause), (made.Status, made.Message, made.InnerException));
            Assert.True(made.IsTransient);
        }

        var failure = new SmpDeviceException(SmpStatus.NotSupported, "no such command") { Group = 1, Code = 8, Reason = "no", Finding = SmpFinding.OldServer, Phase = UpdatePhase.Mark };
        Assert.False(failure.IsTransient);
        Assert.Equal((1, 8, "no", SmpFinding.OldServer, UpdatePhase.Mark), (failure.Group, failure.Code, failure.Reason, failure.Finding, failure.Phase));
    }

    /// <summary>Whether to try again is decided in the library's table, not here.</summary>
    [Fact]
    public void TransientIsWhatTheTableSays()
    {
        foreach (SmpStatus status in Enum.GetValues<SmpStatus>().Where(status => status < 0))
        {
            var failure = new SmpProtocolException(status, "x");
            Assert.Equal(failure.Retry is SmpRetry.AtOnce or SmpRetry.Later, failure.IsTransient);
        }
    }

    /// <summary>Answers until the link is gone; then it is silent, as a gateway without a device.</summary>
    private sealed class Silent(VirtualLink way) : ISmpExchange
    {
        public Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
            IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, System.Threading.CancellationToken cancellationToken) =>
            way.ExchangeAsync(writes, wait, cancellationToken);
    }
}
