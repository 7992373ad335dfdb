using System;
using System.Linq;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Images of which something else shall run than what is sent.</summary>
public sealed class ExpectingTests
{
    /// <summary>What runs by its hash or version is enough, whatever the file is.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatIsNamedDecides(bool byVersion)
    {
        using FirmwareImage runs = Images.Open("1.1.0");
        using FirmwareImage sent = Images.Open("7.0.0");
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(runs)).Outcome);
        using FirmwareImage expecting = Named(sent, runs, byVersion);
        UpdateResult result = await client.UpdateAsync(expecting);
        Assert.Equal(UpdateOutcome.AlreadyInstalled, result.Outcome);
        Assert.Equal(0, result.UploadedBytes);
        Assert.Equal("1.1.0", (await client.ReadImagesAsync()).Single(i => i.IsActive).Version);

        // The image that was asked stays as it was.
        Assert.Equal(UpdateOutcome.Updated, (await client.UpdateAsync(sent)).Outcome);
        Assert.Equal("7.0.0", (await client.ReadImagesAsync()).Single(i => i.IsActive).Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EitherMayBeDisposedFirst(bool byVersion)
    {
        using FirmwareImage runs = Images.Open("1.1.0");
        FirmwareImage sent = Images.Open("7.0.0");
        FirmwareImage expecting = Named(sent, runs, byVersion);
        Named(sent, runs, byVersion).Dispose();
        Assert.NotEmpty(sent.Describe());
        sent.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Named(sent, runs, byVersion));
        Assert.Equal("7.0.0", expecting.Info.Version.ToString());
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        UpdateResult result = await client.UpdateAsync(expecting, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        Assert.Equal(expecting.Info.Size, result.UploadedBytes);
        expecting.Dispose();
    }

    [Fact]
    public void WhatMakesNoSenseIsRefusedByName()
    {
        using FirmwareImage image = Images.Open();
        foreach (int index in new[] { -1, 1, int.MaxValue })
        {
            Assert.Equal("index", Assert.Throws<ArgumentOutOfRangeException>(() => image.Expecting(index, new byte[32])).ParamName);
            Assert.Equal("index", Assert.Throws<ArgumentOutOfRangeException>(() => image.Expecting(index, image.Info.Version)).ParamName);
        }

        foreach (int length in new[] { 0, 31, 33, 65 })
        {
            Assert.Equal("hash", Assert.Throws<ArgumentException>(() => image.Expecting(0, new byte[length])).ParamName);
        }

        foreach (int length in new[] { 32, 48, 64 })
        {
            image.Expecting(0, new byte[length]).Dispose();
        }

        image.Expecting(0, new ImageVersion(255, 255, 65535, uint.MaxValue)).Dispose();
        image.Expecting(0, default(ImageVersion)).Dispose();
    }

    private static FirmwareImage Named(FirmwareImage sent, FirmwareImage runs, bool byVersion) =>
        byVersion ? sent.Expecting(0, runs.Info.Version) : sent.Expecting(0, runs.Info.Hash.Span);
}
