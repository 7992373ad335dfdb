namespace SmpFota;

/// <summary>How a file of the device is read.</summary>
public sealed record FileDownloadOptions
{
    /// <summary>The most bytes to take, 1 to 16,777,216; a longer file is refused. Null, the default: 16,777,216.</summary>
    public int? MaxLength { get; set; }

    /// <summary>Compare with the device's own hash of the file, where it can make one. True by default.</summary>
    public bool Verify { get; set; } = true;
}
