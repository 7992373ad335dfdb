using System;

namespace SmpFota;

/// <summary>The calling program asked for something that cannot be: calls in a wrong order, a bad argument, two threads in one object (<see cref="SmpStatus.Busy"/>).</summary>
public sealed class SmpUsageException : SmpException
{
    /// <summary>Makes one, as the library does; for the tests of a program that handles it.</summary>
    /// <param name="status">What happened.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What led to it; null (default) for nothing.</param>
    public SmpUsageException(SmpStatus status, string message, Exception? innerException = null)
        : base(status, message, innerException)
    {
    }
}
