namespace SmpFota;

/// <summary>Which version of the SMP header requests carry.</summary>
public enum SmpProtocolVersion
{
    /// <summary>Start with the newer one and follow what the device answers.</summary>
    Auto = 0,

    /// <summary>The first version, whose errors are one plain number.</summary>
    V1 = 1,

    /// <summary>The second version, whose errors name their group.</summary>
    V2 = 2,
}
