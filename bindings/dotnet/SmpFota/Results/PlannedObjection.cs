using System.Text.Json;

namespace SmpFota;

/// <summary>What speaks against an image, and is overridden by the options.</summary>
public sealed record PlannedObjection
{
    /// <summary>Its name: with "ignore_" before it, or as <c>Ignore...</c> of <see cref="UpdateOptions"/>, that of the option.</summary>
    public string Objection { get; init; } = string.Empty;

    /// <summary>What the update would end as without the override.</summary>
    public SmpStatus Status { get; init; }

    /// <summary>The sentence that it would end with.</summary>
    public string Sentence { get; init; } = string.Empty;

    /// <summary>Such as <c>board: the package is made for ...</c>.</summary>
    public override string ToString() => $"{Objection}: {Sentence}";

    internal static PlannedObjection Read(JsonElement json) => new()
    {
        Objection = json.Text("objection") ?? string.Empty,
        Status = (SmpStatus)(json.Number("status") ?? 0),
        Sentence = json.Text("sentence") ?? string.Empty,
    };
}
