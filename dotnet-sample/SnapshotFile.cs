using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>Where a worker leaves the state of its update, so that the next one can go on.</summary>
internal sealed class SnapshotFile(string path)
{
    internal byte[]? Load() => File.Exists(path) ? File.ReadAllBytes(path) : null;

    // The old state gives way to the new one in a single step: whenever the process dies, one of them is there, whole. (The library's
    // FileSnapshotStore does the same for a folder with the files of many devices.)
    internal async Task StoreAsync(SmpSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (snapshot.HasEnded)
        {
            File.Delete(path);
            return;
        }

        await using (FileStream file = File.Create(path + ".new"))
        {
            await file.WriteAsync(snapshot.Bytes, cancellationToken);
        }

        File.Move(path + ".new", path, overwrite: true);
    }
}
