using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace SmpFota.Tests.Support;

/// <summary>What the C header declares, as far as a comparison of names and layouts needs it.</summary>
internal sealed partial class CHeader
{
    internal CHeader(string path)
    {
        string text = Comments().Replace(File.ReadAllText(path), " ");
        foreach (Match found in Structs().Matches(text))
        {
            Structures[found.Groups[3].Value] = Fields().Matches(found.Groups[2].Value).SelectMany(Split).ToList();
        }

        foreach (Match found in Functions().Matches(text))
        {
            string parameters = found.Groups[2].Value.Trim();
            FunctionParameters[found.Groups[1].Value] = parameters is "void" or "" ? 0 : parameters.Split(',').Length;
        }
    }

    /// <summary>Struct name to its fields in order.</summary>
    internal Dictionary<string, List<Field>> Structures { get; } = [];

    /// <summary>Function name to its number of parameters.</summary>
    internal Dictionary<string, int> FunctionParameters { get; } = [];

    /// <summary>Offsets by the rules of C for fields of natural alignment, and the size.</summary>
    internal static (List<int> Offsets, int Size) LayOut(List<Field> fields)
    {
        var offsets = new List<int>();
        int at = 0;
        int widest = 1;
        foreach (Field field in fields)
        {
            at = (at + field.Width - 1) / field.Width * field.Width;
            offsets.Add(at);
            at += field.Width * field.Count;
            widest = Math.Max(widest, field.Width);
        }

        return (offsets, (at + widest - 1) / widest * widest);
    }

    private static IEnumerable<Field> Split(Match declaration)
    {
        int width = declaration.Groups[1].Value switch
        {
            "uint8_t" or "char" => 1,
            "uint16_t" => 2,
            "uint32_t" or "int32_t" => 4,
            "uint64_t" or "int64_t" => 8,
            string other => throw new InvalidDataException($"A struct of the header has a field of type {other}."),
        };
        return declaration.Groups[2].Value.Split(',').Select(name =>
        {
            string[] parts = name.Trim().TrimEnd(']').Split('[');
            return new Field(parts[0].Trim(), width, parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1);
        });
    }

    private static Regex Comments() => new(@"/\*.*?\*/|//[^\n]*", RegexOptions.Singleline);

    private static Regex Structs() => new(@"typedef struct\s*(\w*)\s*\{([^}]*)\}\s*(\w+)\s*;");

    private static Regex Fields() => new(@"(\w+)\s+([\w\s,\[\]]+);");

    private static Regex Functions() => new(@"\b(smpfota_\w+)\s*\(([^)]*)\)\s*;");

    internal sealed record Field(string Name, int Width, int Count);
}
