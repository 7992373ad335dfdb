namespace SmpFota;

/// <summary>What <see cref="SmpClient.HashFileAsync"/> has the device hash.</summary>
public sealed record FileHashOptions
{
    /// <summary>One of <see cref="SmpClient.ReadFileHashKindsAsync"/>. Null, the default: the device's choice.</summary>
    public string? Kind { get; set; }

    /// <summary>Where to start, in bytes. 0 by default.</summary>
    public long Offset { get; set; }

    /// <summary>How many bytes. Null, the default: to the end.</summary>
    public long? Length { get; set; }
}
