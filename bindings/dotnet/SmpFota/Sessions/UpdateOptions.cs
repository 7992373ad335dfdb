using System;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>What an update shall do. Everything may stay unset: null leaves a value to the library.</summary>
/// <remarks>Immutable, and safe to share among updates. Values are checked when an update is started.</remarks>
public sealed record UpdateOptions
{
    private const uint EraseFirstFlag = 1;
    private const uint UpgradeOnlyFlag = 2;
    private const uint HealthCheckFlag = 4;
    private const uint ForceUploadFlag = 8;

    /// <summary>How far the update goes.</summary>
    public UpdateMode Mode { get; init; }

    /// <summary>Erase the slot with a command of its own before the upload.</summary>
    public bool EraseFirst { get; init; }

    /// <summary>Let the device refuse an image that is not newer than the running one.</summary>
    public bool UpgradeOnly { get; init; }

    /// <summary>Upload even what the device already holds.</summary>
    public bool ForceUpload { get; init; }

    /// <summary>
    /// Ask before the new image is confirmed. With <see cref="SmpSession"/> the caller answers by
    /// <see cref="SmpSession.ReportHealth"/>; <see cref="SmpClient"/> calls <see cref="HealthCheck"/>, which sets this by itself.
    /// </summary>
    public bool WaitForHealth { get; init; }

    /// <summary>
    /// Called by <see cref="SmpClient"/> when the new image runs on trial: true lets it be confirmed, false or an exception
    /// leaves it unconfirmed, so that the next reset reverts it. It may ask other systems, but not the client that calls it.
    /// </summary>
    public Func<CancellationToken, Task<bool>>? HealthCheck { get; init; }

    /// <summary>How long the bootloader is likely to swap the images.</summary>
    public TimeSpan? SwapEstimate { get; init; }

    /// <summary>How long the device may take at most to come back after the reset.</summary>
    public TimeSpan? SwapTimeout { get; init; }

    /// <summary>The size of the slot in bytes, for devices that cannot say it themselves; a larger image is refused before a byte is sent.</summary>
    public int? SlotSize { get; init; }

    /// <summary>How long to wait at most for the word on the new image.</summary>
    public TimeSpan? HealthTimeout { get; init; }

    /// <summary>How long the whole update may take at most.</summary>
    public TimeSpan? Deadline { get; init; }

    internal unsafe smpfota_update_options ToNative()
    {
        smpfota_update_options native;
        StatusTable.Check(NativeMethods.smpfota_update_options_init(&native, (uint)sizeof(smpfota_update_options)));
        native.mode = (uint)Mode;
        native.flags |= (EraseFirst ? EraseFirstFlag : 0) | (UpgradeOnly ? UpgradeOnlyFlag : 0)
            | (WaitForHealth || HealthCheck is not null ? HealthCheckFlag : 0) | (ForceUpload ? ForceUploadFlag : 0);
        if (SwapEstimate is { } estimate) { native.swap_estimate_ms = NativeOption.From(estimate, nameof(SwapEstimate)); }
        if (SwapTimeout is { } swap) { native.swap_timeout_ms = NativeOption.From(swap, nameof(SwapTimeout)); }
        if (SlotSize is { } slot) { native.slot_size = NativeOption.From(slot, nameof(SlotSize)); }
        if (HealthTimeout is { } health) { native.health_timeout_ms = NativeOption.From(health, nameof(HealthTimeout)); }
        if (Deadline is { } deadline) { native.deadline_ms = NativeOption.From(deadline, nameof(Deadline)); }
        return native;
    }
}
