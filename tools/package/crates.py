"""The crates that are linked into the native library, out of cargo's own metadata."""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "natives"))
from platforms import ROOT, table  # noqa: E402
from standard_library import licence_texts  # noqa: E402


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    licence: str
    checksum: str
    folder: Path

    @property
    def texts(self) -> list[str]:
        return licence_texts(self.folder)


def locked() -> dict[tuple[str, str], str]:
    """Checksum by name and version, as Cargo.lock has them."""
    with (ROOT / "Cargo.lock").open("rb") as lock:
        packages = tomllib.load(lock)["package"]
    return {(package["name"], package["version"]): package.get("checksum", "") for package in packages}


def cargo(*options: str) -> str:
    result = subprocess.run(["cargo", *options, "--locked"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"cargo {options[0]} failed: {result.stderr.strip()}")
    return result.stdout


def linked() -> list[Crate]:
    """What any platform of the table links; without what runs at compile time or in tests only."""
    # `cargo metadata` has the folders and licences, but counts the features that tests switch on; `cargo tree` does not.
    platforms = [option for row in table() for option in ("--target", row.triple)]
    rows = cargo("tree", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}", *platforms).splitlines()
    names = {tuple(row.split()[:2]) for row in rows if row.strip()}
    checksums = locked()
    crates = []
    only = [option for row in table() for option in ("--filter-platform", row.triple)]
    for package in json.loads(cargo("metadata", "--format-version", "1", *only))["packages"]:
        name, version = package["name"], package["version"]
        if (name, f"v{version}") not in names or package["source"] is None:
            continue
        checksum = checksums.get((name, version), "")
        if not checksum:
            raise SystemExit(f"{name} {version} has no checksum in Cargo.lock")
        crates.append(Crate(name, version, package.get("license") or "", checksum, Path(package["manifest_path"]).parent))
    if len(crates) != len(names) - 1:
        raise SystemExit("cargo tree and cargo metadata do not agree on what is linked")
    return sorted(crates, key=lambda crate: (crate.name, crate.version))
