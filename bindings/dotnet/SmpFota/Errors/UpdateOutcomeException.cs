using System;

namespace SmpFota;

/// <summary>The update ended otherwise than asked, for example reverted by the bootloader; the device's own image list says so.</summary>
public sealed class UpdateOutcomeException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public UpdateOutcomeException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
