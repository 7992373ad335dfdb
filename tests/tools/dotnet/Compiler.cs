// A command-line C# compiler for machines that have the Roslyn library but no SDK.
// Takes the options of csc and understands what the library's own parser understands; analyzers and source generators
// are not run. Unless -nostdlib is given, the assemblies of the running .NET runtime are the references.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

internal static class Compiler
{
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    private static int Main(string[] args)
    {
        string here = Directory.GetCurrentDirectory();
        CSharpCommandLineArguments options = CSharpCommandLineParser.Default.Parse(args, here, Framework);
        if (Report(options.Errors))
        {
            return 1;
        }

        string output = options.OutputFileName
            ?? Path.ChangeExtension(Path.GetFileName(options.SourceFiles[0].Path), ".dll");
        var compilation = CSharpCompilation.Create(
            options.CompilationName ?? Path.GetFileNameWithoutExtension(output),
            options.SourceFiles.Select(file => Read(file.Path, options)),
            References(options, args.Contains("-nostdlib"), here),
            options.CompilationOptions);

        using var assembly = new MemoryStream();
        using var symbols = new MemoryStream();
        using MemoryStream? documentation = options.DocumentationPath is null ? null : new MemoryStream();
        EmitResult result = compilation.Emit(
            assembly,
            symbols,
            documentation,
            manifestResources: options.ManifestResources,
            options: options.EmitOptions.WithDebugInformationFormat(DebugInformationFormat.PortablePdb));
        if (Report(result.Diagnostics) || !result.Success)
        {
            return 1;
        }

        // Written only now: a failed compilation leaves no file that looks like a good one.
        string path = Path.Combine(options.OutputDirectory, output);
        File.WriteAllBytes(path, assembly.ToArray());
        File.WriteAllBytes(Path.ChangeExtension(path, ".pdb"), symbols.ToArray());
        if (documentation is not null)
        {
            File.WriteAllBytes(options.DocumentationPath!, documentation.ToArray());
        }

        return 0;
    }

    private static SyntaxTree Read(string path, CSharpCommandLineArguments options)
    {
        using FileStream file = File.OpenRead(path);
        return CSharpSyntaxTree.ParseText(SourceText.From(file, canBeEmbedded: true), options.ParseOptions, path);
    }

    private static List<MetadataReference> References(CSharpCommandLineArguments options, bool bare, string here)
    {
        var references = new List<MetadataReference>();
        foreach (CommandLineReference reference in options.MetadataReferences)
        {
            string path = Path.Combine(here, reference.Reference);
            // The parser adds the core library by itself; the loop below brings it with the rest.
            if (File.Exists(path))
            {
                references.Add(MetadataReference.CreateFromFile(path, reference.Properties));
            }
            else if (Path.GetFileName(path) != "mscorlib.dll")
            {
                throw new FileNotFoundException("no such reference: " + path);
            }
        }

        if (!bare)
        {
            references.AddRange(Directory.GetFiles(Framework, "*.dll")
                .Where(IsManaged)
                .Select(path => MetadataReference.CreateFromFile(path)));
        }

        return references;
    }

    private static bool IsManaged(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith("System.", StringComparison.Ordinal)
            || name is "mscorlib.dll" or "netstandard.dll" or "Microsoft.CSharp.dll" or "Microsoft.Win32.Primitives.dll";
    }

    /// <summary>Prints warnings and errors; true when there was an error.</summary>
    private static bool Report(IEnumerable<Diagnostic> diagnostics)
    {
        bool failed = false;
        foreach (Diagnostic diagnostic in diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning && !d.IsSuppressed))
        {
            Console.Error.WriteLine(diagnostic);
            failed |= diagnostic.Severity == DiagnosticSeverity.Error;
        }

        return failed;
    }
}
