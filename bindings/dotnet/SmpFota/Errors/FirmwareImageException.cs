using System;

namespace SmpFota;

/// <summary>The file is not an image that can be installed; the message says what it is instead.</summary>
public sealed class FirmwareImageException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public FirmwareImageException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
