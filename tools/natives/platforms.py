"""The table of the platforms (platforms.toml) and where their files lie."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
NATIVE = TARGET / "native"
CROSS = ROOT / ".cache" / "cross"


@dataclass(frozen=True)
class Platform:
    """One row of the table; the fields are explained there."""

    rid: str
    target: str
    file: str
    needs: tuple[str, ...]
    flags: tuple[str, ...] = ()
    oldest: str | None = None
    tests: str | None = None

    @property
    def triple(self) -> str:
        """Rust's name of the platform alone."""
        return self.target.split(".", 1)[0]

    @property
    def glibc(self) -> str | None:
        """The oldest glibc that the file may need."""
        return self.target.split(".", 1)[1] if "." in self.target else None

    @property
    def built_as(self) -> str:
        """What cargo calls the file."""
        return "smpfota.dll" if self.file.endswith(".dll") else self.file

    def file_in(self, folder: Path) -> Path:
        return folder / self.rid / self.file


def table() -> list[Platform]:
    with (Path(__file__).parent / "platforms.toml").open("rb") as file:
        rows = tomllib.load(file)["platform"]
    return [Platform(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}) for row in rows]


def chosen(rids: list[str]) -> list[Platform]:
    """The rows of these platforms, all without any; an unknown name ends the program."""
    rows = table()
    unknown = sorted(set(rids) - {row.rid for row in rows})
    if unknown:
        raise SystemExit(f"no such platform: {', '.join(unknown)}; there are {', '.join(row.rid for row in rows)}")
    return [row for row in rows if not rids or row.rid in rids]
