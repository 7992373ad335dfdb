namespace SmpFota;

/// <summary>The calling program asked for something that cannot be: calls in a wrong order, a bad argument, two threads in one object (<see cref="SmpStatus.Busy"/>).</summary>
public sealed class SmpUsageException : SmpException
{
    internal SmpUsageException(SmpStatus status, string message, string? finding, System.Exception? inner = null)
        : base(status, message, finding, null, null, inner)
    {
    }
}
