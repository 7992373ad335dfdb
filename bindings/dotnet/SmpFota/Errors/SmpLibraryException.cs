using System;

namespace SmpFota;

/// <summary>The library itself is at fault: its native file is missing or of another version, a feature is not built in, or a defect was caught.</summary>
public sealed class SmpLibraryException : SmpException
{
    internal SmpLibraryException(SmpStatus status, string message)
        : base(status, message, null, null, null)
    {
    }

    internal SmpLibraryException(string message, Exception? inner = null)
        : base(SmpStatus.Unavailable, message, null, null, null, inner)
    {
    }
}
