using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>The slots of one image of the device.</summary>
public sealed record DeviceSlots
{
    /// <summary>Which image: 0 on a device with one.</summary>
    public int Image { get; init; }

    /// <summary>The largest image that fits, in bytes; null where the device does not say.</summary>
    public long? MaxImageSize { get; init; }

    /// <summary>Its slots.</summary>
    public IReadOnlyList<DeviceSlot> Slots { get; init; } = [];

    internal static DeviceSlots Read(JsonElement json) => new()
    {
        Image = (int)(json.Number("image") ?? 0),
        MaxImageSize = json.Number("max_image_size"),
        Slots = json.Items("slots", DeviceSlot.Read),
    };
}
