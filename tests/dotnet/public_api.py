#!/usr/bin/env python3
"""Writes what is new of the public surface into bindings/dotnet/SmpFota/PublicAPI/<framework>/PublicAPI.Unshipped.txt.

usage: tests/dotnet/public_api.py

The build is red while a public symbol is not in those files (RS0016) or one of them is gone (RS0017). This adds the lines that the analyzer asks for;
a line of what is gone is taken out by hand, since it breaks those who call it: CHANGELOG.md says under "Breaking" what they write instead.
At a release the lines move from Unshipped to Shipped. Needs a .NET SDK 10.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent.parent.parent / "bindings/dotnet/SmpFota"


def missing(framework: str, folder: Path) -> set[str]:
    log = folder / f"{framework}.sarif"
    options = ["-f", framework, "-o", folder / framework, "-t:Rebuild", "-p:TreatWarningsAsErrors=false", f"-p:ErrorLog={log}%2cversion=2.1"]
    result = subprocess.run(["dotnet", "build", "--nologo", "-v", "q", "-c", "Release", *map(str, options)], cwd=LIBRARY, stdout=subprocess.PIPE, text=True)
    if not log.exists():
        raise SystemExit(result.stdout)
    results = json.loads(log.read_text(encoding="utf-8-sig"))["runs"][0]["results"]
    return {found["properties"]["customProperties"]["APIName"] for found in results if found["ruleId"] == "RS0016"}


def main() -> int:
    for file in sorted(LIBRARY.glob("PublicAPI/*/PublicAPI.Unshipped.txt")):
        with tempfile.TemporaryDirectory() as folder:
            new = missing(file.parent.name, Path(folder))
        head, *known = file.read_text().splitlines()
        file.write_text("".join(f"{line}\n" for line in [head, *sorted(new | set(known))]))
        print(f"{file.parent.name}: {len(new)} new symbols")
    return 0


if __name__ == "__main__":
    sys.exit(main())
