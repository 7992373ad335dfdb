using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
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

    /// <summary>Whether two say the same, slot by slot.</summary>
    public bool Equals(DeviceSlots? other) =>
        other is not null && (Image, MaxImageSize) == (other.Image, other.MaxImageSize) && JsonReading.Same(Slots, other.Slots);

    /// <inheritdoc/>
    public override int GetHashCode() => (Image, MaxImageSize, Slots.Count).GetHashCode();

    /// <summary>Such as <c>image 0: slot 0 of 483328 bytes, slot 1 of 483328 bytes</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"image {Image}: {string.Join(", ", Slots.Select(slot => FormattableString.Invariant($"slot {slot.Slot} of {slot.Size?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} bytes")))}");

    internal static DeviceSlots Read(JsonElement json) => new()
    {
        Image = (int)(json.Number("image") ?? 0),
        MaxImageSize = json.Number("max_image_size"),
        Slots = json.Items("slots", DeviceSlot.Read),
    };
}
