using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
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

    /// <summary>On Windows two such files are one: the second that is copied overwrites the first.</summary>
    [Fact]
    public void NoTwoFilesDifferOnlyInCase()
    {
        string folder = AppContext.BaseDirectory;
        string[] files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        Assert.Empty(files.GroupBy(file => file, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1).Select(same => same.Key));

        // As it would be on each system, beside the assemblies of this one.
        string[] natives = ["libsmpfota.so", "libsmpfota.dylib", "libsmpfota.dll"];
        Assert.Contains(Path.GetFileName(SmpLibrary.LoadedFile), natives);
        string[] assemblies = files.Select(file => Path.GetFileName(file)).Where(name => name.EndsWith(".dll", StringComparison.Ordinal)).ToArray();
        Assert.Contains("SmpFota.dll", assemblies);
        Assert.Empty(assemblies.Where(name => name != "libsmpfota.dll").Intersect(natives, StringComparer.OrdinalIgnoreCase));
        Assert.All(
            typeof(NativeMethods).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
                .Select(method => method.GetCustomAttribute<DllImportAttribute>()?.Value).OfType<string>(),
            import => Assert.Contains(import + ".dll", natives));
    }

    [Fact]
    public void ThePathIsFixedAfterTheFirstUse()
    {
        _ = SmpLibrary.Version;
        Assert.Throws<InvalidOperationException>(() => SmpLibrary.NativePath = "other");
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

    /// <summary>A file that is there and cannot be loaded is not "not found": the sentence has the system's own reason for each.</summary>
    [CompilerFact]
    public void AFileThatCannotBeLoadedSaysWhy()
    {
        string beside = Path.Combine(folder, "libsmpfota.so");
        string needs = Compile("int missing(void); int smpfota_abi_version(void) { return missing(); }", "-Wl,-z,now");
        foreach ((byte[] bytes, string reason) in new[]
        {
            (OtherArchitecture(File.ReadAllBytes(needs)), ""), (File.ReadAllBytes(needs), "undefined symbol: missing"), ("no library"u8.ToArray(), ""),
        })
        {
            File.WriteAllBytes(beside, bytes);
            Exception named = FirstUseOf(beside);
            Assert.Equal("SmpFota.SmpLibraryException", named.GetType().FullName);

            var refused = new List<Exception>();
            string[] candidates = [Path.Combine(folder, "absent.so"), beside];
            Assert.Null(NativeLibraryLoader.FirstThatLoads(candidates, refused));
            foreach (Exception thrown in new[] { named, NativeLibraryLoader.NotLoaded(candidates, refused) })
            {
                Assert.Contains(beside, thrown.Message);
                Assert.Contains(reason, thrown.Message);
                Assert.Contains("cannot be loaded", thrown.Message);
                Assert.DoesNotContain("absent", thrown.Message);
                Assert.NotNull(thrown.InnerException);
            }
        }

        Assert.Contains("was not found", NativeLibraryLoader.NotLoaded([beside], []).Message);
    }

    // The machine in the ELF header: 0xb7 is AArch64, 0x3e x86-64.
    private static byte[] OtherArchitecture(byte[] elf)
    {
        elf[18] = (byte)(elf[18] == 0xb7 ? 0x3e : 0xb7);
        return elf;
    }

    // The assembly once more, in a context of its own, so that its first use is still to come.
    private static Exception FirstUseOf(string file)
    {
        var context = new AssemblyLoadContext("first use");
        Type library = context.LoadFromAssemblyPath(typeof(SmpLibrary).Assembly.Location).GetType("SmpFota.SmpLibrary")!;
        Assert.NotSame(typeof(SmpLibrary), library);
        library.GetProperty("Path")!.SetValue(null, file);
        var thrown = Assert.Throws<TargetInvocationException>(() => library.GetProperty("Version")!.GetValue(null));
        return thrown.InnerException!;
    }

    private string Compile(string source, params string[] options)
    {
        string input = Path.Combine(folder, "fake.c");
        string output = Path.Combine(folder, "libfake.so");
        File.WriteAllText(input, source);
        using Process compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-o", output, input, .. options]))!;
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        return output;
    }

    /// <summary>A fact that makes a small library with the C compiler of the system.</summary>
    private sealed class CompilerFactAttribute : FactAttribute
    {
        public CompilerFactAttribute()
        {
            if (OperatingSystem.IsWindows() || !File.Exists("/usr/bin/cc"))
            {
                Skip = "there is no C compiler at /usr/bin/cc";
            }
        }
    }
}
