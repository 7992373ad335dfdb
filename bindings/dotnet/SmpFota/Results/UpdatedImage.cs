using System.Text.Json;

namespace SmpFota;

/// <summary>What an update did to one image of the device.</summary>
public sealed record UpdatedImage
{
    /// <summary>Which image: 0 on a device with one.</summary>
    public int Image { get; init; }

    /// <summary>The version that ran before, as the device writes it; empty where none did.</summary>
    public string From { get; init; } = string.Empty;

    /// <summary>The version of the file.</summary>
    public string To { get; init; } = string.Empty;

    /// <summary>Whether the device lists the new image active and confirmed; null where nothing tells it: nothing was to be booted, or see <see cref="Remark"/>.</summary>
    public bool? IsConfirmed { get; init; }

    /// <summary>
    /// Where the device cannot tell that the image runs (<see cref="UpdateOutcome.Unverified"/>): what was seen, what was not, and how to
    /// look, in a sentence for people. Null where it told.
    /// </summary>
    public string? Remark { get; init; }

    internal static UpdatedImage Read(JsonElement json) => new()
    {
        Image = (int)(json.Number("image") ?? 0),
        From = json.Text("from") ?? string.Empty,
        To = json.Text("to") ?? string.Empty,
        IsConfirmed = json.FlagOrNull("confirmed"),
        Remark = json.Text("remark"),
    };
}
