using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace SmpFota.Interop;

/// <summary>Finds the native library and refuses one that speaks another version of the ABI.</summary>
internal static unsafe class NativeLibraryLoader
{
    /// <summary>The version of the C ABI that the signatures of this assembly are made for.</summary>
    internal const uint WantedAbi = 1;

    // On every system: without the prefix, Windows would take the native file and SmpFota.dll for one.
    private const string Name = "libsmpfota";

    private static readonly object Gate = new();
    private static string? explicitPath;
    private static string? loadedFile;
    private static nint library;

    /// <summary>An exact file to load instead of searching. Fixed after the first use of the library.</summary>
    internal static string? ExplicitPath
    {
        get { lock (Gate) { return explicitPath; } }
        set
        {
            lock (Gate)
            {
                if (library != 0)
                {
                    throw new InvalidOperationException($"The native library has already been loaded from '{loadedFile}'; set the path before the first use.");
                }

                explicitPath = value;
            }
        }
    }

    /// <summary>The file that was loaded, or null before the first use.</summary>
    internal static string? LoadedFile
    {
        get { lock (Gate) { return loadedFile; } }
    }

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must be in place before the first P/Invoke, whichever that is.")]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLoader).Assembly, Resolve);

    /// <summary>
    /// Loads the library now, so that what is wrong with it is said from here and not out of the runtime's own search; .NET Framework has
    /// none that could be asked. Every way to a first call passes here: the handles, and what reads text.
    /// </summary>
    internal static void EnsureLoaded()
    {
#if NETSTANDARD2_0
        NativeLibrary.Resolve(Name);
#else
        if (Volatile.Read(ref library) == 0)
        {
            Resolve(Name, typeof(NativeLibraryLoader).Assembly, null);
        }
#endif
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? paths)
    {
        if (name != Name)
        {
            return 0;
        }

        lock (Gate)
        {
            if (library == 0)
            {
                (nint found, string file) = Load(assembly, paths);
                CheckAbi(found, file);
                loadedFile = file;
                library = found;
            }

            return library;
        }
    }

    private static (nint Library, string File) Load(Assembly assembly, DllImportSearchPath? paths)
    {
        if (explicitPath is { } path)
        {
            try
            {
                return (NativeLibrary.Load(path), path);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                throw new SmpLibraryException($"The native library '{path}' cannot be loaded: {e.Message}", e);
            }
        }

        List<string> candidates = Candidates(assembly);
        var refused = new List<Exception>();
        if (FirstThatLoads(candidates, refused) is { } beside)
        {
            return beside;
        }

        if (NativeLibrary.TryLoad(Name, assembly, paths, out nint system))
        {
            return (system, FileOfModule());
        }

        throw NotLoaded(candidates, refused);
    }

    /// <summary>The first of the files that exists and can be loaded; null for none. Why the others could not is added to the list.</summary>
    internal static (nint Library, string File)? FirstThatLoads(IEnumerable<string> candidates, List<Exception> refused)
    {
        foreach (string candidate in candidates.Where(File.Exists))
        {
            try
            {
                return (NativeLibrary.Load(candidate), candidate);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                // Another system or architecture, an old C library, something missing: the system's words say which.
                refused.Add(e);
            }
        }

        return null;
    }

    /// <summary>The exception for files of which none is there, or none could be loaded.</summary>
    internal static SmpLibraryException NotLoaded(IReadOnlyList<string> candidates, IReadOnlyList<Exception> refused) =>
        refused.Count == 0
            ? new SmpLibraryException(
                $"The native library {FileName} for {RuntimeInformation.RuntimeIdentifier} was not found. Put it beside the application or name it in SmpLibrary.NativePath. Looked for: {string.Join(", ", candidates)}.")
            : new SmpLibraryException(
                $"The native library {FileName} is there, but it cannot be loaded into this process ({RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.ProcessArchitecture}): {string.Join(" ", refused.Select(e => e.Message.Trim()))}",
                refused.Count == 1 ? refused[0] : new AggregateException(refused));

    private static string FileName => Name + (OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so");

    // The places a NuGet package, a publish and a plain copy put the file, in the order in which they win.
    private static List<string> Candidates(Assembly assembly)
    {
        string beside = FolderOf(assembly);
        List<string> candidates =
        [
            Path.Combine(beside, FileName),
            Path.Combine(beside, "runtimes", PortableRid, "native", FileName),
        ];
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string list)
        {
            foreach (string place in list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            {
                candidates.Add(Path.Combine(place, FileName));
            }
        }

        return candidates.Distinct().ToList();
    }

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "An empty location falls back to the application's folder.")]
    private static string FolderOf(Assembly assembly) =>
        Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;

    private static string PortableRid
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win"
                : OperatingSystem.IsMacOS() ? "osx"
                : RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal) ? "linux-musl" : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>Throws unless the library at <paramref name="handle"/> speaks the ABI this assembly was made for.</summary>
    /// <exception cref="SmpLibraryException">It does not, or it is not this library at all.</exception>
    internal static void CheckAbi(nint handle, string file)
    {
        if (!NativeLibrary.TryGetExport(handle, "smpfota_abi_version", out nint entry))
        {
            throw new SmpLibraryException($"'{file}' is not the smpfota library: it does not export smpfota_abi_version.");
        }

        uint found = ((delegate* unmanaged[Cdecl]<uint>)entry)();
        if (found != WantedAbi)
        {
            throw new SmpLibraryException(
                $"The native library '{file}' speaks ABI version {found}, but this assembly needs version {WantedAbi}. Use the library and the assembly of the same release.");
        }
    }

    // The system found the file by itself: ask the process which one it was.
    private static string FileOfModule()
    {
        using Process process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
        {
            if (module.FileName is { } file && Path.GetFileName(file).StartsWith(Name, StringComparison.Ordinal))
            {
                return file;
            }
        }

        return FileName;
    }
}
