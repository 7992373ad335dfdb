using System.Text.Json;

namespace SmpFota;

/// <summary>One slot of an image.</summary>
public sealed record DeviceSlot
{
    /// <summary>Its number within the image: 0 or 1.</summary>
    public int Slot { get; init; }

    /// <summary>Its size in bytes; null where the device could not say.</summary>
    public long? Size { get; init; }

    /// <summary>The image number under which an upload goes to this slot; null where none does.</summary>
    public int? UploadImageNumber { get; init; }

    /// <summary>The error code that came instead of its size, or null.</summary>
    public long? Error { get; init; }

    internal static DeviceSlot Read(JsonElement json) => new()
    {
        Slot = (int)(json.Number("slot") ?? 0),
        Size = json.Number("size"),
        UploadImageNumber = (int?)json.Number("upload_image_id"),
        Error = json.Number("error"),
    };
}
