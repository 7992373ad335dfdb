"""What is wrong with a finished package, as sentences; none for a good one."""

import json
import re
import xml.etree.ElementTree as xml
import zipfile
from pathlib import Path

from crates import Crate, locked

import check
from platforms import Platform

LARGEST = 8 * 1000 * 1000
FRAMEWORKS = ("net8.0", "netstandard2.0")
LONGEST_FIRST_PROGRAM = 25
TEXTS = ("README.md", "icon.png", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES.txt", "SmpFota.cdx.json")


def readme_problems(text: str) -> list[str]:
    """A link has to work on the page of a package registry, where there is no repository beside the README."""
    found = []
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.M)
    targets += re.findall(r"""(?:href|src)=["']([^"']+)""", text)
    for target in targets:
        if not re.match(r"https?://|mailto:", target):
            found.append(f"the link {target} is relative and leads nowhere from the page of the package")
    programs = re.findall(r"^```csharp\n(.*?)^```", text, re.M | re.S)
    if not programs:
        found.append("it shows no C# program")
    elif len(programs[0].strip().splitlines()) > LONGEST_FIRST_PROGRAM:
        found.append(f"its first program has more than {LONGEST_FIRST_PROGRAM} lines")
    if "dotnet add package SmpFota" not in text:
        found.append("it does not say how to install the package")
    return found


def problems(
    package: Path, symbols: Path, rows: list[Platform], natives: Path, crates: list[Crate], *, local: bool
) -> list[str]:
    found = []
    if package.stat().st_size > LARGEST:
        found.append(f"it has {package.stat().st_size} bytes, more than {LARGEST}")
    with zipfile.ZipFile(package) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    found += listing_problems(content, rows)
    if found:
        return found
    for row in rows:
        if content[f"runtimes/{row.rid}/native/{row.file}"] != row.file_in(natives).read_bytes():
            found.append(f"the file of {row.rid} is not the one that was checked")
    found += readme_problems(content["README.md"].decode())
    found += manifest_problems(content["SmpFota.nuspec"])
    found += documentation_problems(content)
    found += material_problems(content, crates)
    with zipfile.ZipFile(symbols) as archive:
        content |= {f"symbols/{name}": archive.read(name) for name in archive.namelist()}
    for framework in FRAMEWORKS:
        if f"symbols/lib/{framework}/SmpFota.pdb" not in content:
            found.append(f"the symbols of {framework} are missing")
    for name, data in content.items():
        if local and name.startswith("runtimes/"):
            continue
        if paths := check.builders_paths(data):
            found.append(f"{name} names places of the machine that built it: {', '.join(paths[:3])}")
    return found


def listing_problems(content: dict[str, bytes], rows: list[Platform]) -> list[str]:
    """Exactly what belongs into it is there."""
    wanted = {f"runtimes/{row.rid}/native/{row.file}" for row in rows}
    wanted |= {f"lib/{framework}/SmpFota.{ending}" for framework in FRAMEWORKS for ending in ("dll", "xml")}
    wanted |= set(TEXTS) | {"build/SmpFota.targets", "buildTransitive/SmpFota.targets", "SmpFota.nuspec"}
    packaging = re.compile(r"_rels/|package/services/|\[Content_Types\]\.xml$")
    present = {name for name in content if not packaging.match(name)}
    found = [f"{name} is missing in it" for name in sorted(wanted - present)]
    return found + [f"{name} does not belong into it" for name in sorted(present - wanted)]


def manifest_problems(nuspec: bytes) -> list[str]:
    text = nuspec.decode("utf-8-sig")
    fields = {element.tag.rpartition("}")[2]: element.text or "" for element in xml.fromstring(text)[0]}
    found = [f"its manifest has no {name}" for name in ("id", "version", "description", "releaseNotes", "icon", "readme", "tags") if not fields.get(name, "").strip()]
    if fields.get("license") != "MIT OR Apache-2.0":
        found.append(f"its licence is {fields.get('license')}")
    return found


def documentation_problems(content: dict[str, bytes]) -> list[str]:
    members = {framework: set(re.findall(rb'<member name="([^"]+)"', content[f"lib/{framework}/SmpFota.xml"])) for framework in FRAMEWORKS}
    found = []
    for framework, names in members.items():
        if inner := sorted(name.decode() for name in names if b"SmpFota.Interop." in name or b"Polyfill" in name):
            found.append(f"the documentation of {framework} tells of {inner[0]} and other internals")
        if len(names) < 100:
            found.append(f"the documentation of {framework} has {len(names)} members only")
    return found


def material_problems(content: dict[str, bytes], crates: list[Crate]) -> list[str]:
    """The bill of materials agrees with Cargo.lock, and every work in it has its notice."""
    found = []
    notices = content["THIRD-PARTY-NOTICES.txt"].decode()
    bill = json.loads(content["SmpFota.cdx.json"])
    known = locked()
    listed = {}
    for component in bill["components"]:
        name, version = component["name"], component["version"]
        checksum = next((entry["content"] for entry in component.get("hashes", [])), "")
        listed[name, version] = checksum
        if component.get("purl", "").startswith("pkg:nuget/"):
            continue
        if f"- {name} {version}: " not in notices:
            found.append(f"the notices do not name {name} {version}")
    for crate in crates:
        if listed.get((crate.name, crate.version)) != known[crate.name, crate.version]:
            found.append(f"the bill of materials does not have {crate.name} {crate.version} as Cargo.lock has it")
    return found
