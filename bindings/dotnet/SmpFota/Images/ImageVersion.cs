using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace SmpFota;

/// <summary>A version as MCUboot stores it. Compares by all four numbers, the build number last.</summary>
/// <param name="Major">0 to 255.</param>
/// <param name="Minor">0 to 255.</param>
/// <param name="Revision">0 to 65535.</param>
/// <param name="Build">A 32-bit number, 0 where none was given.</param>
public readonly record struct ImageVersion(byte Major, byte Minor, ushort Revision, uint Build)
    : IComparable<ImageVersion>, IComparable, IFormattable
#if !NETSTANDARD
    , ISpanFormattable, ISpanParsable<ImageVersion>
#endif
{
    /// <summary>Whether one is older.</summary>
    public static bool operator <(ImageVersion left, ImageVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether one is newer.</summary>
    public static bool operator >(ImageVersion left, ImageVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether one is older or the same.</summary>
    public static bool operator <=(ImageVersion left, ImageVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one is newer or the same.</summary>
    public static bool operator >=(ImageVersion left, ImageVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Reads a version: <c>1.2.3</c>, <c>1.2.3+4</c> as imgtool writes it, <c>1.2.3.4</c> as devices do.</summary>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="FormatException">The text is no version, or a number is too large.</exception>
    public static ImageVersion Parse(string s) => Parse(s, null);

    /// <summary>As <see cref="Parse(string)"/>; the provider does not matter.</summary>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="FormatException">The text is no version, or a number is too large.</exception>
    public static ImageVersion Parse(string s, IFormatProvider? provider)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>As <see cref="Parse(string)"/>; the provider does not matter.</summary>
    public static ImageVersion Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out ImageVersion version)
            ? version
            : throw new FormatException($"'{s.ToString()}' is no version: it is written as 1.2.3, 1.2.3+4 or 1.2.3.4, with numbers up to 255.255.65535+4294967295.");

    /// <summary>As <see cref="Parse(string)"/>, without an exception.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, out ImageVersion result) => TryParse(s.AsSpan(), null, out result);

    /// <summary>As <see cref="Parse(string)"/>, without an exception; the provider does not matter.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ImageVersion result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <summary>As <see cref="Parse(string)"/>, without an exception; the provider does not matter.</summary>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out ImageVersion result)
    {
        result = default;
        ReadOnlySpan<char> rest = s;
        if (!Next(ref rest, byte.MaxValue, ".", out uint major) || !Next(ref rest, byte.MaxValue, ".", out uint minor)
            || !Next(ref rest, ushort.MaxValue, ".+", out uint revision) || !Next(ref rest, uint.MaxValue, "", out uint build))
        {
            return false;
        }

        // Three numbers at least, and nothing behind the last.
        int separators = 0;
        foreach (char character in s)
        {
            separators += character is '.' or '+' ? 1 : 0;
        }

        if (separators is not (2 or 3) || !rest.IsEmpty)
        {
            return false;
        }

        result = new ImageVersion((byte)major, (byte)minor, (ushort)revision, build);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ImageVersion other) => (Major, Minor, Revision, Build).CompareTo((other.Major, other.Minor, other.Revision, other.Build));

    /// <inheritdoc/>
    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        ImageVersion other => CompareTo(other),
        _ => throw new ArgumentException("It is no ImageVersion.", nameof(obj)),
    };

    /// <summary>As imgtool writes it: <c>1.2.3</c>, or <c>1.2.3+4</c> with a build number.</summary>
    public override string ToString() => Build == 0
        ? FormattableString.Invariant($"{Major}.{Minor}.{Revision}")
        : FormattableString.Invariant($"{Major}.{Minor}.{Revision}+{Build}");

    /// <summary>As <see cref="ToString()"/>; format and provider do not matter.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <summary>As <see cref="ToString()"/>, into a buffer; format and provider do not matter.</summary>
    /// <returns>False where the buffer is too small.</returns>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        string text = ToString();
        bool fits = text.AsSpan().TryCopyTo(destination);
        charsWritten = fits ? text.Length : 0;
        return fits;
    }

    // The number at the start, up to one of the separators, which goes with it. At the end of the text it is 0.
    private static bool Next(ref ReadOnlySpan<char> rest, uint most, string separators, out uint number)
    {
        number = 0;
        if (rest.IsEmpty)
        {
            return true;
        }

        int end = separators.Length == 0 ? -1 : rest.IndexOfAny(separators.AsSpan());
        ReadOnlySpan<char> digits = end < 0 ? rest : rest[..end];
        bool separated = end >= 0;
        rest = separated ? rest[(end + 1)..] : default;
        return uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most
            && !(separated && rest.IsEmpty);
    }
}
