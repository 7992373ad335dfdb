#if NETSTANDARD2_0
using System;
using System.ComponentModel;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace SmpFota.Interop;

/// <summary>As .NET's delegate of the same name.</summary>
internal delegate nint DllImportResolver(string libraryName, Assembly assembly, DllImportSearchPath? searchPath);

/// <summary>What the loader uses of .NET's class of the same name, on the calls of the system itself.</summary>
internal static unsafe class NativeLibrary
{
    private const uint SearchBesideTheLibrary = 0x8; // LOAD_WITH_ALTERED_SEARCH_PATH
    private const int Now = 2; // RTLD_NOW, the same number on Linux and macOS

    private static Assembly? importing;
    private static DllImportResolver? importResolver;
    private static volatile bool resolved;

    private static bool IsWindows => RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    /// <exception cref="DllNotFoundException">It cannot be loaded; the message is the system's.</exception>
    internal static nint Load(string path)
    {
        if (IsWindows)
        {
            nint loaded = LoadLibraryEx(path, 0, SearchBesideTheLibrary);
            if (loaded != 0)
            {
                return loaded;
            }

            int error = Marshal.GetLastWin32Error();
            const int badImageFormat = 193;
            string reason = new Win32Exception(error).Message;
            throw error == badImageFormat ? new BadImageFormatException(reason) : new DllNotFoundException(reason);
        }

        nint opened = Unix.Open(path);
        return opened != 0 ? opened : throw new DllNotFoundException(Unix.Error());
    }

    internal static bool TryLoad(string path, out nint library)
    {
        try
        {
            library = Load(path);
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            library = 0;
            return false;
        }
    }

    /// <summary>By name alone, wherever the system looks. The assembly and the paths are .NET's and unused here.</summary>
    internal static bool TryLoad(string name, Assembly assembly, DllImportSearchPath? paths, out nint library)
    {
        _ = assembly;
        _ = paths;
        string suffix = IsWindows ? ".dll" : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? ".dylib" : ".so";
        return TryLoad(name + suffix, out library);
    }

    internal static void SetDllImportResolver(Assembly assembly, DllImportResolver resolver)
    {
        importing = assembly;
        importResolver = resolver;
    }

    /// <summary>
    /// Loads the library before its first call. Here no resolver is asked by the runtime; but once a file has been loaded from its
    /// full path, the import finds it by its own name: Windows by the name of the module, Linux and macOS by the one in its header.
    /// </summary>
    internal static void Resolve(string name)
    {
        if (!resolved && importResolver is { } resolver)
        {
            resolved = resolver(name, importing!, null) != 0;
        }
    }

    internal static bool TryGetExport(nint library, string name, out nint address)
    {
        address = IsWindows ? GetProcAddress(library, name) : Unix.Find(library, name);
        return address != 0;
    }

    [DllImport("kernel32", EntryPoint = "LoadLibraryExW", CharSet = CharSet.Unicode, ExactSpelling = true, SetLastError = true)]
    private static extern nint LoadLibraryEx(string path, nint reserved, uint flags);

    [DllImport("kernel32", CharSet = CharSet.Ansi, ExactSpelling = true, BestFitMapping = false)]
    private static extern nint GetProcAddress(nint library, string name);

    /// <summary>dlopen and its kin, which glibc before 2.34 keeps in libdl.so.2, newer ones and musl in the C library, and macOS in libSystem.</summary>
    private static class Unix
    {
        // Which of the libraries has the functions is found out once.
        private static readonly bool InLibdl = HasLibdl();

        internal static nint Open(string path)
        {
            fixed (byte* text = Utf8(path))
            {
                return InLibdl ? DlOpen2(text, Now) : DlOpen(text, Now);
            }
        }

        internal static nint Find(nint library, string name)
        {
            fixed (byte* text = Utf8(name))
            {
                return InLibdl ? DlSym2(library, text) : DlSym(library, text);
            }
        }

        internal static string Error() => Marshal.PtrToStringAnsi(InLibdl ? DlError2() : DlError()) ?? "the system gives no reason";

        private static bool HasLibdl()
        {
            try
            {
                _ = DlError2();
                return true;
            }
            catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
            {
                return false;
            }
        }

        private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + "\0");

        [DllImport("libdl.so.2", EntryPoint = "dlopen")]
        private static extern nint DlOpen2(byte* path, int flags);

        [DllImport("libdl.so.2", EntryPoint = "dlsym")]
        private static extern nint DlSym2(nint library, byte* name);

        [DllImport("libdl.so.2", EntryPoint = "dlerror")]
        private static extern nint DlError2();

        [DllImport("libc", EntryPoint = "dlopen")]
        private static extern nint DlOpen(byte* path, int flags);

        [DllImport("libc", EntryPoint = "dlsym")]
        private static extern nint DlSym(nint library, byte* name);

        [DllImport("libc", EntryPoint = "dlerror")]
        private static extern nint DlError();
    }
}
#endif
