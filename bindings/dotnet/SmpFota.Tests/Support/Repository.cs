using System;
using System.IO;

namespace SmpFota.Tests.Support;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    internal static string Root { get; } = Find();

    internal static string Header => Path.Combine(Root, "include", "smpfota.h");

    private static string Find()
    {
        string start = Path.GetDirectoryName(typeof(Repository).Assembly.Location) is { Length: > 0 } place ? place : AppContext.BaseDirectory;
        foreach (string from in new[] { start, Directory.GetCurrentDirectory() })
        {
            for (DirectoryInfo? folder = new(from); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Cargo.toml")) && Directory.Exists(Path.Combine(folder.FullName, "bindings")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new InvalidOperationException($"No checkout above {start}.");
    }
}
