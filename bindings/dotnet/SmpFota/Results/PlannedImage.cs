using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>What an update would do with one image of the device.</summary>
public sealed record PlannedImage
{
    /// <summary>Which image: 0 on a device with one.</summary>
    public int Image { get; init; }

    /// <summary>The name of the file in its package; empty where it came from none.</summary>
    public string File { get; init; } = string.Empty;

    /// <summary>The version that runs now, as the device writes it; empty where none does.</summary>
    public string From { get; init; } = string.Empty;

    /// <summary>The version of the file.</summary>
    public string To { get; init; } = string.Empty;

    /// <summary>Which way of its device the image goes.</summary>
    public DeviceImageKind Kind { get; init; }

    /// <summary>What comes first.</summary>
    public PlannedAction Action { get; init; }

    /// <summary>The image number that the upload would name; null where nothing is uploaded.</summary>
    public int? UploadNumber { get; init; }

    /// <summary>The bytes that would be uploaded; 0 where nothing is.</summary>
    public long UploadBytes { get; init; }

    /// <summary>Whether the slot would be erased by a command of its own before.</summary>
    public bool ErasesFirst { get; init; }

    /// <summary>How the image would be marked.</summary>
    public PlannedMark Mark { get; init; }

    /// <summary>
    /// How it is meant to end: <see cref="UpdateOutcome.Uploaded"/>, <see cref="UpdateOutcome.OnTrial"/>, or
    /// <see cref="UpdateOutcome.Updated"/> where the image shall run to stay.
    /// </summary>
    public UpdateOutcome End { get; init; }

    /// <summary>Whether the image could go back to the one before it once it runs; null where nothing is started.</summary>
    public PlannedWayBack? WayBack { get; init; }

    /// <summary>What the update would be refused for if its options did not override it.</summary>
    public IReadOnlyList<PlannedObjection> Against { get; init; } = [];

    /// <summary>Such as <c>image 0 1.0.0 -> 1.1.0: Upload of 65536 bytes</c>.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"image {Image} {(From.Length > 0 ? From : "-")} -> {To}: {Action}{(Action == PlannedAction.Upload ? FormattableString.Invariant($" of {UploadBytes} bytes") : "")}");

    internal static PlannedImage Read(JsonElement json) => new()
    {
        Image = (int)(json.Number("image") ?? 0),
        File = json.Text("file") ?? string.Empty,
        From = json.Text("from") ?? string.Empty,
        To = json.Text("to") ?? string.Empty,
        Kind = DeviceImageKind.Read(json.Text("kind")),
        Action = json.Text("action") switch
        {
            "nothing" => PlannedAction.Nothing,
            "upload" => PlannedAction.Upload,
            "mark" => PlannedAction.Mark,
            "reset" => PlannedAction.Reset,
            "confirm" => PlannedAction.Confirm,
            "enter_loader" => PlannedAction.EnterLoader,
            _ => PlannedAction.Other,
        },
        UploadNumber = (int?)json.Number("upload_number"),
        UploadBytes = json.Number("upload_bytes") ?? 0,
        ErasesFirst = json.Flag("erase_first"),
        Mark = json.Text("mark") switch
        {
            "none" => PlannedMark.None,
            "trial" => PlannedMark.Trial,
            "for_good" => PlannedMark.ForGood,
            _ => PlannedMark.Other,
        },
        End = json.Text("end") switch
        {
            "uploaded" => UpdateOutcome.Uploaded,
            "on_trial" => UpdateOutcome.OnTrial,
            "confirmed" => UpdateOutcome.Updated,
            _ => UpdateOutcome.Other,
        },
        WayBack = json.Text("way_back") switch
        {
            null => null,
            "until_confirmed" => PlannedWayBack.UntilConfirmed,
            "none" => PlannedWayBack.None,
            "unknown" => PlannedWayBack.Unknown,
            _ => PlannedWayBack.Other,
        },
        Against = json.Items("against", PlannedObjection.Read),
    };
}
