using System.Runtime.InteropServices;

// The native library is looked for beside this assembly and in the system's safe folders, never in the working folder.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
