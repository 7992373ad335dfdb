namespace SmpFota;

/// <summary>How a file is written to the device.</summary>
public sealed record FileUploadOptions
{
    /// <summary>Compare the device's own hash of the file afterwards, where it can make one. True by default.</summary>
    public bool Verify { get; set; } = true;
}
