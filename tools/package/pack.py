#!/usr/bin/env python3
"""Makes the NuGet package: target/package/SmpFota.<version>.nupkg and .snupkg.

usage: tools/package/pack.py [--leave-out RID]... [--local] [--natives FOLDER] [--readme FILE] [--suffix=TEXT] [--output FOLDER]

Needs a .NET SDK 10. Everything that goes in is checked first, and the finished package once more (check_package.py); after a problem
there is no package. `--local` makes one for this machine alone out of cargo's release build, for tests: its version says so.
REPOSITORY_URL in the environment gives the package its repository and SourceLink.
"""

import argparse
import json
import os
import platform as machine
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import archive
import check_package
import texts
from crates import ROOT, linked

import check  # of tools/natives, which crates.py has put on the path
from platforms import NATIVE, TARGET, Platform, table

PROJECT = ROOT / "bindings/dotnet/SmpFota/SmpFota.csproj"
README = PROJECT.parent / "Package/README.md"
LOCAL_RID = {("Linux", "x86_64"): "linux-x64", ("Linux", "aarch64"): "linux-arm64", ("Darwin", "arm64"): "osx-arm64", ("Darwin", "x86_64"): "osx-x64"}


class Refused(Exception):
    """The package is not made; the message has one line for each reason."""


def natives(folder: Path, left_out: list[str]) -> list[Platform]:
    """The rows whose files go in; Refused unless every file is there and good."""
    rows = table()
    unknown = set(left_out) - {row.rid for row in rows}
    if unknown:
        raise Refused(f"no such platform to leave out: {', '.join(sorted(unknown))}")
    rows = [row for row in rows if row.rid not in left_out]
    if not rows:
        raise Refused("every platform is left out")
    found = [f"{row.rid}: {problem}" for row in rows for problem in check.problems(row, row.file_in(folder))]
    if found:
        raise Refused("\n".join([*found, "a platform that shall not be in the package is named with --leave-out"]))
    return rows


def local(folder: Path) -> list[Platform]:
    """This machine's own library as the only row; it may need this machine's glibc."""
    rid = LOCAL_RID.get((machine.system(), machine.machine()))
    row = next((row for row in table() if row.rid == rid), None)
    if row is None:
        raise Refused(f"no platform of the table is this machine ({machine.system()} {machine.machine()})")
    built = TARGET / "release" / row.built_as
    if not built.is_file():
        raise Refused(f"{built} is missing; `cargo build --release` makes it")
    copy = row.file_in(folder)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(built, copy)
    return [row]


def run(command: list, **environment: str) -> None:
    result = subprocess.run([str(word) for word in command], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
    if result.returncode:
        raise Refused(f"{' '.join(map(str, command[:3]))} failed:\n{(result.stdout + result.stderr).strip()[-6000:]}")


def copy_rows(rows: list[Platform], source: Path, folder: Path) -> None:
    """Only what goes in, so that the project can take the whole folder."""
    for row in rows:
        target = row.file_in(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(row.file_in(source), target)


def public_documentation(assembly: Path, files: list[Path], work: Path) -> None:
    """Takes out of the XML what nobody outside the assembly can use."""
    tools = ROOT / ".cache" / "dotnet"
    run([ROOT / "tests/tools/dotnet.sh", tools])
    tool = work / "PublicDocumentation.dll"
    run([tools / "csc", "-nologo", "-langversion:12", "-nullable:enable", f"-out:{tool}", Path(__file__).parent / "PublicDocumentation.cs"])
    framework = {"name": "Microsoft.NETCore.App", "version": "8.0.0"}
    settings = {"runtimeOptions": {"tfm": "net8.0", "rollForward": "Major", "framework": framework}}
    tool.with_suffix(".runtimeconfig.json").write_text(json.dumps(settings))
    for file in files:
        run([tools / "dotnet", tool, assembly, file])


def normalise(package: Path) -> None:
    """The same entries in the same order at the same time: NuGet gives each package another name of its core properties."""
    with zipfile.ZipFile(package) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    properties = next((name for name in entries if name.endswith(".psmdcp")), None)
    if properties is not None:
        fixed = "package/services/metadata/core-properties/smpfota.psmdcp"
        entries[fixed] = entries.pop(properties)
        relations = entries["_rels/.rels"].decode("utf-8-sig").replace(properties, fixed)
        # The numbers of the relations are drawn as well.
        numbers = iter(range(1, 100))
        entries["_rels/.rels"] = re.sub(r'Id="R[0-9A-F]+"', lambda _: f'Id="R{next(numbers)}"', relations).encode()
    # Readers expect the manifest and the list of contents in front.
    first = {"[Content_Types].xml": 0, "_rels/.rels": 1}
    archive.write(package, {name: entries[name] for name in sorted(entries, key=lambda name: (first.get(name, 2), name))})


def make(options: argparse.Namespace) -> list[Path]:
    output = options.output.resolve()
    work = output / "obj"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for old in [*output.glob("SmpFota.*.nupkg"), *output.glob("SmpFota.*.snupkg")]:
        old.unlink()

    found = check_package.readme_problems(options.readme.read_text())
    if found:
        raise Refused("\n".join(f"{options.readme.name}: {problem}" for problem in found))
    version = texts.version() + options.suffix
    gathered = work / "native"
    standard: list[dict] = []
    if options.local:
        rows = local(gathered)
    else:
        rows = natives(options.natives, options.leave_out)
        copy_rows(rows, options.natives, gathered)
        written = options.natives / "standard-library.json"
        if not written.is_file():
            raise Refused(f"{written} is missing: `make natives` writes what the files contain of Rust's standard library")
        standard = json.loads(written.read_text())

    crates = linked()
    wanted = work / "texts"
    wanted.mkdir()
    (wanted / "THIRD-PARTY-NOTICES.txt").write_text(texts.notices(crates, standard))
    (wanted / "SmpFota.cdx.json").write_text(texts.bill_of_materials(crates, standard, texts.managed_dependencies(PROJECT), version))
    (wanted / "release-notes.txt").write_text(texts.release_notes((ROOT / "CHANGELOG.md").read_text(), texts.version()))

    properties = [
        f"-p:NativeFolder={gathered}",
        f"-p:PackageTexts={wanted}",
        f"-p:PackageVersionSuffix={options.suffix}",
        f"-p:PackageReadmeSource={options.readme.resolve()}",
        f"-p:RepositoryUrl={os.environ.get('REPOSITORY_URL', '')}",
        f"-p:BaseIntermediateOutputPath={work}/intermediate/",
        f"-p:BaseOutputPath={work}/built/",
        "-p:Configuration=Release",
        "-nodeReuse:false",
        "-p:UseSharedCompilation=false",
    ]
    quiet = ["--nologo", "--verbosity", "quiet"]
    clock = {"SOURCE_DATE_EPOCH": "315532800", "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1"}
    run(["dotnet", "build", PROJECT, *quiet, *properties], **clock)
    built = work / "built" / "Release"
    # Both assemblies have the same public members; the one for .NET can be looked at here.
    files = [built / framework / "SmpFota.xml" for framework in check_package.FRAMEWORKS]
    public_documentation(built / "net8.0" / "SmpFota.dll", files, work)
    run(["dotnet", "pack", PROJECT, "--no-build", "--output", output, *quiet, *properties], **clock)

    package = output / f"SmpFota.{version}.nupkg"
    symbols = output / f"SmpFota.{version}.snupkg"
    for file in (package, symbols):
        normalise(file)
    problems = check_package.problems(package, symbols, rows, gathered, crates, local=options.local)
    if problems:
        package.rename(package.with_suffix(".refused"))
        symbols.unlink()
        raise Refused("\n".join(f"{package.name}: {problem}" for problem in problems))
    return [package, symbols]


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the NuGet package.")
    parser.add_argument("--leave-out", action="append", default=[], metavar="RID", help="a platform that the package shall be without")
    parser.add_argument("--local", action="store_true", help="for tests: this machine's library from target/release, and no other")
    parser.add_argument("--natives", type=Path, default=NATIVE, metavar="FOLDER")
    parser.add_argument("--readme", type=Path, default=README, metavar="FILE")
    parser.add_argument("--suffix", default="", help="what is put after the version: --suffix=-preview.1")
    parser.add_argument("--output", type=Path, default=TARGET / "package", metavar="FOLDER")
    options = parser.parse_args()
    if options.local:
        options.suffix += "-local"
    try:
        files = make(options)
    except Refused as refused:
        print(f"no package:\n{refused}", file=sys.stderr)
        return 1
    for file in files:
        print(f"{file.stat().st_size} bytes in {os.path.relpath(file)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
