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

    [Fact]
    public void TheEvidenceNamesFrames()
    {
        SmpTraceVerdict verdict = SmpTrace.Explain(Seed);
        Assert.Equal(SmpFinding.FirstFrameOnly, verdict.Finding);
        Assert.Equal(SmpFinding.FirstFrameOnly, verdict.Evidence.Finding);
        Assert.Contains(3, verdict.Evidence.Frames);
        Assert.True(verdict.Evidence.Count >= verdict.Evidence.Frames.Count - 2);
        Assert.Null(verdict.Evidence.Since);
        Assert.Contains("frames 3", verdict.Evidence.ToString());
    }

    [Fact]
    public void FindingsHaveTheNumbersAndNamesOfTheLibrary()
    {
        foreach (SmpFinding finding in Enum.GetValues<SmpFinding>())
        {
            string name = SmpFota.Interop.StatusTable.FindingName((uint)finding);
            Assert.Equal(name.Replace("_", string.Empty), finding.ToString().ToUpperInvariant());
        }

        for (uint number = 0; number < 200; number++)
        {
            string name = SmpFota.Interop.StatusTable.FindingName(number);
            Assert.Equal(!char.IsDigit(name[0]), Enum.IsDefined(typeof(SmpFinding), (int)number));
        }
    }

    [Fact]
    public void ASessionRecordsItselfAndItsFailureCarriesThat()
    {
        using var quiet = new SmpSession();
        Assert.Empty(quiet.ReadRecording());
        Assert.Throws<SmpUsageException>(() => quiet.DrainRecording(new byte[100]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SmpSession(new SmpSessionOptions { RecordingCapacity = 10 }));

        using var session = new SmpSession(new SmpSessionOptions { RecordingCapacity = 65_536, Retries = 2, RoundTripHint = TimeSpan.FromMilliseconds(100) });
        session.StartCommand("echo", "{\"text\":\"hello\"}");
        byte[] buffer = new byte[244];
        SmpException? failure = null;
        for (int second = 0; second < 100_000 && failure is null; second += 10)
        {
            try
            {
                session.NextFrame(TimeSpan.FromSeconds(second), buffer);
            }
            catch (SmpException e)
            {
                failure = e;
            }
        }

        Assert.NotNull(failure);
        string text = Encoding.UTF8.GetString(session.ReadRecording());
        Assert.Equal(text, failure!.Recording);
        Assert.StartsWith("smpfota trace 1\n", text);
        Assert.Contains("! failed", text);
        Assert.Equal(SmpFinding.NeverAnswered, failure.Evidence!.Finding);
        Assert.True(failure.Evidence.Count > 0);
        Assert.Equal("NEVER_ANSWERED", SmpTrace.Explain(session.ReadRecording(SmpRecordingForm.Pcapng)).Cause);

        var whole = new List<byte>();
        for (int length; (length = session.DrainRecording(buffer)) > 0;)
        {
            whole.AddRange(buffer.Take(length));
        }

        Assert.Equal(text, Encoding.UTF8.GetString(whole.ToArray()));
    }
}
