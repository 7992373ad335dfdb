using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// Keeps the snapshot of each device in a file of its own in one folder: replaced in a single step, so that whenever the process dies one is
/// there whole, and deleted when the update has ended.
/// </summary>
/// <remarks>
/// Safe for any number of threads and devices; two that store for the same device at once leave the snapshot of one of them. The file of a
/// device is named after it, with what a file system may not take or tell apart written in hexadecimal; it ends in <c>.smpfota</c>. Where the system
/// keeps readers and writers of a file apart, as Windows does, each waits up to two seconds for the other.
/// </remarks>
public sealed class FileSnapshotStore
{
    private const string Suffix = ".smpfota";
    private const int LongestName = 200;

    // Windows replaces no file that somebody reads, and lets nobody read one that is being replaced: about two seconds in all.
    private const int Tries = 64;

    private readonly string folder;

    /// <summary>Makes a store. The folder is created when something is stored.</summary>
    /// <param name="folder">The folder, for this store alone.</param>
    /// <exception cref="ArgumentException">There is no folder.</exception>
    public FileSnapshotStore(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        this.folder = Path.GetFullPath(folder);
    }

    /// <summary>What <see cref="SmpClientServices.SnapshotSink"/> takes, for the client of one device.</summary>
    /// <param name="device">The device's name: any text that tells it apart.</param>
    /// <exception cref="ArgumentException">The name is empty, or longer than 200 characters once it is a file's.</exception>
    public Func<SmpSnapshot, CancellationToken, Task> SinkFor(string device)
    {
        string file = FileOf(device);
        return (snapshot, cancellationToken) => Task.Run(() => Store(file, snapshot), cancellationToken);
    }

    /// <summary>The snapshot of a device; null where no update of it is to be gone on with.</summary>
    /// <param name="device">The device's name.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    /// <exception cref="IOException">The file is there and cannot be read.</exception>
    public Task<byte[]?> ReadAsync(string device, CancellationToken cancellationToken = default)
    {
        string file = FileOf(device);
        return Task.Run(() => Patiently(() => Read(file)), cancellationToken);
    }

    /// <summary>Forgets what is stored of a device; nothing where there is nothing.</summary>
    /// <param name="device">The device's name.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    /// <exception cref="IOException">The file is in use.</exception>
    public void Delete(string device) => Remove(FileOf(device));

    /// <summary>The devices whose update is to be gone on with, in no order.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public IReadOnlyList<string> ListDevices()
    {
        var devices = new List<string>();
        if (Directory.Exists(folder))
        {
            foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix))
            {
                devices.Add(DeviceOf(Path.GetFileNameWithoutExtension(file)));
            }
        }

        return devices.AsReadOnly();
    }

    private static byte[]? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private static void Patiently(Action access) => _ = Patiently(() =>
    {
        access();
        return true;
    });

    private static T Patiently<T>(Func<T> access)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return access();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && attempt < Tries && Path.DirectorySeparatorChar == '\\')
            {
                Thread.Sleep(attempt);
            }
        }
    }

    private static void Store(string file, SmpSnapshot snapshot)
    {
        if (snapshot.HasEnded)
        {
            Remove(file);
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string fresh = $"{file}.{Guid.NewGuid():N}";
        try
        {
            using (var stream = new FileStream(fresh, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                byte[] bytes = snapshot.Bytes.ToArray();
                stream.Write(bytes, 0, bytes.Length);
                stream.Flush(flushToDisk: true);
            }

            Patiently(() => Replace(fresh, file));
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
    }

    private static void Replace(string fresh, string file)
    {
#if NETSTANDARD2_0
        if (File.Exists(file))
        {
            File.Replace(fresh, file, null);
        }
        else
        {
            File.Move(fresh, file);
        }
#else
        File.Move(fresh, file, overwrite: true);
#endif
    }

    private static void Remove(string file) => Patiently(() =>
    {
        if (File.Exists(file))
        {
            File.Delete(file);
        }
    });

    // What Windows takes for a device of its own, whatever follows behind a dot.
    private static bool IsReserved(string name) =>
        name is "con" or "prn" or "aux" or "nul"
        || (name.Length == 4 && name[3] is >= '0' and <= '9' && name.Substring(0, 3) is ("com" or "lpt"));

    // Small letters, digits and the minus stand for themselves, any other byte of the UTF-8 as _ and two digits.
    private string FileOf(string device)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        var name = new StringBuilder();
        bool reserved = IsReserved(device);
        foreach (byte character in Encoding.UTF8.GetBytes(device))
        {
            _ = !(reserved && name.Length == 0) && (char)character is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'
                ? name.Append((char)character)
                : name.Append('_').Append(character.ToString("x2", CultureInfo.InvariantCulture));
        }

        return name.Length <= LongestName
            ? Path.Combine(folder, name + Suffix)
            : throw new ArgumentException($"The name of the device takes {name.Length} characters as a file's, more than {LongestName}.", nameof(device));
    }

    private static string DeviceOf(string name)
    {
        var bytes = new List<byte>();
        for (int index = 0; index < name.Length; index++)
        {
            if (name[index] == '_' && index + 2 < name.Length
                && byte.TryParse(name.AsSpan(index + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte character))
            {
                bytes.Add(character);
                index += 2;
            }
            else
            {
                bytes.Add((byte)name[index]);
            }
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
