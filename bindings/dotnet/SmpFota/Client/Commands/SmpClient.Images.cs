using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Group 1, images.</content>
public partial class SmpClient
{
    /// <summary>The device's image list.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<DeviceImage>> ReadImagesAsync(CancellationToken cancellationToken = default) =>
        AskAsync("image_list", null, ReadImages, cancellationToken);

    /// <summary>Marks an image for a trial at the next boot.</summary>
    /// <param name="hash">The hash by which the device lists it: <see cref="DeviceImage.Hash"/> or <see cref="FirmwareImageInfo.Hash"/>.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>The image list afterwards; empty where the device sends none.</returns>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<DeviceImage>> TestImageAsync(ReadOnlyMemory<byte> hash, CancellationToken cancellationToken = default) =>
        AskAsync("image_test", Hashed(hash), ReadImages, cancellationToken);

    /// <summary>Confirms an image: the running one, or for good at the next boot the one with this hash.</summary>
    /// <param name="hash">The hash by which the device lists it; null for the running image.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>The image list afterwards; empty where the device sends none.</returns>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<DeviceImage>> ConfirmImageAsync(ReadOnlyMemory<byte>? hash = null, CancellationToken cancellationToken = default) =>
        AskAsync("image_confirm", hash is { } wanted ? Hashed(wanted) : null, ReadImages, cancellationToken);

    /// <summary>Erases a slot, which takes tens of seconds on some devices.</summary>
    /// <param name="slot">The slot, counted over all images; null for the one that does not run.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task EraseSlotAsync(int? slot = null, CancellationToken cancellationToken = default) =>
        CommandAsync("image_erase", slot is { } number ? Arguments(w => w.WriteNumber("slot", number)) : null, cancellationToken);

    /// <summary>The sizes of the slots. Only newer servers know this.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<DeviceSlots>> ReadSlotsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<DeviceSlots>>("slot_info", null, static a => a.Items("images", DeviceSlots.Read), cancellationToken);

    private static IReadOnlyList<DeviceImage> ReadImages(System.Text.Json.JsonElement answer) => answer.Items("images", DeviceImage.Read);

    private static string Hashed(ReadOnlyMemory<byte> hash) => Arguments(w => w.WriteString("hash", Convert.ToHexString(hash.Span)));
}
