using System;
using System.Text.Json;

namespace SmpFota;

/// <summary>
/// One entry of a session's log: something that happened and was not ordinary. Each kind is a record of its own; docs/NAMES.md has them all.
/// </summary>
/// <remarks>
/// Immutable. Made by <see cref="SmpSession.TryReadEvent"/> and a client's <see cref="SmpClientServices.EventSink"/> and
/// <see cref="SmpClient.ReadEventsAsync"/>, or by a test. A program lets kinds pass that it does not know: a newer library may have more.
/// </remarks>
public abstract record SmpEvent
{
    private protected SmpEvent(TimeSpan at, string name, long? value)
    {
        At = at;
        Name = name;
        Value = value;
        long milliseconds = (long)at.TotalMilliseconds;
        Json = value is { } number
            ? FormattableString.Invariant($$"""{"at_ms":{{milliseconds}},"event":"{{name}}","value":{{number}}}""")
            : FormattableString.Invariant($$"""{"at_ms":{{milliseconds}},"event":"{{name}}"}""");
    }

    /// <summary>When, on the clock of the session; in a client since it was made.</summary>
    public TimeSpan At { get; init; }

    /// <summary>The library's name of its kind, such as <c>went_back</c>.</summary>
    public string Name { get; init; }

    /// <summary>Its number as the library tells it; null where the kind has none.</summary>
    public long? Value { get; init; }

    /// <summary>The entry as the library tells it, as JSON.</summary>
    public string Json { get; init; }

    /// <summary>Reads what the library tells.</summary>
    internal static SmpEvent Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        TimeSpan at = TimeSpan.FromMilliseconds(root.Number("at_ms") ?? 0);
        string name = root.Text("event") ?? string.Empty;
        long? given = root.Number("value");
        long value = given ?? 0;
        return name switch
        {
            "phase" => new SmpPhaseEvent(at, (UpdatePhase)value) { Json = json },
            "silence" => new SmpSilenceEvent(at, TimeSpan.FromMilliseconds(value)) { Json = json },
            "went_back" => new SmpWentBackEvent(at, value) { Json = json },
            "restarted" => new SmpRestartedEvent(at, value) { Json = json },
            "window" => new SmpWindowEvent(at, (int)value) { Json = json },
            "frame_limit" => new SmpFrameLimitEvent(at, (int)value) { Json = json },
            "busy" => new SmpBusyEvent(at, (int)value) { Json = json },
            "replayed" => new SmpReplayedEvent(at, (int)value) { Json = json },
            "link_reset" => new SmpLinkResetEvent(at) { Json = json },
            "link" => new SmpLinkReportEvent(at, value != 0) { Json = json },
            "smp_version" => new SmpVersionEvent(at, (SmpProtocolVersion)value) { Json = json },
            "finding" => new SmpFindingEvent(at, (SmpFinding)value) { Json = json },
            _ => new SmpUnknownEvent(at, name, given) { Json = json },
        };
    }
}
