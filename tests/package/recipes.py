"""The programs of docs/DOTNET.md, taken out of it: what stands behind which mark goes into which project."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "DOTNET.md"
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
