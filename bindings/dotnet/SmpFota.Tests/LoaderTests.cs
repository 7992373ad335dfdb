using System;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using SmpFota.Interop;
using Xunit;

namespace SmpFota.Tests;

/// <summary>A library of another version, or another file altogether, is refused at the first use with a useful sentence.</summary>
public sealed class LoaderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("smpfota").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TheLibraryBesideTheAssemblyIsLoaded()
    {
        Assert.Equal(1, SmpLibrary.AbiVersion);
        Assert.Matches(@"^\d+\.\d+\.\d+", SmpLibrary.Version);
        Assert.True(File.Exists(SmpLibrary.LoadedFile), SmpLibrary.LoadedFile);
    }

    [Fact]
    public void ThePathIsFixedAfterTheFirstUse()
    {
        _ = SmpLibrary.Version;
        Assert.Throws<InvalidOperationException>(() => SmpLibrary.Path = "other");
    }

    [CompilerFact]
    public void AnotherAbiVersionIsRefusedByNameAndNumbers()
    {
        string file = Compile("unsigned smpfota_abi_version(void) { return 99; }");
        Exception thrown = FirstUseOf(file);
        Assert.Equal("SmpFota.SmpLibraryException", thrown.GetType().FullName);
        Assert.Contains(file, thrown.Message);
        Assert.Contains("ABI version 99", thrown.Message);
        Assert.Contains("needs version 1", thrown.Message);
    }

    [CompilerFact]
    public void AnotherLibraryIsRefused()
    {
        string file = Compile("int unrelated(void) { return 0; }");
        Exception thrown = FirstUseOf(file);
        Assert.Equal("SmpFota.SmpLibraryException", thrown.GetType().FullName);
        Assert.Contains(file, thrown.Message);
        Assert.Contains("smpfota_abi_version", thrown.Message);
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        string file = Path.Combine(folder, "missing.so");
        Exception thrown = FirstUseOf(file);
        Assert.Equal("SmpFota.SmpLibraryException", thrown.GetType().FullName);
        Assert.Contains(file, thrown.Message);
    }

    // The assembly once more, in a context of its own, so that its first use is still to come.
    private static Exception FirstUseOf(string file)
    {
        var context = new AssemblyLoadContext("first use", isCollectible: true);
        try
        {
            Type library = context.LoadFromAssemblyPath(typeof(SmpLibrary).Assembly.Location).GetType("SmpFota.SmpLibrary")!;
            Assert.NotSame(typeof(SmpLibrary), library);
            library.GetProperty("Path")!.SetValue(null, file);
            var thrown = Assert.Throws<TargetInvocationException>(() => library.GetProperty("Version")!.GetValue(null));
            return thrown.InnerException!;
        }
        finally
        {
            context.Unload();
        }
    }

    private string Compile(string source)
    {
        string input = Path.Combine(folder, "fake.c");
        string output = Path.Combine(folder, "libfake.so");
        File.WriteAllText(input, source);
        using Process compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-o", output, input]))!;
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        return output;
    }

    /// <summary>A fact that makes a small library with the C compiler of the system.</summary>
    private sealed class CompilerFactAttribute : FactAttribute
    {
        public CompilerFactAttribute()
        {
            if (!File.Exists("/usr/bin/cc"))
            {
                Skip = "there is no C compiler at /usr/bin/cc";
            }
        }
    }
}
