using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Events are records, and what is named has the names of docs/NAMES.md, which is written from the library's tables.</summary>
public sealed class EventTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public void EveryEventOfTheLibraryHasItsRecord()
    {
        string[][] rows = Rows("Events");
        Assert.True(rows.Length >= 12, $"{rows.Length} events");
        foreach (string[] row in rows)
        {
            string json = row[2].Length == 0
                ? $$"""{"at_ms":1500,"event":"{{row[0]}}"}"""
                : $$"""{"at_ms":1500,"event":"{{row[0]}}","value":1}""";
            SmpEvent happened = SmpEvent.Parse(json);
            Assert.Equal(row[1], happened.GetType().Name);
            Assert.Equal((row[0], row[2].Length == 0 ? null : 1L, TimeSpan.FromMilliseconds(1500)), (happened.Name, happened.Value, happened.At));
            Assert.Equal(json, happened.Json);

            // One that a test makes is the same.
            object[] arguments = happened.GetType().GetConstructors(BindingFlags.Public | BindingFlags.Instance)[0].GetParameters()
                .Select(parameter => happened.GetType().GetProperty(parameter.Name!)!.GetValue(happened)!).ToArray();
            Assert.Equal(happened, Activator.CreateInstance(happened.GetType(), arguments));
        }
    }

    [Fact]
    public void WhatANewerLibraryNamesIsKept()
    {
        var unknown = Assert.IsType<SmpUnknownEvent>(SmpEvent.Parse("""{"at_ms":7,"event":"new_kind","value":9}"""));
        Assert.Equal(("new_kind", 9L), (unknown.Name, unknown.Value));
        Assert.Equal((UpdatePhase)99, Assert.IsType<SmpPhaseEvent>(SmpEvent.Parse("""{"at_ms":7,"event":"phase","value":99}""")).Phase);
        Assert.Equal((SmpFinding)999, Assert.IsType<SmpFindingEvent>(SmpEvent.Parse("""{"at_ms":7,"event":"finding","value":999}""")).Finding);
        Assert.Equal("new_way", DeviceImageKind.Read("new_way").Name);
        Assert.Equal(default, DeviceImageKind.Unknown);
        Assert.Equal(DeviceImageKind.Unknown, new DeviceImageKind("unknown"));
    }

    [Theory]
    [InlineData("Phases", 2)]
    [InlineData("Findings", 2)]
    [InlineData("Statuses", 2)]
    [InlineData("What a failed update leaves", 2)]
    [InlineData("Boot modes", 2)]
    [InlineData("Kinds of images on a device", 1)]
    [InlineData("Signatures", 1)]
    public void EveryNameOfThePageIsThere(string title, int column)
    {
        foreach (string[] row in Rows(title))
        {
            string[] member = row[column].Split('.');
            Type type = typeof(SmpClient).Assembly.GetType($"SmpFota.{member[0]}", throwOnError: true)!;
            if (type.IsEnum)
            {
                int number = row[0].StartsWith("0x", StringComparison.Ordinal) ? Convert.ToInt32(row[0], 16) : int.Parse(row[0], System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(number, Convert.ToInt32(Enum.Parse(type, member[1]), System.Globalization.CultureInfo.InvariantCulture));
            }
            else
            {
                Assert.Equal(row[0], ((DeviceImageKind)type.GetProperty(member[1])!.GetValue(null)!).Name);
            }
        }
    }

    [Fact]
    public async Task EventsCanBeReadAsAStream()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        var sunk = new List<SmpEvent>();
        SmpClient client = way.Duplex(services: way.Services with { EventSink = sunk.Add });
        Task<List<SmpEvent>> one = ReadAsync(client);
        Task<List<SmpEvent>> other = ReadAsync(client);
        await client.UpdateAsync(image);
        await client.EchoAsync("x");
        await client.DisposeAsync();
        Assert.Equal(sunk, await one.WaitAsync(Soon));
        Assert.Equal(sunk, await other.WaitAsync(Soon));
        Assert.Equal(
            [UpdatePhase.Upload, UpdatePhase.VerifyUpload, UpdatePhase.Mark, UpdatePhase.Reset, UpdatePhase.Swap],
            sunk.OfType<SmpPhaseEvent>().Select(e => e.Phase).Distinct().Take(5));
        Assert.Throws<ObjectDisposedException>(() => client.ReadEventsAsync());
    }

    [Fact]
    public async Task AReaderMayStopAndASlowOneLosesTheOldest()
    {
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        using var stop = new CancellationTokenSource();
        Task reading = Task.Run(async () =>
        {
            await foreach (SmpEvent happened in client.ReadEventsAsync(stop.Token))
            {
                _ = happened;
            }
        });
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Soon));

        var streams = new EventStreams();
        IAsyncEnumerator<SmpEvent> slow = streams.ReadAsync(default).GetAsyncEnumerator();
        ValueTask<bool> first = slow.MoveNextAsync();
        for (int number = 0; number < 1_000; number++)
        {
            streams.Publish(new SmpWindowEvent(TimeSpan.Zero, number));
        }

        streams.Complete();
        int count = 0, last = 0;
        for (bool more = await first; more; more = await slow.MoveNextAsync())
        {
            count++;
            last = ((SmpWindowEvent)slow.Current).Frames;
        }

        Assert.InRange(count, 256, 257);
        Assert.Equal(999, last);
        Assert.False(streams.Any);
    }

    /// <summary>Who watches the frames sees all, in order, and the library's own explanation fits them.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachFrameIsShownWithDirectionAndTime(bool exchange)
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink(new VirtualDeviceOptions { Link = "gateway-lan", Seed = 3 });
        var frames = new List<SmpFrame>();
        await using SmpClient client = way.Client(exchange, way.Services with { FrameSink = frames.Add });
        UpdateResult result = await client.UpdateAsync(image);
        Assert.Equal(way.Writes, frames.Count(frame => frame.Direction == SmpFrameDirection.ToDevice));
        Assert.True(frames.Count(frame => frame.Direction == SmpFrameDirection.FromDevice) >= result.Counts!.FramesAnswered);
        Assert.Equal(frames.Select(frame => frame.At).Order(), frames.Select(frame => frame.At));
        Assert.True(frames[^1].At > TimeSpan.FromSeconds(1));
        Assert.Contains("parameters", frames[0].Explain());
        string trace = string.Join("\n", frames) + "\n";
        Assert.Equal(SmpFinding.NothingWrong, SmpTrace.Explain(System.Text.Encoding.ASCII.GetBytes(trace)).Finding);
    }

    private static async Task<List<SmpEvent>> ReadAsync(SmpClient client)
    {
        var events = new List<SmpEvent>();
        await foreach (SmpEvent happened in client.ReadEventsAsync())
        {
            events.Add(happened);
        }

        return events;
    }

    private static string[][] Rows(string title)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "NAMES.md"));
        int start = Array.IndexOf(lines, $"## {title}");
        Assert.True(start >= 0, title);
        return lines.Skip(start + 4).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split(" | ").Select(cell => cell.Trim().Trim('`')).ToArray()).ToArray();
    }
}
