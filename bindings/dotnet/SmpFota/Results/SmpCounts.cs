using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What an operation took: frames, bytes, round trips, time by phase. Immutable.</summary>
public sealed class SmpCounts
{
    private SmpCounts(JsonElement counts)
    {
        FramesSent = counts.Number("frames_sent") ?? 0;
        FramesAnswered = counts.Number("frames_answered") ?? 0;
        Retransmissions = counts.Number("retransmissions") ?? 0;
        Duplicates = counts.Number("duplicates") ?? 0;
        Late = counts.Number("late") ?? 0;
        Foreign = counts.Number("foreign") ?? 0;
        Undecodable = counts.Number("undecodable") ?? 0;
        BytesSent = counts.Number("bytes_sent") ?? 0;
        BytesReceived = counts.Number("bytes_received") ?? 0;
        Restarts = counts.Number("restarts") ?? 0;
        LinkResets = counts.Number("link_resets") ?? 0;
        RoundTripMedian = Milliseconds(counts.Number("round_trip_median_ms"));
        RoundTripP95 = Milliseconds(counts.Number("round_trip_p95_ms"));
        var phases = new Dictionary<string, TimeSpan>();
        if (counts.TryGetProperty("phases", out JsonElement lasted) && lasted.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty phase in lasted.EnumerateObject())
            {
                phases[phase.Name] = TimeSpan.FromMilliseconds(phase.Value.GetInt64());
            }
        }

        Phases = phases;
    }

    /// <summary>Frames sent, repetitions included.</summary>
    public long FramesSent { get; }

    /// <summary>Answers to them that counted or would have, had they not come late.</summary>
    public long FramesAnswered { get; }

    /// <summary>Frames sent again because an answer was missing or the device asked for the same offset.</summary>
    public long Retransmissions { get; }

    /// <summary>Answers that had come before.</summary>
    public long Duplicates { get; }

    /// <summary>Answers to a request that was already given up or covered by a later answer.</summary>
    public long Late { get; }

    /// <summary>Frames that answer no request of this session.</summary>
    public long Foreign { get; }

    /// <summary>Bytes or frames that are not SMP, or whose body is not what it must be.</summary>
    public long Undecodable { get; }

    /// <summary>Bytes of the frames that were sent, headers included and framing aside.</summary>
    public long BytesSent { get; }

    /// <summary>Bytes that came from the device.</summary>
    public long BytesReceived { get; }

    /// <summary>How often an upload started over.</summary>
    public long Restarts { get; }

    /// <summary>How often the session asked for a new link.</summary>
    public long LinkResets { get; }

    /// <summary>The median round trip, to within a fifth; null where none was measured.</summary>
    public TimeSpan? RoundTripMedian { get; }

    /// <summary>The round trip that 95 of 100 do not exceed; null where none was measured.</summary>
    public TimeSpan? RoundTripP95 { get; }

    /// <summary>How long each phase lasted that was entered, by its name in small letters, such as "upload" or "swap".</summary>
    public IReadOnlyDictionary<string, TimeSpan> Phases { get; }

    /// <summary>The counts inside of a result or a failure; null where there are none.</summary>
    internal static SmpCounts? Read(JsonElement root) =>
        root.TryGetProperty("counts", out JsonElement counts) && counts.ValueKind == JsonValueKind.Object ? new SmpCounts(counts) : null;

    /// <summary>The phase of a name as JSON spells it, such as "verify_upload"; <see cref="UpdatePhase.Idle"/> for none.</summary>
    internal static UpdatePhase PhaseNamed(string? name) =>
        Enum.TryParse(string.Concat((name ?? string.Empty).Split('_')), ignoreCase: true, out UpdatePhase phase) ? phase : UpdatePhase.Idle;

    private static TimeSpan? Milliseconds(long? number) => number is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
}
