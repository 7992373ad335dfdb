using System;
using System.IO;

namespace SmpFota.Sample;

/// <summary>Where a worker leaves the state of its update, so that the next one can go on.</summary>
internal sealed class SnapshotFile(string path)
{
    internal byte[]? Load() => File.Exists(path) ? File.ReadAllBytes(path) : null;

    // The old state gives way to the new one in a single step: whenever the process dies, one of them is there, whole.
    internal void Store(ReadOnlyMemory<byte> snapshot)
    {
        using (FileStream file = File.Create(path + ".new"))
        {
            file.Write(snapshot.Span);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    internal void Delete() => File.Delete(path);
}
