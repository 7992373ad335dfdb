namespace SmpFota;

/// <summary>A stored session cannot be restored: it is damaged, belongs to another image, or was written by a newer library.</summary>
public sealed class SmpSnapshotException : SmpException
{
    internal SmpSnapshotException(SmpStatus status, string message, string? finding)
        : base(status, message, finding, null, null)
    {
    }
}
