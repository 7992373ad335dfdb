using System;
using System.Linq;
using System.Text;
using System.Text.Json;
using Xunit;

namespace SmpFota.Tests;

public sealed class FramingTests
{
    [Fact]
    public void SerialLinesGoThereAndBack()
    {
        byte[] frame = Enumerable.Range(0, 300).Select(i => (byte)i).ToArray();
        byte[] lines = SerialFraming.Encode(frame);
        Assert.All(Encoding.Latin1.GetString(lines).TrimEnd('\n').Split('\n'), line => Assert.InRange(line.Length, 3, 127));
        using var decoder = new SerialDecoder();
        decoder.Feed(Encoding.ASCII.GetBytes("boot log\r\n"));
        for (int index = 0; index < lines.Length; index++)
        {
            Assert.False(index < lines.Length - 10 && decoder.TryRead(out _));
            decoder.Feed(lines.AsSpan(index, 1));
        }

        Assert.True(decoder.TryRead(out byte[]? read));
        Assert.Equal(frame, read);
        Assert.False(decoder.TryRead(out _));
        decoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => decoder.Feed(lines));
    }

    [Fact]
    public void AFrameIsExplained()
    {
        byte[] echo = [0x0a, 0, 0, 5, 0, 0, 7, 0, 0xa1, 0x61, (byte)'d', 0x61, (byte)'x'];
        using JsonDocument explained = JsonDocument.Parse(SmpFrame.Explain(echo));
        Assert.Equal(JsonValueKind.Object, explained.RootElement.ValueKind);
        Assert.Contains("echo", explained.RootElement.GetRawText());
    }

    [Fact]
    public void AnyBytesAreExplained()
    {
        var random = new Random(1);
        byte[] bytes = new byte[400];
        for (int round = 0; round < 300; round++)
        {
            random.NextBytes(bytes);
            using JsonDocument explained = JsonDocument.Parse(SmpFrame.Explain(bytes.AsSpan(0, random.Next(bytes.Length))));
            Assert.Equal(JsonValueKind.Object, explained.RootElement.ValueKind);
        }
    }
}
