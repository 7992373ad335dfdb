#!/usr/bin/env python3
"""Holds the native files to the table of platforms.

usage: tools/natives/check.py [--folder FOLDER] [RID...]      default: every row of platforms.toml in target/native

A file has to be there, for the right processor, export the functions of the C header and nothing else, need no library but the
row's and no newer glibc or macOS than the row's, carry its own name and no path of the machine that built it, and be of a
plausible size. Prints a line for each file; exit code 1 after a problem.
"""

import argparse
import fnmatch
import re
import sys
from pathlib import Path

import lief

from platforms import CROSS, NATIVE, ROOT, Platform, chosen

HEADER = ROOT / "include" / "smpfota.h"
LARGEST = 3_000_000
SMALLEST = 500_000
# Where people and build machines keep sources; std's own mention of /tmp ends there.
BUILDERS_PATH = re.compile(rb"/(?:home|root|Users|tmp|builds?)/[\x21-\x7e]+")
PROCESSORS = {
    "x64": ("X86_64", "AMD64"),
    "arm64": ("AARCH64", "ARM64"),
    "arm": ("ARM",),
}


def functions_of_the_header() -> set[str]:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", HEADER.read_text(), flags=re.S)
    return set(re.findall(r"\b(smpfota_\w+)\s*\(", code))


# ---- what a file says of itself --------------------------------------------------------------------------------------------


class Facts:
    """The same facts of an ELF, a PE and a Mach-O file."""

    def __init__(self, file: Path):
        self.bytes = file.read_bytes()
        binary = lief.parse(str(file))
        if binary is None:
            raise ValueError("it is no library of any system")
        self.format = {lief.ELF.Binary: "ELF", lief.PE.Binary: "PE", lief.MachO.Binary: "Mach-O"}[type(binary)]
        self.name: str | None = None
        self.search_paths: list[str] = []
        self.versions: list[tuple[str, tuple[int, ...]]] = []
        self.oldest: str | None = None
        {"ELF": self.read_elf, "PE": self.read_pe, "Mach-O": self.read_macho}[self.format](binary)

    def read_elf(self, binary) -> None:
        self.processor = binary.header.machine_type.name
        self.exports = {
            symbol.name
            for symbol in binary.dynamic_symbols
            if symbol.shndx != 0 and symbol.binding != lief.ELF.Symbol.BINDING.LOCAL
        }
        self.needs = set(binary.libraries)
        tag = lief.ELF.DynamicEntry.TAG
        for entry in binary.dynamic_entries:
            if entry.tag == tag.SONAME:
                self.name = entry.name
            elif entry.tag == tag.RPATH:
                self.search_paths += entry.paths
            elif entry.tag == tag.RUNPATH:
                self.search_paths += entry.paths
        for requirement in binary.symbols_version_requirement:
            for version in requirement.get_auxiliary_symbols():
                name, _, number = version.name.partition("_")
                if name == "GLIBC":
                    self.versions.append((version.name, tuple(map(int, number.split(".")))))

    def read_pe(self, binary) -> None:
        self.processor = binary.header.machine.name
        self.exports = {entry.name for entry in binary.get_export().entries} if binary.has_exports else set()
        self.needs = {entry.name.lower() for entry in binary.imports}

    def read_macho(self, binary) -> None:
        self.processor = binary.header.cpu_type.name
        self.exports = {symbol.name.removeprefix("_") for symbol in binary.exported_symbols}
        self.needs = {library.name for library in binary.libraries}
        for command in binary.commands:
            if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB:
                self.name = command.name
                self.needs.discard(command.name)
            elif command.command == lief.MachO.LoadCommand.TYPE.RPATH:
                self.search_paths.append(command.path)
        if binary.has_build_version:
            self.oldest = ".".join(map(str, binary.build_version.minos[:2]))
        elif binary.has_version_min:
            self.oldest = ".".join(map(str, binary.version_min.version[:2]))
        self.signed = binary.has_code_signature


# ---- what is wrong with it -------------------------------------------------------------------------------------------------


def builders_paths(content: bytes) -> list[str]:
    """The places of this machine that are named in a file, and what looks like those of another."""
    ours = {str(ROOT), str(CROSS), str(Path.home() / ".cargo")}
    found = {path for path in ours if path.encode() in content}
    found |= {match.decode("ascii") for match in BUILDERS_PATH.findall(content)}
    return sorted(found)


def names(some: set[str]) -> str:
    shown = sorted(some)
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def problems(platform: Platform, file: Path) -> list[str]:
    """Sentences, one for each thing that is wrong; none for a good file."""
    if not file.is_file():
        return [f"{file} is missing; `make natives RIDS={platform.rid}` builds it"]
    try:
        facts = Facts(file)
    except ValueError as error:
        return [f"{file}: {error}"]
    found = []
    processor = platform.rid.rsplit("-", 1)[1]
    wanted = "PE" if platform.file.endswith(".dll") else "Mach-O" if platform.file.endswith(".dylib") else "ELF"
    if facts.format != wanted or facts.processor not in PROCESSORS[processor]:
        return [f"{file} is {facts.format} for {facts.processor}, which {platform.rid} cannot load"]

    functions = functions_of_the_header()
    if missing := functions - facts.exports:
        found.append(f"it does not export {names(missing)}")
    if others := facts.exports - functions:
        found.append(f"it exports what the header does not declare: {names(others)}")
    unknown = {need for need in facts.needs if not any(fnmatch.fnmatch(need, allowed) for allowed in platform.needs)}
    if unknown:
        found.append(f"it needs {names(unknown)}, which its row does not allow")
    if facts.search_paths:
        found.append(f"it looks for libraries in {', '.join(facts.search_paths)}")
    if platform.glibc:
        floor = tuple(map(int, platform.glibc.split(".")))
        newer = {name for name, version in facts.versions if version > floor}
        if newer:
            found.append(f"it needs a newer glibc than {platform.glibc}: {', '.join(sorted(newer))}")
    elif facts.versions:
        found.append("it needs glibc, which this platform has not")
    found += name_problems(platform, facts)
    if paths := builders_paths(facts.bytes):
        found.append(f"it names places of the machine that built it: {', '.join(paths[:4])}")
    if not SMALLEST <= len(facts.bytes) <= LARGEST:
        found.append(f"its size of {len(facts.bytes)} bytes is not between {SMALLEST} and {LARGEST}")
    return found


def name_problems(platform: Platform, facts: Facts) -> list[str]:
    found = []
    wanted = {"ELF": "libsmpfota.so", "Mach-O": "@rpath/libsmpfota.dylib", "PE": None}[facts.format]
    if facts.name != wanted:
        found.append(f"its own name is {facts.name}, not {wanted}")
    if facts.format == "Mach-O":
        if platform.oldest != facts.oldest:
            found.append(f"it needs macOS {facts.oldest}, not {platform.oldest}")
        if not facts.signed:
            found.append("it has no signature: macOS on ARM loads nothing without one")
    return found


def summary(platform: Platform, file: Path) -> str:
    """What a good file was found to be, in one line."""
    facts = Facts(file)
    newest = max(facts.versions, key=lambda version: version[1])[0].replace("_", " ") if facts.versions else ""
    parts = [f"{len(facts.exports)} functions", f"{len(facts.bytes)} bytes", newest, f"macOS {facts.oldest}" if facts.oldest else ""]
    return ", ".join(filter(None, [*parts, f"needs {names(facts.needs)}"]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Holds the native files to the table of platforms.")
    parser.add_argument("--folder", type=Path, default=NATIVE, help="where the folders of the platforms are")
    parser.add_argument("rid", nargs="*", help="the platforms; all without any")
    arguments = parser.parse_args()
    bad = False
    for platform in chosen(arguments.rid):
        file = platform.file_in(arguments.folder)
        found = problems(platform, file)
        bad |= bool(found)
        print(f"{platform.rid}: {'; '.join(found) or 'good: ' + summary(platform, file)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
