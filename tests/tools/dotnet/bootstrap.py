"""Compiles Compiler.cs with the Roslyn library, driven from Python, because there is no compiler yet.

usage: bootstrap.py RUNTIME_FOLDER ROSLYN_FOLDER RUNTIMECONFIG SOURCE OUTPUT
"""

import sys
from pathlib import Path

import pythonnet

runtime, roslyn, config, source, output = map(Path, sys.argv[1:])
pythonnet.load("coreclr", runtime_config=str(config), dotnet_root=str(runtime))

import clr  # noqa: E402  (exists only after the runtime is loaded)

libraries = [roslyn / "Microsoft.CodeAnalysis.dll", roslyn / "Microsoft.CodeAnalysis.CSharp.dll"]
for library in libraries:
    clr.AddReference(str(library))

from Microsoft.CodeAnalysis import DiagnosticSeverity, MetadataReference, NullableContextOptions  # noqa: E402
from Microsoft.CodeAnalysis import OptimizationLevel, OutputKind, SyntaxTree  # noqa: E402
from Microsoft.CodeAnalysis.CSharp import CSharpCompilation, CSharpCompilationOptions, CSharpSyntaxTree  # noqa: E402
from System import Array  # noqa: E402
from System import Object as CoreObject  # noqa: E402
from System.IO import File, MemoryStream  # noqa: E402

framework = Path(CoreObject().GetType().Assembly.Location).parent
assemblies = [*framework.glob("System.*.dll"), framework / "netstandard.dll", *libraries]
options = (
    CSharpCompilationOptions(OutputKind.ConsoleApplication)
    .WithOptimizationLevel(OptimizationLevel.Release)
    .WithNullableContextOptions(NullableContextOptions.Enable)
)
compilation = CSharpCompilation.Create(
    "csc",
    Array[SyntaxTree]([CSharpSyntaxTree.ParseText(source.read_text(encoding="utf-8"))]),
    Array[MetadataReference]([MetadataReference.CreateFromFile(str(path)) for path in assemblies]),
    options,
)
assembly = MemoryStream()
result = compilation.Emit(assembly)
if not result.Success:
    sys.exit("\n".join(d.ToString() for d in result.Diagnostics if d.Severity == DiagnosticSeverity.Error))
File.WriteAllBytes(str(output), assembly.ToArray())
