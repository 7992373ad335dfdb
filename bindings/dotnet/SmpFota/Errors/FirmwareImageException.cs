namespace SmpFota;

/// <summary>The file is not an image that can be installed; the message says what it is instead.</summary>
public sealed class FirmwareImageException : SmpException
{
    internal FirmwareImageException(SmpStatus status, string message, string? finding)
        : base(status, message, finding, null, null)
    {
    }
}
