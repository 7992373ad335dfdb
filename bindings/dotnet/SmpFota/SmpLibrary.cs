using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>The native library behind this assembly. Safe for any number of threads.</summary>
public static unsafe class SmpLibrary
{
    /// <summary>
    /// An exact file to load. Null (the default) searches beside this assembly, in <c>runtimes/&lt;rid&gt;/native</c>, where the
    /// host found the package's native files, and in the system's folders, in this order.
    /// </summary>
    /// <exception cref="InvalidOperationException">Set after the library was loaded.</exception>
    public static string? NativePath
    {
        get => NativeLibraryLoader.ExplicitPath;
        set => NativeLibraryLoader.ExplicitPath = value;
    }

    /// <summary>The name of <see cref="NativePath"/> in 0.1.</summary>
    /// <exception cref="InvalidOperationException">Set after the library was loaded.</exception>
    [Obsolete("It is NativePath now: Path hid System.IO.Path inside the namespace.")]
    public static string? Path
    {
        get => NativePath;
        set => NativePath = value;
    }

    /// <summary>The file that was loaded, or null before the first use.</summary>
    public static string? LoadedFile => NativeLibraryLoader.LoadedFile;

    /// <summary>The version of the native library, such as <c>0.1.0</c>. Loads it.</summary>
    /// <exception cref="SmpLibraryException">The library is missing or speaks another version of the ABI.</exception>
    public static string Version => NativeText.Read(NativeMethods.smpfota_version);

    /// <summary>The version of the C ABI that the native library speaks. Loads it.</summary>
    /// <exception cref="SmpLibraryException">The library is missing or speaks another version of the ABI.</exception>
    public static int AbiVersion
    {
        get
        {
            NativeLibraryLoader.EnsureLoaded();
            return checked((int)NativeMethods.smpfota_abi_version());
        }
    }
}
