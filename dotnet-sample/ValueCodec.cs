using System;

namespace SmpFota.Sample;

/// <summary>How a gateway writes the value of a characteristic into its messages.</summary>
internal abstract class ValueCodec
{
    internal static ValueCodec Base64 { get; } = new Base64Codec();

    internal static ValueCodec Hex { get; } = new HexCodec();

    internal abstract string Encode(ReadOnlySpan<byte> value);

    /// <exception cref="FormatException">The text is not a value in this code.</exception>
    internal abstract byte[] Decode(string text);

    private sealed class Base64Codec : ValueCodec
    {
        internal override string Encode(ReadOnlySpan<byte> value) => Convert.ToBase64String(value);

        internal override byte[] Decode(string text) => Convert.FromBase64String(text);
    }

    private sealed class HexCodec : ValueCodec
    {
        internal override string Encode(ReadOnlySpan<byte> value) => Convert.ToHexString(value).ToLowerInvariant();

        internal override byte[] Decode(string text) => Convert.FromHexString(text);
    }
}
