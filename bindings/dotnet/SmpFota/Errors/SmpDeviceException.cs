using System;

namespace SmpFota;

/// <summary>The device refused a request or could not carry it out.</summary>
public sealed class SmpDeviceException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public SmpDeviceException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
