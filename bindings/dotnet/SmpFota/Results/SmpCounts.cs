using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Text.Json;

namespace SmpFota;

/// <summary>What an operation took: frames, bytes, round trips, time by phase. Immutable.</summary>
public sealed class SmpCounts
{
    internal SmpCounts()
    {
    }

    /// <summary>Frames sent, repetitions included.</summary>
    public long FramesSent { get; internal init; }

    /// <summary>Answers to them that counted or would have, had they not come late.</summary>
    public long FramesAnswered { get; internal init; }

    /// <summary>Frames sent again because an answer was missing or the device asked for the same offset.</summary>
    public long Retransmissions { get; internal init; }

    /// <summary>Answers that had come before.</summary>
    public long Duplicates { get; internal init; }

    /// <summary>Answers to a request that was already given up or covered by a later answer.</summary>
    public long Late { get; internal init; }

    /// <summary>Frames that answer no request of this session.</summary>
    public long Foreign { get; internal init; }

    /// <summary>Bytes or frames that are not SMP, or whose body is not what it must be.</summary>
    public long Undecodable { get; internal init; }

    /// <summary>Bytes of the frames that were sent, headers included and framing aside.</summary>
    public long BytesSent { get; internal init; }

    /// <summary>Bytes that came from the device.</summary>
    public long BytesReceived { get; internal init; }

    /// <summary>How often an upload started over.</summary>
    public long Restarts { get; internal init; }

    /// <summary>How often the session asked for a new link.</summary>
    public long LinkResets { get; internal init; }

    /// <summary>The median round trip, to within a fifth; null where none was measured.</summary>
    public TimeSpan? RoundTripMedian { get; internal init; }

    /// <summary>The round trip that 95 of 100 do not exceed; null where none was measured.</summary>
    public TimeSpan? RoundTripP95 { get; internal init; }

    /// <summary>How long each phase lasted that was entered.</summary>
    public IReadOnlyDictionary<UpdatePhase, TimeSpan> Phases { get; internal init; } = new ReadOnlyDictionary<UpdatePhase, TimeSpan>(new Dictionary<UpdatePhase, TimeSpan>());

    /// <summary>Such as <c>120 frames sent, 118 answered, 3 sent again, 45000 bytes out, 3200 in</c>.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{FramesSent} frames sent, {FramesAnswered} answered, {Retransmissions} sent again, {BytesSent} bytes out, {BytesReceived} in");

    /// <summary>The counts inside of a result or a failure; null where there are none.</summary>
    internal static SmpCounts? Read(JsonElement root)
    {
        if (!root.TryGetProperty("counts", out JsonElement counts) || counts.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        return new SmpCounts
        {
            FramesSent = counts.Number("frames_sent") ?? 0,
            FramesAnswered = counts.Number("frames_answered") ?? 0,
            Retransmissions = counts.Number("retransmissions") ?? 0,
            Duplicates = counts.Number("duplicates") ?? 0,
            Late = counts.Number("late") ?? 0,
            Foreign = counts.Number("foreign") ?? 0,
            Undecodable = counts.Number("undecodable") ?? 0,
            BytesSent = counts.Number("bytes_sent") ?? 0,
            BytesReceived = counts.Number("bytes_received") ?? 0,
            Restarts = counts.Number("restarts") ?? 0,
            LinkResets = counts.Number("link_resets") ?? 0,
            RoundTripMedian = Milliseconds(counts.Number("round_trip_median_ms")),
            RoundTripP95 = Milliseconds(counts.Number("round_trip_p95_ms")),
            Phases = ReadPhases(counts),
        };
    }

    private static ReadOnlyDictionary<UpdatePhase, TimeSpan> ReadPhases(JsonElement counts)
    {
        var phases = new Dictionary<UpdatePhase, TimeSpan>();
        if (counts.TryGetProperty("phases", out JsonElement lasted) && lasted.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty phase in lasted.EnumerateObject())
            {
                if (JsonReading.Phase(phase.Name) is { } known)
                {
                    phases[known] = TimeSpan.FromMilliseconds(phase.Value.GetInt64());
                }
            }
        }

        return new ReadOnlyDictionary<UpdatePhase, TimeSpan>(phases);
    }

    private static TimeSpan? Milliseconds(long? number) => number is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
}
