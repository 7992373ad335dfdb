using System;

namespace SmpFota;

/// <summary>The conversation with the device failed: no answer in time, no progress, or answers that make no sense.</summary>
public sealed class SmpProtocolException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public SmpProtocolException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
