using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

public sealed class TraceTests
{
    private static byte[] Seed => File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "traces", "seed-thread.txt"));

    [Fact]
    public void TheSeedThreadIsAnswered()
    {
        var lines = new List<string>();
        SmpTraceVerdict verdict = SmpTrace.Explain(Seed, lines.Add);
        Assert.Equal(8, lines.Count);
        Assert.Equal("FIRST_FRAME_ONLY", verdict.Cause);
        Assert.Equal("possible", verdict.Certainty);
        Assert.Contains(verdict.Points, point => point.Contains("both 244 bytes long"));
        Assert.Contains(verdict.Points, point => point.Contains("takes 245 bytes"));
        Assert.Contains(verdict.Undecided, text => text.Contains("sequence"));
        Assert.StartsWith("{", verdict.Json);
        Assert.Contains(verdict.NextStep, verdict.ToString());
    }

    [Fact]
    public void WhoReadsNoLineIsToldThatNothingMoreIsTaken()
    {
        using var trace = new SmpTrace();
        byte[] line = Encoding.ASCII.GetBytes("<- 0300000d00010701bf62726300636f666619017eff\n");
        byte[] many = Enumerable.Repeat(line, 1000).SelectMany(bytes => bytes).ToArray();
        int taken = trace.Feed(many);
        Assert.InRange(taken, line.Length, many.Length - 1);
        Assert.Equal(0, trace.Feed(many));
        Assert.True(trace.TryReadLine(out _));
        Assert.NotEqual(0, trace.Feed(line));
    }

    [Fact]
    public void NothingIsFedAfterTheVerdict()
    {
        var trace = new SmpTrace();
        Assert.Equal("NO_SMP", trace.ReadVerdict().Cause);
        Assert.Throws<SmpUsageException>(() => trace.Feed(new byte[] { 1 }));
        trace.Dispose();
        Assert.Throws<ObjectDisposedException>(() => trace.TryReadLine(out _));
    }
}
