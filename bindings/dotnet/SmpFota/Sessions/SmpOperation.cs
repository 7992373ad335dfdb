namespace SmpFota;

/// <summary>The two kinds of SMP request; the numbers are those of the protocol.</summary>
public enum SmpOperation
{
    /// <summary>Ask for something.</summary>
    Read = 0,

    /// <summary>Change or do something.</summary>
    Write = 2,
}
