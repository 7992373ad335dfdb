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

    internal static byte[] Hex(this JsonElement element, string name) =>
        element.Text(name) is { } text ? Convert.FromHexString(text) : [];

    internal static List<T> Items<T>(this JsonElement element, string name, Func<JsonElement, T> read)
    {
        var items = new List<T>();
        if (element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in value.EnumerateArray())
            {
                items.Add(read(item));
            }
        }

        return items;
    }
}
