using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Versions compare; results are equal by what they hold and say it as text.</summary>
public sealed class ValueTests
{
    [Theory]
    [InlineData("1.2.3", 1, 2, 3, 0u)]
    [InlineData("1.2.3+4", 1, 2, 3, 4u)]
    [InlineData("1.2.3.4", 1, 2, 3, 4u)]
    [InlineData("0.0.0", 0, 0, 0, 0u)]
    [InlineData("255.255.65535+4294967295", 255, 255, 65535, uint.MaxValue)]
    public void VersionsAreRead(string text, int major, int minor, int revision, uint build)
    {
        var expected = new ImageVersion((byte)major, (byte)minor, (ushort)revision, build);
        Assert.Equal(expected, ImageVersion.Parse(text));
        Assert.True(ImageVersion.TryParse(text, out ImageVersion version));
        Assert.Equal(expected, version);
        Assert.Equal(expected, ImageVersion.Parse(version.ToString()));
        Span<char> room = stackalloc char[40];
        Assert.True(version.TryFormat(room, out int written, default, CultureInfo.InvariantCulture));
        Assert.Equal(version.ToString(), room[..written].ToString());
        Assert.False(version.TryFormat(room[..4], out _, default, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2")]
    [InlineData("1.2.3.")]
    [InlineData("1.2.3+")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2+3")]
    [InlineData("1.2+3.4")]
    [InlineData("256.0.0")]
    [InlineData("1.2.65536")]
    [InlineData("1.2.3+4294967296")]
    [InlineData("-1.2.3")]
    [InlineData(" 1.2.3")]
    [InlineData("1.2.x")]
    [InlineData("v1.2.3")]
    public void OtherTextsAreNoVersions(string text)
    {
        Assert.False(ImageVersion.TryParse(text, out _));
        Assert.Throws<FormatException>(() => ImageVersion.Parse(text));
    }

    [Fact]
    public void VersionsCompareByAllFourNumbers()
    {
        ImageVersion[] sorted = new[] { "0.9.9+9", "1.0.0", "1.0.0+1", "1.0.2", "1.0.10", "1.2.0", "2.0.0" }.Select(ImageVersion.Parse).ToArray();
        Assert.Equal(sorted, sorted.Reverse().Order());
        Assert.True(sorted[0] < sorted[1] && sorted[1] <= sorted[1] && sorted[2] > sorted[1] && sorted[2] >= sorted[1]);
        Assert.Equal(1, sorted[0].CompareTo(null));
        Assert.Throws<ArgumentException>(() => sorted[0].CompareTo("1.0.0"));
        Assert.Throws<ArgumentNullException>(() => ImageVersion.Parse(null!));
        Assert.False(ImageVersion.TryParse(null, out _));
    }

    [Fact]
    public async Task TwoReadsOfAnUnchangedDeviceAreEqual()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        await client.UpdateAsync(image, new UpdateOptions { Mode = UpdateMode.UploadOnly });
        IReadOnlyList<DeviceImage> one = await client.ReadImagesAsync(), other = await client.ReadImagesAsync();
        Assert.Equal(2, one.Count);
        Assert.Equal(one, other);
        Assert.Equal(one.Select(i => i.GetHashCode()), other.Select(i => i.GetHashCode()));
        Assert.NotEqual(one[0], one[1]);
        Assert.NotEqual(one[0], one[0] with { Hash = new byte[] { 1 } });
        Assert.NotEqual(one[0], one[0] with { IsPending = true });
        Assert.Equal(ImageVersion.Parse("1.0.0"), one[0].VersionNumber);
        Assert.Equal(image.Info.Version, one[1].VersionNumber);
        Assert.Null((one[0] with { Version = "dirty" }).VersionNumber);
        IReadOnlyList<DeviceSlots> slots = await client.ReadSlotsAsync();
        Assert.Equal(slots, await client.ReadSlotsAsync());
        Assert.Equal(slots[0].GetHashCode(), (await client.ReadSlotsAsync())[0].GetHashCode());

        Assert.StartsWith("image 0 slot 0: 1.0.0 ", one[0].ToString());
        Assert.EndsWith("active, confirmed, bootable", one[0].ToString());
        Assert.Matches(@"^image 0: slot 0 of \d+ bytes, slot 1 of \d+ bytes$", slots[0].ToString());
        Assert.Matches($"^1.1.0 for image 0, {image.Info.Size} bytes, [0-9a-f]{{8}}$", image.ToString());
        Assert.False(one is List<DeviceImage> or DeviceImage[]);
    }

    [Fact]
    public async Task AResultSaysWhatItIs()
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        UpdateResult result = await client.UpdateAsync(image);
        Assert.StartsWith($"Updated: image 0 1.0.0 -> 1.1.0; {image.Info.Size} bytes in ", result.ToString());
        Assert.Equal(true, result.Images[0].IsConfirmed);

        // Where the library says null, nobody has looked.
        UpdateResult unknown = UpdateResult.Parse("""{"outcome":"updated","images":[{"image":0,"from":"1.0.0","to":"1.1.0","confirmed":null}]}""", null);
        Assert.Null(unknown.Images[0].IsConfirmed);
        UpdateResult no = UpdateResult.Parse("""{"outcome":"on_trial","images":[{"image":0,"from":"","to":"1.1.0","confirmed":false}]}""", null);
        Assert.Equal(false, no.Images[0].IsConfirmed);
        Assert.Null(no.Images[0].Remark);
        UpdateResult untold = UpdateResult.Parse("""{"outcome":"unverified","images":[{"image":1,"from":"","to":"1.1.0","confirmed":null,"remark":"Look at it."}]}""", null);
        Assert.Equal(UpdateOutcome.Unverified, untold.Outcome);
        Assert.Equal("Look at it.", untold.Images[0].Remark);
        Assert.Null(untold.Images[0].IsConfirmed);
    }

    [Fact]
    public void HashesOfFilesAreEqualByTheirBytes()
    {
        static DeviceFileHash Of(string hex) => DeviceFileHash.Read(JsonDocument.Parse(
            $$"""{"type":"sha256","offset":1,"length":2,"hash_hex":"{{hex}}"}""").RootElement);
        Assert.Equal(Of("0a1b"), Of("0A1B"));
        Assert.Equal(Of("0a1b").GetHashCode(), Of("0a1b").GetHashCode());
        Assert.NotEqual(Of("0a1b"), Of("0a1c"));
        Assert.Equal("sha256 0a1b of 2 bytes from 1", Of("0a1b").ToString());
    }

    /// <summary>Whatever a device answers, it ends in a result or in an exception of this library.</summary>
    [Fact]
    public async Task AnswersThatMakeNoSenseThrowNothingRaw()
    {
        var random = new Random(5);
        string[] keys = ["fields", "images", "slots", "tasks", "groups", "datetime", "r", "buf_size", "len", "off", "data", "version", "hash", "slot", "rc", "o", "ret"];
        for (int round = 0; round < 300; round++)
        {
            byte[] body = Odd(random, keys, 3);
            await using var client = new SmpClient(new AnsweringTransport(body), null, null);
            Func<Task>[] asks =
            [
                () => client.ReadStatisticsAsync("x"), () => client.ReadImagesAsync(), () => client.ReadSlotsAsync(), () => client.ReadTasksAsync(),
                () => client.ReadDateTimeAsync(), () => client.ReadParametersAsync(), () => client.ReadMemoryPoolsAsync(), () => client.ReadGroupDetailsAsync(),
                () => client.ReadStatisticsGroupsAsync(), () => client.HashFileAsync("x"), () => client.ReadBootloaderAsync(), () => client.ExecuteShellAsync(["x"]),
            ];
            try
            {
                await asks[round % asks.Length]().WaitAsync(TimeSpan.FromSeconds(20));
            }
            catch (SmpException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
    }

    // A CBOR map with some of the keys and anything as values.
    private static byte[] Odd(Random random, string[] keys, int depth)
    {
        int count = random.Next(1, 4);
        var bytes = new List<byte> { (byte)(0xa0 + count) };
        for (int entry = 0; entry < count; entry++)
        {
            string key = keys[random.Next(keys.Length)];
            bytes.Add((byte)(0x60 + key.Length));
            bytes.AddRange(System.Text.Encoding.ASCII.GetBytes(key));
            switch (random.Next(depth > 0 ? 8 : 6))
            {
                case 0: bytes.Add(0x20); break;
                case 1: bytes.AddRange([0x1b, 255, 255, 255, 255, 255, 255, 255, 255]); break;
                case 2: bytes.AddRange([0x61, (byte)'x']); break;
                case 3: bytes.AddRange([0x43, 1, 2, 3]); break;
                case 4: bytes.Add(0xf6); break;
                case 5: bytes.AddRange([0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]); break;
                case 6: bytes.AddRange(Odd(random, keys, depth - 1)); break;
                default: bytes.AddRange([0x81, .. Odd(random, keys, depth - 1)]); break;
            }
        }

        return [.. bytes];
    }

    [Fact]
    public async Task AnImageDisposedWhileItsUpdateWaitsIsNamed()
    {
        FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        image.Dispose();
        var thrown = await Assert.ThrowsAsync<ObjectDisposedException>(() => client.UpdateAsync(image));
        Assert.Equal(nameof(FirmwareImage), thrown.ObjectName);
    }

    [Fact]
    public void TheLibraryAndThePackageHaveOneVersion()
    {
        string? assembly = typeof(SmpLibrary).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyInformationalVersionAttribute), false)
            .Cast<System.Reflection.AssemblyInformationalVersionAttribute>().Single().InformationalVersion;
        Assert.Equal(SmpLibrary.Version, assembly.Split('+')[0]);
    }
}
