using System;

namespace SmpFota;

/// <summary>A stored session cannot be restored: it is damaged, belongs to another image, or was written by a newer library.</summary>
public sealed class SmpSnapshotException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public SmpSnapshotException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
