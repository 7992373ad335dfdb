using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Text.Json;

namespace SmpFota;

/// <summary>What a trace was judged to show.</summary>
public sealed class SmpTraceVerdict
{
    internal SmpTraceVerdict()
    {
    }

    /// <summary>The name of the cause in capitals, such as <c>FIRST_FRAME_ONLY</c>; <c>NOTHING_WRONG</c> and <c>NO_SMP</c> among them.</summary>
    public string Cause { get; internal init; } = string.Empty;

    /// <summary>The cause by its number.</summary>
    public SmpFinding Finding { get; internal init; }

    /// <summary>The frames that show the cause.</summary>
    public SmpEvidence Evidence { get; internal init; } = new();

    /// <summary><c>certain</c>, <c>likely</c> or <c>possible</c>.</summary>
    public string Certainty { get; internal init; } = string.Empty;

    /// <summary>What happened, in a sentence.</summary>
    public string Summary { get; internal init; } = string.Empty;

    /// <summary>What to do about it.</summary>
    public string NextStep { get; internal init; } = string.Empty;

    /// <summary>What else the frames show, a sentence each.</summary>
    public IReadOnlyList<string> Points { get; internal init; } = [];

    /// <summary>What the trace cannot decide, and what it lacks for that.</summary>
    public IReadOnlyList<string> Undecided { get; internal init; } = [];

    /// <summary>The whole verdict: evidence, other causes, what was ruled out, phases and figures too.</summary>
    public string Json { get; internal init; } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"{Cause}: {Summary} {NextStep}";

    internal static SmpTraceVerdict Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        var finding = (SmpFinding)root.GetProperty("number").GetInt32();
        return new SmpTraceVerdict
        {
            Json = json,
            Cause = Text(root, "cause"),
            Finding = finding,
            Evidence = SmpEvidence.Read(root, finding)!,
            Certainty = Text(root, "certainty"),
            Summary = Text(root, "says"),
            NextStep = Text(root, "next_step"),
            Points = Texts(root, "points"),
            Undecided = Texts(root, "undecided"),
        };
    }

    private static string Text(JsonElement root, string name) => root.GetProperty(name).GetString() ?? string.Empty;

    private static ReadOnlyCollection<string> Texts(JsonElement root, string name)
    {
        var texts = new List<string>();
        foreach (JsonElement text in root.GetProperty(name).EnumerateArray())
        {
            texts.Add(text.GetString() ?? string.Empty);
        }

        return texts.AsReadOnly();
    }
}
