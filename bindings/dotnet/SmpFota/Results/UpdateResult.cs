using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>How an update ended well. What it says of the device, the device itself has said.</summary>
public sealed class UpdateResult
{
    private UpdateResult(string json, string outcome, IReadOnlyList<DeviceImage> before, IReadOnlyList<DeviceImage> after)
    {
        Json = json;
        Outcome = outcome;
        Before = before;
        After = after;
    }

    /// <summary>The end in one word, such as <c>updated</c>.</summary>
    public string Outcome { get; }

    /// <summary>The device's image list before anything was done.</summary>
    public IReadOnlyList<DeviceImage> Before { get; }

    /// <summary>The device's image list at the end.</summary>
    public IReadOnlyList<DeviceImage> After { get; }

    /// <summary>Everything that the library tells of the update, as JSON.</summary>
    public string Json { get; }

    internal static UpdateResult Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        return new UpdateResult(
            json, root.Text("outcome") ?? string.Empty, root.Items("before", DeviceImage.Read), root.Items("after", DeviceImage.Read));
    }
}
