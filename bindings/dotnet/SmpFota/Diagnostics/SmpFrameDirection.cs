namespace SmpFota;

/// <summary>Which way an <see cref="SmpFrame"/> went.</summary>
public enum SmpFrameDirection
{
    /// <summary>From the client to the device.</summary>
    ToDevice = 0,

    /// <summary>From the device to the client.</summary>
    FromDevice = 1,
}
