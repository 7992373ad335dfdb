using System.Text.Json;

namespace SmpFota;

/// <summary>What the device tells of its bootloader.</summary>
public sealed record BootloaderInfo
{
    /// <summary>Its name, such as <c>MCUboot</c>.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>How MCUboot is built (0 single slot, 1 swap with scratch, 2 overwrite only, 3 swap by moving, ...); null where the device does not tell.</summary>
    public int? Mode { get; init; }

    /// <summary>The same in words, such as <c>swap_move</c>; null where it is not known.</summary>
    public string? ModeName { get; init; }

    /// <summary>Whether it refuses older images.</summary>
    public bool RefusesDowngrades { get; init; }

    internal static BootloaderInfo Read(JsonElement json) => new()
    {
        Name = json.Text("bootloader") ?? string.Empty,
        Mode = (int?)json.Number("mode"),
        ModeName = json.Text("mode_name"),
        RefusesDowngrades = json.Flag("no_downgrade"),
    };
}
