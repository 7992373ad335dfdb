using System;

namespace SmpFota;

/// <summary>The library itself is at fault: its native file is missing or of another version, a feature is not built in, or a defect was caught.</summary>
public sealed class SmpLibraryException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public SmpLibraryException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }

    internal SmpLibraryException(string message, Exception? innerException = null)
        : base(SmpStatus.Unavailable, message, innerException)
    {
    }
}
