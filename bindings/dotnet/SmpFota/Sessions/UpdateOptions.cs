using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>What an update shall do. Everything may stay unset: null leaves a value to the library.</summary>
/// <remarks>
/// Can be bound from configuration. An update takes a copy and checks it at once: a later change has no effect on it, and a value
/// outside its range is an <see cref="ArgumentOutOfRangeException"/> with the option's name.
/// </remarks>
public sealed record UpdateOptions
{
    private const uint EraseFirstFlag = 1;
    private const uint UpgradeOnlyFlag = 2;
    private const uint HealthCheckFlag = 4;
    private const uint ForceUploadFlag = 8;
    private const uint EnterLoaderFlag = 16;
    private const uint IgnoreDependenciesFlag = 64;
    private const uint IgnoreBoardFlag = 128;
    private const uint IgnoreSecurityCounterFlag = 256;
    private const uint IgnoreVersionFlag = 512;
    private const uint IgnoreSizeFlag = 2048;
    private const uint IgnoreImageNumberFlag = 4096;
    private const uint RequireWayBackFlag = 8192;

    /// <summary>How far the update goes. TestAndConfirm by default.</summary>
    public UpdateMode Mode { get; set; }

    /// <summary>Erase the slot with a command of its own before the upload. False by default.</summary>
    public bool EraseFirst { get; set; }

    /// <summary>Let the device refuse an image that is not newer than the running one. False by default.</summary>
    public bool UpgradeOnly { get; set; }

    /// <summary>Upload even what the device already holds. False by default.</summary>
    public bool ForceUpload { get; set; }

    /// <summary>
    /// Where an application answers for which a firmware loader takes the images, reset the device into that loader (reset with
    /// <c>boot_mode</c> 1, Zephyr 4.2) and go on there. Without it such an update ends as <see cref="SmpStatus.NotSupported"/>. False by default.
    /// </summary>
    public bool EnterLoader { get; set; }

    /// <summary>
    /// Send an image although another one that it depends on (MCUboot TLV 0x40) is neither on the device nor in the package in the
    /// version that it needs. The bootloader does not start it before that is there. Without it such an update ends as
    /// <see cref="SmpStatus.DependencyUnmet"/> before the first byte. False by default.
    /// </summary>
    public bool IgnoreDependencies { get; set; }

    /// <summary>
    /// Send a package although its manifest names another board than the device, which ends as <see cref="SmpStatus.ImageUnsupported"/>
    /// otherwise. Only devices with OS information tell their board. False by default.
    /// </summary>
    public bool IgnoreBoard { get; set; }

    /// <summary>
    /// Send an application although its security counter is lower than <see cref="SecurityCounter"/>, which ends as
    /// <see cref="SmpStatus.DowngradeRefused"/> otherwise. False by default.
    /// </summary>
    public bool IgnoreSecurityCounter { get; set; }

    /// <summary>
    /// Send an image although its version is one that the bootloader would never start beside the one that runs, which ends as
    /// <see cref="SmpStatus.DowngradeRefused"/> otherwise. False by default.
    /// </summary>
    public bool IgnoreVersion { get; set; }

    /// <summary>
    /// Send an image although it is larger than its slot, by the device's word or by <see cref="SlotSize"/>, which ends as
    /// <see cref="SmpStatus.SlotTooSmall"/> otherwise. False by default.
    /// </summary>
    public bool IgnoreSize { get; set; }

    /// <summary>
    /// Send an image although the device lists none of its number, which ends as <see cref="SmpStatus.ImageUnsupported"/> otherwise. False by default.
    /// </summary>
    public bool IgnoreImageNumber { get; set; }

    /// <summary>
    /// Refuse an image that could not go back to the one before it, by what is known of the device before the first byte, as
    /// <see cref="SmpStatus.NotSupported"/>. Does not go with <see cref="UpdateMode.ConfirmAtOnce"/>. False by default.
    /// </summary>
    public bool RequireWayBack { get; set; }

    /// <summary>
    /// The security counter at which the device's roll-back protection stands for its application, as far as the caller knows it (no
    /// server tells it): an image with a lower one, or without one, is refused before its first byte. Not known by default.
    /// </summary>
    public uint? SecurityCounter { get; set; }

    /// <summary>
    /// How the bootloader starts images, for devices that do not tell; what a device tells counts more. Unknown by default: then it is
    /// taken for one that swaps, until something else shows.
    /// </summary>
    public BootMode BootMode { get; set; }

    /// <summary>
    /// Ask before the new image is confirmed, in the mode <see cref="UpdateMode.TestAndConfirm"/>. With <see cref="SmpSession"/> the
    /// caller answers by <see cref="SmpSession.ReportHealth"/>; <see cref="SmpClient"/> calls <see cref="SmpClientServices.HealthCheck"/>. False by default.
    /// </summary>
    public bool WaitForHealth { get; set; }

    /// <summary>How long the bootloader is likely to swap the images: the device is not asked before. 0 by default, at most one day.</summary>
    public TimeSpan? SwapEstimate { get; set; }

    /// <summary>How long the device may take at most to come back after the reset. 5 minutes by default, at most one day.</summary>
    public TimeSpan? SwapTimeout { get; set; }

    /// <summary>
    /// How long the device may take to reset by itself, or by somebody's hand: it is looked at so long behind the upload before it is marked,
    /// and once more where its server has no reset command. Not waited for by default, at most one day.
    /// </summary>
    public TimeSpan? SelfReset { get; set; }

    /// <summary>The size of the slot in bytes, for devices that cannot say it themselves; a larger image is refused before a byte is sent. Not known by default.</summary>
    public int? SlotSize { get; set; }

    /// <summary>How long to wait at most for the word on the new image. 10 minutes by default, at most one day.</summary>
    public TimeSpan? HealthTimeout { get; set; }

    /// <summary>How long the whole update may take at most, pauses not counted, whatever the carrier does. No limit by default, at most 49 days.</summary>
    public TimeSpan? Deadline { get; set; }

    /// <summary>Refuses what the library would refuse, by the name it has here.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal void Check() => ToNative();

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    internal unsafe smpfota_update_options ToNative()
    {
        var millisecond = TimeSpan.FromMilliseconds(1);
        NativeOption.Named(
            Mode is UpdateMode.TestAndConfirm or UpdateMode.TestOnly or UpdateMode.ConfirmAtOnce or UpdateMode.UploadOnly, Mode, nameof(Mode));
        NativeOption.Named(BootMode is >= BootMode.Unknown and <= BootMode.FirmwareLoader, BootMode, nameof(BootMode));
        NativeOption.Within(SwapEstimate, nameof(SwapEstimate), TimeSpan.Zero, NativeOption.Day);
        NativeOption.Within(SwapTimeout, nameof(SwapTimeout), millisecond, NativeOption.Day);
        NativeOption.Within(SelfReset, nameof(SelfReset), TimeSpan.Zero, NativeOption.Day);
        NativeOption.Within(SlotSize, nameof(SlotSize), 1, int.MaxValue);
        NativeOption.Within(HealthTimeout, nameof(HealthTimeout), millisecond, NativeOption.Day);
        NativeOption.Within(Deadline, nameof(Deadline), millisecond, TimeSpan.FromDays(49));
        if (WaitForHealth && Mode != UpdateMode.TestAndConfirm)
        {
            throw new ArgumentOutOfRangeException(
                nameof(WaitForHealth), WaitForHealth, "WaitForHealth needs the mode TestAndConfirm; in the others there is nothing left to decide.");
        }

        if (RequireWayBack && Mode == UpdateMode.ConfirmAtOnce)
        {
            throw new ArgumentOutOfRangeException(
                nameof(RequireWayBack), RequireWayBack, "RequireWayBack does not go with the mode ConfirmAtOnce, which has no way back.");
        }

        smpfota_update_options native;
        StatusTable.Check(NativeMethods.smpfota_update_options_init(&native, (uint)sizeof(smpfota_update_options)));
        native.mode = (uint)Mode;
        native.flags |= (EraseFirst ? EraseFirstFlag : 0) | (UpgradeOnly ? UpgradeOnlyFlag : 0)
            | (WaitForHealth ? HealthCheckFlag : 0) | (ForceUpload ? ForceUploadFlag : 0)
            | (EnterLoader ? EnterLoaderFlag : 0) | (IgnoreDependencies ? IgnoreDependenciesFlag : 0)
            | (IgnoreBoard ? IgnoreBoardFlag : 0) | (IgnoreSecurityCounter ? IgnoreSecurityCounterFlag : 0)
            | (IgnoreVersion ? IgnoreVersionFlag : 0) | (IgnoreSize ? IgnoreSizeFlag : 0)
            | (IgnoreImageNumber ? IgnoreImageNumberFlag : 0) | (RequireWayBack ? RequireWayBackFlag : 0);
        native.boot_mode = (uint)BootMode;
        native.security_counter = SecurityCounter ?? 0;
        if (SwapEstimate is { } estimate) { native.swap_estimate_ms = NativeOption.From(estimate); }
        if (SwapTimeout is { } swap) { native.swap_timeout_ms = NativeOption.From(swap); }
        if (SelfReset is { } itself) { native.self_reset_ms = NativeOption.From(itself); }
        if (SlotSize is { } slot) { native.slot_size = (uint)slot; }
        if (HealthTimeout is { } health) { native.health_timeout_ms = NativeOption.From(health); }
        if (Deadline is { } deadline) { native.deadline_ms = NativeOption.From(deadline); }
        if (native.swap_estimate_ms > native.swap_timeout_ms)
        {
            throw new ArgumentOutOfRangeException(
                nameof(SwapEstimate), SwapEstimate, $"SwapEstimate ({native.swap_estimate_ms} ms) is longer than SwapTimeout ({native.swap_timeout_ms} ms).");
        }

        return native;
    }
}
