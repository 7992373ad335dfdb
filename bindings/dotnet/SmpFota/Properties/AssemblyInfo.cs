using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// The native library is looked for beside this assembly and in the system's safe folders, never in the working folder.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

#if !NETSTANDARD
// A signature that would need marshalling does not run: bool, string, enum and delegate stay out of the imports.
[assembly: DisableRuntimeMarshalling]
#endif
