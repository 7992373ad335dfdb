using System;

namespace SmpFota;

/// <summary>A version as MCUboot stores it.</summary>
/// <param name="Major">0 to 255.</param>
/// <param name="Minor">0 to 255.</param>
/// <param name="Revision">0 to 65535.</param>
/// <param name="Build">A 32-bit number, 0 where none was given.</param>
public readonly record struct ImageVersion(byte Major, byte Minor, ushort Revision, uint Build)
{
    /// <summary>As imgtool writes it: <c>1.2.3</c>, or <c>1.2.3+4</c> with a build number.</summary>
    public override string ToString() => Build == 0
        ? FormattableString.Invariant($"{Major}.{Minor}.{Revision}")
        : FormattableString.Invariant($"{Major}.{Minor}.{Revision}+{Build}");
}
