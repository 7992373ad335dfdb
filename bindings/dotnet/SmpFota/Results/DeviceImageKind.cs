namespace SmpFota;

/// <summary>
/// Which way of its device an image goes: how it is sent, marked, started and confirmed. A kind of a newer library keeps its name, so that a
/// program compares with the ones that it knows and lets others pass. docs/NAMES.md has them all.
/// </summary>
public readonly record struct DeviceImageKind
{
    private readonly string? name;

    /// <summary>Names a kind.</summary>
    /// <param name="name">The library's name for it, in small letters.</param>
    /// <exception cref="System.ArgumentException">The name is empty.</exception>
    public DeviceImageKind(string name)
    {
        System.ArgumentException.ThrowIfNullOrEmpty(name);
        this.name = name == "unknown" ? null : name;
    }

    /// <summary>A bootloader that is updated itself.</summary>
    public static DeviceImageKind Bootloader { get; } = new("bootloader");

    /// <summary>Direct XIP: the newer image runs where it lies.</summary>
    public static DeviceImageKind DirectXip { get; } = new("direct_xip");

    /// <summary>Direct XIP with revert: an image that is not confirmed is given up at the next reset.</summary>
    public static DeviceImageKind DirectXipRevert { get; } = new("direct_xip_revert");

    /// <summary>A firmware loader takes the images.</summary>
    public static DeviceImageKind FirmwareLoader { get; } = new("firmware_loader");

    /// <summary>The network core of a chip with two.</summary>
    public static DeviceImageKind NetworkCore { get; } = new("network_core");

    /// <summary>Overwrite only: there is no trial and no way back.</summary>
    public static DeviceImageKind Overwrite { get; } = new("overwrite");

    /// <summary>Loaded into RAM.</summary>
    public static DeviceImageKind RamLoad { get; } = new("ram_load");

    /// <summary>Loaded into RAM, with revert.</summary>
    public static DeviceImageKind RamLoadRevert { get; } = new("ram_load_revert");

    /// <summary>The serial recovery of a bootloader takes the images.</summary>
    public static DeviceImageKind Recovery { get; } = new("recovery");

    /// <summary>One slot.</summary>
    public static DeviceImageKind Single { get; } = new("single");

    /// <summary>Swap with scratch, by moving or with offset.</summary>
    public static DeviceImageKind Swap { get; } = new("swap");

    /// <summary>Not known; <c>default</c> is the same.</summary>
    public static DeviceImageKind Unknown => default;

    /// <summary>The library's name for it, such as <c>swap</c>.</summary>
    public string Name => name ?? "unknown";

    /// <summary>As <see cref="Name"/>.</summary>
    public override string ToString() => Name;

    internal static DeviceImageKind Read(string? name) => string.IsNullOrEmpty(name) ? default : new DeviceImageKind(name!);
}
