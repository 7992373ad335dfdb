using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What a trace was judged to show.</summary>
public sealed class SmpTraceVerdict
{
    internal SmpTraceVerdict(string json)
    {
        Json = json;
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        Cause = Text(root, "cause");
        Finding = (SmpFinding)root.GetProperty("number").GetInt32();
        Evidence = SmpEvidence.Read(root, Finding)!;
        Certainty = Text(root, "certainty");
        Summary = Text(root, "says");
        NextStep = Text(root, "next_step");
        Points = Texts(root, "points");
        Undecided = Texts(root, "undecided");
    }

    /// <summary>The name of the cause in capitals, such as <c>FIRST_FRAME_ONLY</c>; <c>NOTHING_WRONG</c> and <c>NO_SMP</c> among them.</summary>
    public string Cause { get; }

    /// <summary>The cause by its number.</summary>
    public SmpFinding Finding { get; }

    /// <summary>The frames that show the cause.</summary>
    public SmpEvidence Evidence { get; }

    /// <summary><c>certain</c>, <c>likely</c> or <c>possible</c>.</summary>
    public string Certainty { get; }

    /// <summary>What happened, in a sentence.</summary>
    public string Summary { get; }

    /// <summary>What to do about it.</summary>
    public string NextStep { get; }

    /// <summary>What else the frames show, a sentence each.</summary>
    public IReadOnlyList<string> Points { get; }

    /// <summary>What the trace cannot decide, and what it lacks for that.</summary>
    public IReadOnlyList<string> Undecided { get; }

    /// <summary>The whole verdict: evidence, other causes, what was ruled out, phases and figures too.</summary>
    public string Json { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Cause}: {Summary} {NextStep}";

    private static string Text(JsonElement root, string name) => root.GetProperty(name).GetString() ?? string.Empty;

    private static IReadOnlyList<string> Texts(JsonElement root, string name)
    {
        var texts = new List<string>();
        foreach (JsonElement text in root.GetProperty(name).EnumerateArray())
        {
            texts.Add(text.GetString() ?? string.Empty);
        }

        return texts;
    }
}
