"""The programs of docs/DOTNET.md, taken out of it: what stands behind which mark goes into which project.

usage: tests/package/recipes.py FOLDER      what needs no package but SmpFota and xunit, for csc: FOLDER/recipes and FOLDER/first
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "DOTNET.md"
PACKAGE_README = ROOT / "bindings" / "dotnet" / "SmpFota" / "Package" / "README.md"
FIRST_LINES = 25
# As the SDK's ImplicitUsings.
IMPLICIT = ("System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks")
MARKED = re.compile(r"^<!-- (compiled into|file of the host|properties of): (.+?) -->\n```(\w+)\n(.*?)^```", re.M | re.S)


def blocks() -> list[tuple[str, str, str]]:
    found = [(kind, what, text) for kind, what, _, text in MARKED.findall(PAGE.read_text())]
    code = PAGE.read_text().count("\n```csharp\n")
    marked = sum(kind == "compiled into" for kind, _, _ in found)
    if code != marked:
        raise SystemExit(f"docs/DOTNET.md has {code} programs, of which {marked} say where they are compiled")
    return found


def write(project: str, folder: Path) -> None:
    """The sources of a project, one file a program; the first of a host is its start."""
    for number, (kind, what, text) in enumerate(blocks()):
        if kind == "compiled into" and project in what.split():
            (folder / f"Recipe{number}.cs").write_text(text)
        if kind == "file of the host" and project == "host":
            (folder / what).write_text(text)


def properties(project: str) -> str:
    return "".join(text for kind, what, text in blocks() if kind == "properties of" and what == project)


def first_program(readme: str) -> str:
    """The first program of a README. That of the package is a newcomer's, and short."""
    return re.search(r"^```csharp\n(.*?)^```", readme, re.M | re.S)[1]


def newcomer(readme: str) -> str:
    program = first_program(readme)
    if (count := program.count("\n")) > FIRST_LINES:
        raise SystemExit(f"the first program of the package's README has {count} lines, not {FIRST_LINES}")
    return program


def needs_no_package(text: str) -> bool:
    return all(name.split(".")[0] in ("System", "SmpFota", "Xunit") for name in re.findall(r"^using ([\w.]+);", text, re.M))


def write_without_packages(folder: Path) -> None:
    programs = [text for kind, _, text in blocks() if kind == "compiled into" and needs_no_package(text)]
    programs.append("".join(f"global using {name};\n" for name in IMPLICIT))
    for name, texts in (("recipes", programs), ("first", [newcomer(PACKAGE_README.read_text())])):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).glob("*.cs"):
            old.unlink()
        for number, text in enumerate(texts):
            (folder / name / f"Recipe{number}.cs").write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_without_packages(Path(sys.argv[1]))
