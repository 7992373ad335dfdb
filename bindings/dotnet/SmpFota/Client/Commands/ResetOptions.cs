namespace SmpFota;

/// <summary>How <see cref="SmpClient.ResetAsync(ResetOptions?, System.Threading.CancellationToken)"/> resets a device.</summary>
public sealed record ResetOptions
{
    /// <summary>Do not let the application refuse. False by default.</summary>
    public bool Force { get; set; }

    /// <summary>What to boot into, 0 to 255, such as 1 for the bootloader or a firmware loader. Null, the default: the application.</summary>
    public int? BootMode { get; set; }
}
