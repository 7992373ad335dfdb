using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Images and files come from streams of any kind, from their position on, and go into them.</summary>
public sealed class StreamTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnImageIsReadFromAStream(bool seeks)
    {
        byte[] bytes = Images.Bytes();
        using var stream = new Slow([1, 2, 3, .. bytes], seeks);
        Assert.Equal(3, stream.Read(new byte[3], 0, 3));
        using FirmwareImage image = await FirmwareImage.OpenAsync(stream);
        using FirmwareImage same = FirmwareImage.Open(bytes);
        Assert.True(image.Info.FileSha256.Span.SequenceEqual(same.Info.FileSha256.Span));
        using FirmwareImage blocking = FirmwareImage.Open(new Slow(bytes, seeks));
        Assert.True(blocking.Info.FileSha256.Span.SequenceEqual(same.Info.FileSha256.Span));
        Assert.Equal(SmpStatus.NotAnImage, Assert.Throws<FirmwareImageException>(() => FirmwareImage.Open(new Slow([], seeks))).Status);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FirmwareImage.OpenAsync(new Slow(bytes, seeks), new CancellationToken(canceled: true)));
        await Assert.ThrowsAsync<ArgumentNullException>(() => FirmwareImage.OpenAsync(null!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FilesPassThroughStreams(bool seeks)
    {
        byte[] content = Enumerable.Range(0, 200_000).Select(index => (byte)(index * 7)).ToArray();
        using var way = new VirtualLink();
        await using SmpClient client = way.Exchange();
        await client.UploadFileFromAsync("/lfs1/a", new Slow(content, seeks));
        using var destination = new MemoryStream();
        destination.WriteByte(9);
        Assert.Equal(content.Length, await client.DownloadFileToAsync("/lfs1/a", destination));
        Assert.Equal([9, .. content], destination.ToArray());
        await Assert.ThrowsAsync<SmpUsageException>(() => client.UploadFileFromAsync("/lfs1/b", new Slow([], seeks)));
        var tooLong = await Assert.ThrowsAsync<SmpUsageException>(() => client.DownloadFileToAsync("/lfs1/a", destination, new FileDownloadOptions { MaxLength = 10 }));
        Assert.Equal(SmpStatus.ImageTooLarge, tooLong.Status);
        Assert.Equal(content.Length + 1, destination.Length);
    }

    /// <summary>Gives a few bytes at a time, as a network does.</summary>
    private sealed class Slow(byte[] bytes, bool seeks) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => seeks;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 4_099)]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 4_099)], cancellationToken);
    }
}
