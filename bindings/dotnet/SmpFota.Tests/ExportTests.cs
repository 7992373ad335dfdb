using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SmpFota.Interop;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The signatures of C#, the header and the exports of the library are one list.</summary>
public sealed class ExportTests
{
    private static IEnumerable<MethodInfo> Imports => typeof(NativeMethods)
        .GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
        .Where(method => method.GetCustomAttribute<DllImportAttribute>() is not null);

    [Fact]
    public void EveryImportIsExported()
    {
        _ = SmpLibrary.Version;
        nint library = NativeLibrary.Load(SmpLibrary.LoadedFile!);
        Assert.NotEmpty(Imports);
        Assert.All(Imports, method => Assert.True(NativeLibrary.TryGetExport(library, method.Name, out _), method.Name));
    }

    [Fact]
    public void TheHeaderHasTheSameFunctions()
    {
        var header = new CHeader(Repository.Header);
        Assert.Equal(
            header.FunctionParameters.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}/{f.Value}"),
            Imports.Select(m => $"{m.Name}/{m.GetParameters().Length}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryImportIsBlittableAndCdecl()
    {
        Assert.All(Imports, method =>
        {
            DllImportAttribute import = method.GetCustomAttribute<DllImportAttribute>()!;
            Assert.Equal(CallingConvention.Cdecl, import.CallingConvention);
            Assert.True(import.ExactSpelling);
            Assert.All(method.GetParameters(), p => Assert.True(
                p.ParameterType.IsPointer || (p.ParameterType.IsPrimitive && p.ParameterType != typeof(bool) && p.ParameterType != typeof(char)),
                $"{method.Name}: {p}"));
        });
    }

    /// <summary>The runtime holds it too: an import that needs marshalling does not run.</summary>
    [Fact]
    public void NothingIsMarshalledAtRunTime() => Assert.NotNull(typeof(NativeMethods).Assembly.GetCustomAttribute<DisableRuntimeMarshallingAttribute>());
}
