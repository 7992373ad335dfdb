using System;
using System.Collections.Generic;
using System.Text.Json;

namespace SmpFota;

/// <summary>Reads the library's JSON without reflection. What is absent has its default; a device need not say everything.</summary>
internal static class JsonReading
{
    internal static string? Text(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    internal static long? Number(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            ? number : null;

    internal static ulong? Unsigned(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number)
            ? number : null;

    internal static bool Flag(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    internal static bool? FlagOrNull(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : null;

    internal static byte[] Hex(this JsonElement element, string name) =>
        element.Text(name) is { } text ? Convert.FromHexString(text) : [];

    internal static IReadOnlyList<T> Items<T>(this JsonElement element, string name, Func<JsonElement, T> read)
    {
        var items = new List<T>();
        if (element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in value.EnumerateArray())
            {
                items.Add(read(item));
            }
        }

        return items.AsReadOnly();
    }

    /// <summary>The phase with this name in small letters, such as <c>verify_upload</c>; null for one of a newer library.</summary>
    internal static UpdatePhase? Phase(string name) =>
        name.Length > 0 && char.IsLetter(name[0]) && Enum.TryParse(name.Replace("_", string.Empty), ignoreCase: true, out UpdatePhase phase) ? phase : null;

    /// <summary>Whether two lists hold equal things in the same order.</summary>
    internal static bool Same<T>(IReadOnlyList<T> one, IReadOnlyList<T> other)
    {
        if (one.Count != other.Count)
        {
            return false;
        }

        for (int index = 0; index < one.Count; index++)
        {
            if (!EqualityComparer<T>.Default.Equals(one[index], other[index]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The first bytes of a hash for people; a dash for none.</summary>
    internal static string Short(ReadOnlyMemory<byte> hash) =>
        hash.IsEmpty ? "-" : Convert.ToHexString(hash.Span[..Math.Min(4, hash.Length)]).ToLowerInvariant();
}
