namespace SmpFota;

/// <summary>Whether the device joins several writes to one SMP frame.</summary>
public enum SmpReassembly
{
    /// <summary>Conclude it from what the device says of its buffers.</summary>
    Auto = 0,

    /// <summary>It does: frames may be longer than one write.</summary>
    Yes = 1,

    /// <summary>It does not: every frame fits one write.</summary>
    No = 2,
}
