#!/usr/bin/env python3
"""Shows that the public surface is frozen: a copy of the binding in which a signature was changed does not build.

usage: tests/dotnet/frozen.py

For each framework a signature is changed (RS0016: it is not in PublicAPI/, RS0017: what is there is gone) and a second overload with optional
arguments is added (RS0026). Prints `ok NAME`, `not ok NAME: why` or `skip NAME: why`. Needs a .NET SDK; netstandard2.0 needs the SDK 10.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = Path("bindings/dotnet/SmpFota")
CHANGED = "SmpLibrary.cs"
OLD = "    public static int AbiVersion\n"
NEW = "    public static long AbiVersion\n"
ADDED = """    /// <summary>One.</summary>
    public static int Twice(int number = 1) => 2 * number;

    /// <summary>The other.</summary>
    public static int Twice(string text, int number = 1) => text.Length * number;

"""
WANTED = {
    ("RS0016", "SmpFota.SmpLibrary.AbiVersion.get -> long"),
    ("RS0017", "SmpFota.SmpLibrary.AbiVersion.get -> int"),
    ("RS0026", "Twice"),
}


def plant(copy: Path) -> None:
    file = copy / LIBRARY / CHANGED
    text = file.read_text()
    if text.count(OLD) != 1:
        raise SystemExit(f"{CHANGED} does not have '{OLD.strip()}' once")
    text = text.replace(OLD, NEW)
    end = text.rindex("}")
    file.write_text(text[:end] + "\n" + ADDED.rstrip() + "\n" + text[end:])


def build(copy: Path, framework: str) -> tuple[int, str]:
    command = ["dotnet", "build", "--nologo", "-v", "q", "-c", "Release", "-f", framework, "-nodeReuse:false", "-p:UseSharedCompilation=false"]
    environment = os.environ | {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_CLI_UI_LANGUAGE": "en"}
    result = subprocess.run(command, cwd=copy / LIBRARY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    return result.returncode, result.stdout + result.stderr


def why_not(code: int, said: str) -> str | None:
    """What is wrong with how the build ended; None where it is red for what was planted and for nothing else."""
    errors = set(re.findall(r"error (\w+): (.*?)(?: \(https://| \[/|$)", said, re.M))
    if code == 0:
        return "it builds"
    if missing := [(rule, words) for rule, words in WANTED if not any(rule == found and words in text for found, text in errors)]:
        return f"no error names {missing}:\n{said.strip()[-2000:]}"
    if other := {rule for rule, _ in errors} - {rule for rule, _ in WANTED}:
        return f"it fails for another reason: {', '.join(sorted(other))}"
    return None


def main() -> int:
    if not shutil.which("dotnet"):
        print("skip frozen: there is no .NET SDK on PATH")
        return 0
    sdk = int(subprocess.run(["dotnet", "--version"], capture_output=True, text=True, check=True).stdout.split(".")[0])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="smpfota-") as temporary:
        copy = Path(temporary)
        shutil.copytree(ROOT / LIBRARY, copy / LIBRARY, ignore=shutil.ignore_patterns("bin", "obj"))
        shutil.copy(ROOT / "Cargo.toml", copy)
        plant(copy)
        for framework in sorted(folder.name for folder in (ROOT / LIBRARY / "PublicAPI").iterdir()):
            if framework.startswith("netstandard") and sdk < 10:
                print(f"skip frozen-{framework}: the SDK {sdk} has not its C#")
                continue
            why = why_not(*build(copy, framework))
            failed += why is not None
            print(f"ok frozen-{framework}" if why is None else f"not ok frozen-{framework}: " + why.replace("\n", "\n  | "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
