using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What shows a finding: which frames, how many, since when.</summary>
public sealed class SmpEvidence
{
    internal SmpEvidence()
    {
    }

    /// <summary>What it shows.</summary>
    public SmpFinding Finding { get; internal init; }

    /// <summary>How often it was seen. Without a recording it is what the session counted.</summary>
    public long Count { get; internal init; }

    /// <summary>The first few frames that show it, by their numbers from 1 in the trace or recording; none without one.</summary>
    public IReadOnlyList<long> Frames { get; internal init; } = [];

    /// <summary>When it was seen first, on the clock of the trace or the session; null where that is not known.</summary>
    public TimeSpan? Since { get; internal init; }

    /// <inheritdoc/>
    public override string ToString() =>
        Frames.Count == 0 ? $"{Finding}: {Count} times" : $"{Finding}: {Count} times, frames {string.Join(", ", Frames)}";

    /// <summary>Reads it from the field <c>evidence</c>; null where that is missing or null.</summary>
    internal static SmpEvidence? Read(JsonElement root, SmpFinding finding)
    {
        if (!root.TryGetProperty("evidence", out JsonElement evidence) || evidence.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var frames = new List<long>();
        foreach (JsonElement frame in evidence.GetProperty("frames").EnumerateArray())
        {
            frames.Add(frame.GetProperty("frame").GetInt64());
        }

        JsonElement since = evidence.GetProperty("since_ms");
        TimeSpan? first = since.ValueKind == JsonValueKind.Number ? TimeSpan.FromMilliseconds(since.GetInt64()) : null;
        return new SmpEvidence { Finding = finding, Count = evidence.GetProperty("count").GetInt64(), Frames = frames.AsReadOnly(), Since = first };
    }
}
