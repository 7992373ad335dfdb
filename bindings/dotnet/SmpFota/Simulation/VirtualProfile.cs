namespace SmpFota;

/// <summary>Which server a <see cref="VirtualDevice"/> behaves like.</summary>
public enum VirtualProfile
{
    /// <summary>Zephyr 4.4.</summary>
    Zephyr44 = 0,

    /// <summary>NCS 2.1, which is Zephyr 3.1.99.</summary>
    Ncs21 = 1,
}
