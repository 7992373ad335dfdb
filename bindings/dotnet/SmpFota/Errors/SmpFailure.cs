using System.Text.Json;

namespace SmpFota;

/// <summary>What an exception knows of its failure besides status and sentence.</summary>
internal sealed record SmpFailure
{
    internal static readonly SmpFailure Nothing = new();

    internal SmpFinding Finding { get; init; }

    internal int? Group { get; init; }

    internal int? Code { get; init; }

    internal string? Reason { get; init; }

    internal UpdateLeftWith LeftWith { get; init; }

    internal UpdatePhase Phase { get; init; }

    internal UpdateProgress? Progress { get; init; }

    internal SmpCounts? Counts { get; init; }

    internal SmpEvidence? Evidence { get; init; }

    internal string? Recording { get; init; }

    /// <summary>With what the library tells of the failed operation as JSON.</summary>
    internal SmpFailure Told(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        var finding = (SmpFinding)(root.Number("finding_number") ?? 0);
        return this with
        {
            Finding = finding,
            Reason = root.Text("reason"),
            Phase = JsonReading.Phase(root.Text("phase") ?? string.Empty) ?? UpdatePhase.Idle,
            Counts = SmpCounts.Read(root),
            Recording = root.Text("recording"),
            Evidence = SmpEvidence.Read(root, finding),
            LeftWith = root.Text("left_with") switch
            {
                "old_image_runs" => UpdateLeftWith.OldImageRuns,
                "new_image_stored" => UpdateLeftWith.NewImageStored,
                "new_image_pending" => UpdateLeftWith.NewImagePending,
                "on_trial" => UpdateLeftWith.OnTrial,
                _ => UpdateLeftWith.Unknown,
            },
        };
    }
}
